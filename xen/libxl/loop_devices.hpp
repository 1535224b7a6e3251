// SPDX-License-Identifier: Apache-2.0
// Loop devices that hotplug scripts leave behind. libxl has /etc/xen/scripts/block attach a loop device to
// each raw disk file, and kills a script that takes 40 s: then the device may be attached without xenstore
// knowing it, so that "remove" does not find it, or "remove" itself did not get to it. The file stays busy
// until somebody runs losetup -d. This detaches such devices; what a backend or a script still uses is left
// alone.
#pragma once

#include "xen/libxl/libxl_threads.hpp"
#include "xen/xenstore.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace xb::xen {

/// A loop device and what it is attached to.
struct LoopDevice {
    std::string device; ///< "/dev/loop3"
    std::string file;   ///< without symbolic links
    bool operator==(const LoopDevice&) const = default;
};

/// Where things are, and how a device is detached: tests have their own.
struct LoopSystem {
    std::filesystem::path block = "/sys/block";
    /// Of the scripts' lock (locking.sh): whoever holds it knows that no script is between attaching a device
    /// and telling xenstore.
    std::filesystem::path lockDirectory = "/var/run/xen-hotplug";
    std::chrono::milliseconds lockLimit{60000};
    std::function<void(const std::string& device)> detach; ///< empty: the real thing; throws xb::Error
};

/// The devices that are attached now, without those that will detach themselves.
std::vector<LoopDevice> attachedLoopDevices(const LoopSystem& system = {});

/// Those that a domain's disks are on.
Task<std::vector<LoopDevice>> loopDevicesOf(std::shared_ptr<XenStore> store, DomId domid, LoopSystem system);

using LoopSuspect = std::function<bool(const LoopDevice&)>;

/// Detaches the suspects that no backend uses, once no hotplug script runs. What fails is logged: it must not
/// hide the failure of what came before.
Task<> detachLeftLoopDevices(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store,
                             LoopSuspect suspect, LoopSystem system);

} // namespace xb::xen
