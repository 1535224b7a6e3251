// SPDX-License-Identifier: Apache-2.0
// The disks and network cards of a live domain, as xenstore has them below /libxl/<domid>/device: the copy
// that only the control domain writes (Xen's docs/misc/xenstore-paths.pandoc). libxl and the emulated
// hypervisor write the same.
#pragma once

#include "xen/facts.hpp"
#include "xen/xenstore.hpp"

#include <vector>

namespace xb::xen {

/// In the order of their numbers. A device that goes meanwhile may be missing. A card's model is not
/// recorded.
Task<std::vector<DeviceInfo<DiskConfig>>> listDisks(XenStore& store, DomId domid);
Task<std::vector<DeviceInfo<NicConfig>>> listNics(XenStore& store, DomId domid);

} // namespace xb::xen
