// SPDX-License-Identifier: Apache-2.0
// PCI devices of the host, on libxl: of a live domain, and those that may be handed out. All block; they run
// on a LibxlThreads thread. Failures are xb::Error. As the functions of Hypervisor.
#pragma once

#include "xen/domain_config.hpp"
#include "xen/libxl/libxl_threads.hpp"

#include <vector>

namespace xb::xen {

std::vector<PciConfig> queryPciDevices(LibxlContext& libxl, DomId domid);
void plugPci(LibxlContext& libxl, DomId domid, const PciConfig& device);
void unplugPci(LibxlContext& libxl, DomId domid, const PciAddress& address, bool force);

std::vector<PciAddress> queryAssignableDevices(LibxlContext& libxl);
/// Refuses one that dom0 works with.
void makeDeviceAssignable(LibxlContext& libxl, const PciAddress& address);
void makeDeviceUnassignable(LibxlContext& libxl, const PciAddress& address, bool rebind);

} // namespace xb::xen
