// SPDX-License-Identifier: Apache-2.0
// Which VMs a VM needs: those that are backends of its NICs, and theirs in turn.
#pragma once

#include "xenmgr/context.hpp"

#include <string>
#include <vector>

namespace xb::xenmgr {

/// UUIDs of all VMs that `uuid` depends on, nearest first, each once. A VM on a cycle does not list itself.
std::vector<std::string> dependenciesOf(const Db& db, const std::string& uuid);

/// The VM that a NIC's backend is in, by UUID or name; empty for dom0.
std::string backendOf(const Db& db, const std::string& uuid, int nicId);

} // namespace xb::xenmgr
