// SPDX-License-Identifier: Apache-2.0
// Which VMs a VM needs: those that are backends of its NICs, and theirs in turn.
#pragma once

#include "xenmgr/context.hpp"
#include "xenmgr/devices.hpp"

#include <string>
#include <vector>

namespace xb::xenmgr {

/// UUIDs of all VMs that `uuid` depends on, nearest first, each once. A VM on a cycle does not list itself.
std::vector<std::string> dependenciesOf(const Db& db, const std::string& uuid);

/// Who serves a NIC.
struct NicBackend {
    /// The VM; empty: this domain, or a VM that is not there.
    std::string uuid;
    /// How the configuration says it, for messages; empty when it does not, and then the VM need not run.
    std::string wanted;
};

/// The backend of a NIC of `uuid`: the NIC's backend-uuid or backend-name, the one that the database has for
/// its network, or the first VM that provides-default-network-backend to networks that the database does not
/// have.
NicBackend backendOf(const Db& db, const std::string& uuid, const Nic& nic);

} // namespace xb::xenmgr
