// SPDX-License-Identifier: Apache-2.0
// A message bus of one test's own: a real dbus-daemon in a temporary directory, ended and removed with the
// object.
#pragma once

#include <filesystem>
#include <string>

#include <sys/types.h>

namespace xb::test {

/// A directory below the system's temporary one that goes away with the object.
class TemporaryDirectory {
public:
    TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory();
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

class PrivateBus {
public:
    /// Starts the daemon and returns when it accepts connections. `extraConfig` is put into its <busconfig>.
    explicit PrivateBus(const std::string& extraConfig = "");
    PrivateBus(const PrivateBus&) = delete;
    PrivateBus& operator=(const PrivateBus&) = delete;
    ~PrivateBus();

    const std::string& address() const { return address_; }
    pid_t pid() const { return pid_; }
    /// Ends the daemon now.
    void stop();

private:
    TemporaryDirectory directory_;
    std::string address_;
    pid_t pid_ = -1;
};

} // namespace xb::test
