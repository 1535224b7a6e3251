// SPDX-License-Identifier: Apache-2.0
// Disks and network cards that come to and go from a running domain, as libxl does it: the nodes are written,
// the backend gets ready, the guest connects in its own time; to remove one the backend is told to close, and
// the nodes go when guest and backend have closed. What fails is undone. One change at a time per domain.
#pragma once

#include "xen/emulated/emulator/domain.hpp"
#include "xen/emulated/emulator/domain_tree.hpp"

namespace xb::xen::emulated {

class Backends;

/// All operations throw xb::Error.
class HotDevices {
public:
    HotDevices(const Executor& executor, const EmulatorOptions& options, XenStoreClient& store,
               Backends& backends)
        : executor_(executor), options_(options), store_(store), backends_(backends) {}

    using DomainPtr = std::shared_ptr<Domain>;

    Task<> addDisk(DomainPtr domain, DiskConfig disk);
    /// Without `force` a guest that does not let go of it within the device limit keeps it.
    Task<> removeDisk(DomainPtr domain, std::string vdev, bool force);
    /// The drive goes and comes again with the other medium.
    Task<> changeMedium(DomainPtr domain, std::string vdev, std::string path);
    Task<> addNic(DomainPtr domain, NicConfig nic);
    Task<> removeNic(DomainPtr domain, std::uint32_t devid, bool force);

private:
    Task<> refuseIfThere(const Domain& domain, DeviceId id, std::string what);
    Task<> awaitPlugged(const Domain& domain, DeviceId id);
    Task<> plugDisk(DomainPtr domain, DiskConfig disk);
    Task<> remove(DomainPtr domain, DeviceId id, std::string what, bool force);
    Task<bool> closes(DomainPtr domain, DeviceId id);

    Executor executor_;
    const EmulatorOptions& options_;
    XenStoreClient& store_;
    Backends& backends_;
};

} // namespace xb::xen::emulated
