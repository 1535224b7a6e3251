// SPDX-License-Identifier: Apache-2.0
// Whether PCI devices of the host can be given to a VM, looked at before anything is built: that a device is
// there, is nothing that dom0 needs itself, belongs to pciback (or may be taken from its driver), and that no
// other domain has it.
#pragma once

#include "toolstack/libs/task.hpp"
#include "xen/domain_config.hpp"
#include "xen/xenstore.hpp"

#include <filesystem>
#include <vector>

namespace xb::xenvm {

/// Throws xb::Error naming the first device that cannot be given, the reason and what to do. Those of `own`,
/// a domain, are its own. `system` stands for /, whose sys is looked into.
Task<> checkPciDevices(xen::XenStore& store, std::vector<xen::PciConfig> devices, int own,
                       std::filesystem::path system = "/");

} // namespace xb::xenvm
