// SPDX-License-Identifier: Apache-2.0
// Disks and network cards of a live domain on libxl: added, removed, listed, and the medium of a CD drive.
// libxl leaves a device that could not be added half-made; this takes it away again, with the loop device
// that the hotplug script may have attached.
#pragma once

#include "xen/hypervisor.hpp"
#include "xen/libxl/libxl_threads.hpp"

#include <memory>

namespace xb::xen {

/// As the functions of Hypervisor. A value: its coroutines keep what they use alive.
struct LibxlDevices {
    std::shared_ptr<LibxlThreads> threads;
    std::shared_ptr<XenStore> store;

    Task<std::vector<DeviceInfo<DiskConfig>>> disks(DomId domid) const;
    Task<> addDisk(DomId domid, DiskConfig disk) const;
    Task<> removeDisk(DomId domid, std::string vdev, bool force) const;
    Task<> changeMedium(DomId domid, std::string vdev, std::string path) const;
    Task<std::vector<DeviceInfo<NicConfig>>> nics(DomId domid) const;
    Task<> addNic(DomId domid, NicConfig nic) const;
    Task<> removeNic(DomId domid, int devid, bool force) const;
};

} // namespace xb::xen
