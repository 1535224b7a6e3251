// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/devices.hpp"

#include "toolstack/libs/log.hpp"
#include "xen/device_list.hpp"
#include "xen/libxl/domain_config_builder.hpp"
#include "xen/libxl/domain_info.hpp"
#include "xen/libxl/loop_devices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace xb::xen {

namespace {

using Threads = std::shared_ptr<LibxlThreads>;
using Store = std::shared_ptr<XenStore>;

class Disk {
public:
    Disk() { libxl_device_disk_init(&value); }
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    ~Disk() { libxl_device_disk_dispose(&value); }
    libxl_device_disk value;
};

class Nic {
public:
    Nic() { libxl_device_nic_init(&value); }
    Nic(const Nic&) = delete;
    Nic& operator=(const Nic&) = delete;
    ~Nic() { libxl_device_nic_dispose(&value); }
    libxl_device_nic value;
};

// What the translation needs of the domain. A card that is added later is paravirtual only, also for HVM.
DomainConfig context(DomId domid) {
    DomainConfig config;
    config.name = std::to_string(domid);
    config.type = DomainType::pv;
    return config;
}

void requireRunning(LibxlContext& libxl, DomId domid) {
    const auto info = queryDomainState(libxl, domid);
    if (!info)
        throw Error(fmt::format("there is no {}", domainText(domid)));
    if (info->shutdown || info->dying)
        throw Error(fmt::format("{} is not running: it has {}", domainText(domid),
                                info->dying ? "been destroyed" : "shut down"));
}

Task<> requireDomain(Threads threads, DomId domid) {
    auto look = [domid](LibxlContext& libxl) {
        if (!queryDomainState(libxl, domid))
            throw Error(fmt::format("there is no {}", domainText(domid)));
    };
    co_await threads->run(look);
}

// libxl's words for a guest that keeps a device are those for a time limit that passed.
void checkRemoval(LibxlContext& libxl, DomId domid, const std::string& device, int code) {
    if (code == ERROR_TIMEDOUT || code == ERROR_GUEST_TIMEDOUT)
        throw Error(errors::timeout, fmt::format("{}: the guest does not let go of {}: unmount it there, or "
                                                 "remove it by force",
                                                 domainText(domid), device));
    libxl.check(fmt::format("removing {} of {}", device, domainText(domid)), code);
}

void undoDisk(LibxlContext& libxl, DomId domid, const std::string& vdev) {
    Disk left;
    if (libxl_vdev_to_device_disk(libxl.get(), domid, vdev.c_str(), &left.value) < 0)
        return;
    const int code = libxl_device_disk_destroy(libxl.get(), domid, &left.value, nullptr);
    if (code < 0)
        log::error("{}: disk {} could not be added, and its remains could not be removed: {}",
                   domainText(domid), vdev, libxl.log().complaints());
}

void undoNic(LibxlContext& libxl, DomId domid, int devid) {
    Nic left;
    if (libxl_devid_to_device_nic(libxl.get(), domid, devid, &left.value) < 0)
        return;
    const int code = libxl_device_nic_destroy(libxl.get(), domid, &left.value, nullptr);
    if (code < 0)
        log::error("{}: NIC {} could not be added, and its remains could not be removed: {}",
                   domainText(domid), devid, libxl.log().complaints());
}

void plugDisk(LibxlContext& libxl, DomId domid, const DiskConfig& disk) {
    requireRunning(libxl, domid);
    Disk made;
    translateDisk(context(domid), disk, made.value);
    libxl.log().clear();
    const int code = libxl_device_disk_add(libxl.get(), domid, &made.value, nullptr);
    if (code >= 0)
        return;
    const auto error =
        libxlError(fmt::format("adding disk {} to {}", disk.vdev, domainText(domid)), code, libxl.log());
    if (code != ERROR_DEVICE_EXISTS)
        undoDisk(libxl, domid, disk.vdev);
    throw error;
}

void unplugDisk(LibxlContext& libxl, DomId domid, const std::string& vdev, bool force) {
    Disk found;
    libxl.log().clear();
    libxl.check(fmt::format("finding disk {} of {}", vdev, domainText(domid)),
                libxl_vdev_to_device_disk(libxl.get(), domid, vdev.c_str(), &found.value));
    const int code = force ? libxl_device_disk_destroy(libxl.get(), domid, &found.value, nullptr)
                           : libxl_device_disk_safe_remove(libxl.get(), domid, &found.value, nullptr);
    checkRemoval(libxl, domid, "disk " + vdev, code);
}

std::optional<DeviceInfo<DiskConfig>> findDisk(const std::vector<DeviceInfo<DiskConfig>>& all,
                                               const std::string& vdev) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.config.vdev == vdev; });
    return found == all.end() ? std::nullopt : std::optional(*found);
}

// Runs `change`; loop devices that are on `file` after a failure but were not before go away.
template <class Change>
Task<> changeOrDetach(Threads threads, Store store, std::string path, Change change) {
    LoopSystem system;
    const auto before = attachedLoopDevices(system);
    std::exception_ptr failure;
    try {
        co_await threads->run(std::move(change));
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure)
        co_return;
    std::error_code ignored; // a file that is not there has no loop device either
    const auto file = std::filesystem::weakly_canonical(path, ignored).string();
    LoopSuspect suspect = [file, before](const LoopDevice& each) {
        return each.file == file && std::ranges::find(before, each) == before.end();
    };
    if (!path.empty())
        co_await detachLeftLoopDevices(threads, store, std::move(suspect), std::move(system));
    std::rethrow_exception(failure);
}

Task<> plugDiskSafely(Threads threads, Store store, DomId domid, DiskConfig disk) {
    const std::string path = disk.backendDomid == 0 ? disk.path : "";
    auto plug = [domid, disk = std::move(disk)](LibxlContext& libxl) { plugDisk(libxl, domid, disk); };
    co_await changeOrDetach(threads, store, path, std::move(plug));
}

Task<> unplugDiskSafely(Threads threads, Store store, DomId domid, std::string vdev, bool force) {
    LoopSystem system;
    const auto loops = co_await loopDevicesOf(store, domid, system);
    auto unplug = [domid, vdev, force](LibxlContext& libxl) { unplugDisk(libxl, domid, vdev, force); };
    co_await threads->run(unplug);
    // Those of the domain's other disks are in use and stay.
    LoopSuspect suspect = [loops](const LoopDevice& each) {
        return std::ranges::find(loops, each) != loops.end();
    };
    if (std::ranges::any_of(attachedLoopDevices(system), suspect))
        co_await detachLeftLoopDevices(threads, store, suspect, system);
}

Task<> addDiskTo(LibxlDevices self, DomId domid, DiskConfig disk) {
    const auto all = co_await self.disks(domid);
    if (findDisk(all, disk.vdev))
        throw Error(fmt::format("{} has a disk {} already", domainText(domid), disk.vdev));
    co_await plugDiskSafely(self.threads, self.store, domid, std::move(disk));
}

Task<> removeDiskOf(LibxlDevices self, DomId domid, std::string vdev, bool force) {
    const auto all = co_await self.disks(domid);
    if (!findDisk(all, vdev))
        throw Error(fmt::format("{} has no disk {}", domainText(domid), vdev));
    co_await unplugDiskSafely(self.threads, self.store, domid, std::move(vdev), force);
}

// libxl changes media of HVM guests, whose drives qemu emulates. A PV drive goes, and comes with the other
// one.
Task<> changeMediumOf(LibxlDevices self, DomId domid, std::string vdev, std::string path) {
    const auto all = co_await self.disks(domid);
    const auto now = findDisk(all, vdev);
    if (!now)
        throw Error(fmt::format("{} has no disk {}", domainText(domid), vdev));
    if (!now->config.cdrom)
        throw Error(errors::invalidArgs,
                    fmt::format("{}: disk {} is not a CD drive", domainText(domid), vdev));
    DiskConfig next = now->config;
    next.path = std::move(path);
    next.backend = next.path.starts_with("/dev/") ? DiskBackend::phy : DiskBackend::file;
    std::error_code problem;
    if (!next.path.empty() && !std::filesystem::exists(next.path, problem))
        throw Error(fmt::format("{}: cannot put {} into {}: there is no such file", domainText(domid),
                                next.path, vdev));
    const auto type = co_await self.store->read(fmt::format("/libxl/{}/type", domid));
    if (type == "hvm") {
        auto insert = [domid, next](LibxlContext& libxl) {
            Disk medium;
            translateDisk(context(domid), next, medium.value);
            libxl.check(fmt::format("changing the medium of {} of {}", next.vdev, domainText(domid)),
                        libxl_cdrom_insert(libxl.get(), domid, &medium.value, nullptr));
        };
        co_await self.threads->run(std::move(insert));
        co_return;
    }
    co_await unplugDiskSafely(self.threads, self.store, domid, vdev, false);
    co_await plugDiskSafely(self.threads, self.store, domid, std::move(next));
}

bool hasNic(const std::vector<DeviceInfo<NicConfig>>& all, int devid) {
    return std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.config.devid == devid; });
}

Task<> addNicTo(LibxlDevices self, DomId domid, NicConfig nic) {
    const auto all = co_await self.nics(domid);
    if (hasNic(all, nic.devid))
        throw Error(fmt::format("{} has a network card {} already", domainText(domid), nic.devid));
    auto plug = [domid, nic = std::move(nic)](LibxlContext& libxl) {
        requireRunning(libxl, domid);
        Nic made;
        translateNic(context(domid), nic, made.value);
        libxl.log().clear();
        const int code = libxl_device_nic_add(libxl.get(), domid, &made.value, nullptr);
        if (code >= 0)
            return;
        const auto error = libxlError(
            fmt::format("adding network card {} to {}", nic.devid, domainText(domid)), code, libxl.log());
        undoNic(libxl, domid, nic.devid);
        throw error;
    };
    co_await self.threads->run(std::move(plug));
}

Task<> removeNicOf(LibxlDevices self, DomId domid, int devid, bool force) {
    const auto all = co_await self.nics(domid);
    if (!hasNic(all, devid))
        throw Error(fmt::format("{} has no network card {}", domainText(domid), devid));
    auto unplug = [domid, devid, force](LibxlContext& libxl) {
        Nic found;
        libxl.log().clear();
        libxl.check(fmt::format("finding network card {} of {}", devid, domainText(domid)),
                    libxl_devid_to_device_nic(libxl.get(), domid, devid, &found.value));
        const int code = force ? libxl_device_nic_destroy(libxl.get(), domid, &found.value, nullptr)
                               : libxl_device_nic_remove(libxl.get(), domid, &found.value, nullptr);
        checkRemoval(libxl, domid, fmt::format("network card {}", devid), code);
    };
    co_await self.threads->run(unplug);
}

Task<std::vector<DeviceInfo<DiskConfig>>> disksOf(LibxlDevices self, DomId domid) {
    co_await requireDomain(self.threads, domid);
    co_return co_await listDisks(*self.store, domid);
}

Task<std::vector<DeviceInfo<NicConfig>>> nicsOf(LibxlDevices self, DomId domid) {
    co_await requireDomain(self.threads, domid);
    co_return co_await listNics(*self.store, domid);
}

} // namespace

Task<std::vector<DeviceInfo<DiskConfig>>> LibxlDevices::disks(DomId domid) const {
    return disksOf(*this, domid);
}

Task<> LibxlDevices::addDisk(DomId domid, DiskConfig disk) const {
    return addDiskTo(*this, domid, std::move(disk));
}

Task<> LibxlDevices::removeDisk(DomId domid, std::string vdev, bool force) const {
    return removeDiskOf(*this, domid, std::move(vdev), force);
}

Task<> LibxlDevices::changeMedium(DomId domid, std::string vdev, std::string path) const {
    return changeMediumOf(*this, domid, std::move(vdev), std::move(path));
}

Task<std::vector<DeviceInfo<NicConfig>>> LibxlDevices::nics(DomId domid) const {
    return nicsOf(*this, domid);
}

Task<> LibxlDevices::addNic(DomId domid, NicConfig nic) const {
    return addNicTo(*this, domid, std::move(nic));
}

Task<> LibxlDevices::removeNic(DomId domid, int devid, bool force) const {
    return removeNicOf(*this, domid, devid, force);
}

} // namespace xb::xen
