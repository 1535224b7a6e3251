// SPDX-License-Identifier: Apache-2.0
// A dbus-broker of one test's own. dbus-broker reads no configuration: whoever starts it is its controller,
// and hands it the listening socket and the policy over a private connection (org.bus1.DBus.Broker).
// dbus-broker-launch, which does so on an installed system, needs systemd and its journal; this does the same
// without.
#pragma once

#include "tests/support/bus_policy.hpp"

#include <filesystem>
#include <memory>

#include <sys/types.h>

struct sd_bus;

namespace xb::test {

class DbusBroker {
public:
    /// Serves at `socket` when it returns. Throws xb::Error. Who made it ends and reaps the process.
    DbusBroker(const std::filesystem::path& socket, const BusPolicy& policy);

    pid_t pid() const { return pid_; }

private:
    struct Close {
        void operator()(sd_bus* controller) const;
    };

    pid_t pid_ = -1;
    std::unique_ptr<sd_bus, Close> controller_; // the broker ends when it is closed
};

} // namespace xb::test
