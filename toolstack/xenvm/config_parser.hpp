// SPDX-License-Identifier: Apache-2.0
// Reads a VM's configuration file: one `key = value` per line, blanks around both trimmed, `#` starts a
// comment line, lines without `=` are skipped, list keys repeat. No quoting, no escapes. Pure: text in,
// values and complaints out; any bytes are safe input. The keys are in config_keys.cpp, the device entries in
// device_entries.cpp.
#pragma once

#include "toolstack/xenvm/config.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xenvm {

/// Largest configuration file that is read.
inline constexpr std::size_t maxConfigBytes = 256 * 1024;
/// Complaints that are kept; the rest is counted in the last one.
inline constexpr std::size_t maxConfigErrors = 50;

struct ConfigError {
    int line = 0; ///< 1 is the first; 0: the file as a whole
    std::string text;
    /// A device entry that could not be read: the VM is not started without it.
    bool device = false;
};

struct ParsedConfig {
    Config config;
    std::vector<ConfigError> errors; ///< the lines that were left out, in order
};

/// The names of all keys.
std::vector<std::string_view> keyNames();

/// Parses a whole file's text. MACs and ids of NICs are not assigned yet (nics.hpp).
ParsedConfig parseConfig(std::string_view text);

/// "FILE:LINE: text" for each error, one per line.
std::string describe(const std::vector<ConfigError>& errors, const std::filesystem::path& file);

/// Sets one key as a line of the file does: scalars are replaced, lists get one more entry. An error text, or
/// nothing.
std::string setKey(Config& config, std::string_view key, std::string_view value);
/// As setKey(), but a list is replaced by the entries of `value`, one per line. Nothing is changed on error.
std::string replaceKey(Config& config, std::string_view key, std::string_view value);
/// The key's value as the file would say it, a list with one entry per line. Nothing for an unknown key.
std::optional<std::string> getKey(const Config& config, std::string_view key);

} // namespace xb::xenvm
