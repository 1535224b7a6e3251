// SPDX-License-Identifier: Apache-2.0
// A message bus of one test's own: a real dbus-daemon, or dbus-broker where the environment says
// XENBROKER_TEST_BUS=dbus-broker, in a temporary directory, ended and removed with the object.
#pragma once

#include "tests/support/bus_policy.hpp"
#include "tests/support/dbus_broker.hpp"

#include <filesystem>
#include <memory>
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
    /// Starts the bus, with the limits that such a program has by itself, and returns when it accepts
    /// connections.
    explicit PrivateBus(const BusPolicy& policy = BusPolicy::permissive());
    PrivateBus(const PrivateBus&) = delete;
    PrivateBus& operator=(const PrivateBus&) = delete;
    ~PrivateBus();

    const std::string& address() const { return address_; }
    pid_t pid() const { return pid_; }
    /// Ends the bus now.
    void stop();

private:
    void startDaemon(const BusPolicy& policy);

    TemporaryDirectory directory_;
    std::unique_ptr<DbusBroker> broker_;
    std::string address_;
    pid_t pid_ = -1;
};

} // namespace xb::test
