// SPDX-License-Identifier: Apache-2.0
// The two configurations of a VM: the current one, from which its domain was built, and the next one, which
// set, read_config and SIGHUP change and which a start, or the arrival in state shutdown, makes the current
// one.
#pragma once

#include "toolstack/libs/error.hpp"
#include "toolstack/xenvm/config_parser.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace xb::xenvm {

/// The configuration file cannot be read, or with --strict-config has errors.
class BadConfiguration : public Error {
public:
    using Error::Error;
};

class ConfigSlots {
public:
    /// `file` may be empty: there is only the built-in configuration then. With `strict`, any error in it is
    /// fatal.
    ConfigSlots(std::string uuid, std::filesystem::path file, bool strict);

    /// Reads the file into the next slot; bad lines are logged and left out. Throws xb::Error when it cannot
    /// be read, or with `strict` when it has errors; nothing is changed then.
    void load();
    /// As load() for read_config: another file if `path` is given, and an error in it leaves everything as it
    /// is.
    void read(const std::string& path);

    /// The next configuration if there is one, else the current one.
    const Config& latest() const { return next_ ? next_->config : current_.config; }
    const Config& current() const { return current_.config; }
    /// Makes the next configuration the current one.
    void promote();
    /// Throws xb::Error when the current configuration lacks devices whose lines could not be read.
    void requireDevices() const;

    /// get and set of single keys (config_parser.hpp); set works on the next configuration. Throws xb::Error.
    std::string get(const std::string& key) const;
    void set(const std::string& key, const std::string& value);
    /// Adds a disk or NIC entry, written as in the file, to the next configuration. Throws xb::Error.
    void add(const std::string& key, const std::string& entry);
    /// Changes the next configuration; `change` gives an error text, or an empty one. Throws xb::Error, and
    /// then nothing is changed.
    void edit(const std::function<std::string(Config&)>& change);

private:
    struct Slot {
        Config config;
        std::string lostDevices; ///< what is wrong with the lines of devices; empty: nothing
    };

    Slot parse(const std::filesystem::path& file, bool strict) const;

    std::string uuid_;
    std::filesystem::path file_;
    bool strict_;
    Slot current_;
    std::optional<Slot> next_;
};

} // namespace xb::xenvm
