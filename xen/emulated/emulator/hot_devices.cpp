// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/hot_devices.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "xen/device_list.hpp"
#include "xen/emulated/emulator/backends.hpp"
#include "xen/emulated/emulator/domain_checks.hpp"

#include <algorithm>

namespace xb::xen::emulated {

namespace {

std::string nameOf(const Domain& domain) {
    return "domain " + std::to_string(domain.domid);
}

std::string stateText(XenbusState state) {
    return std::to_string(static_cast<int>(state));
}

// Where Linux says why it keeps a device (xenbus_dev_error).
std::string guestErrorPath(const Domain& domain, const DeviceId& id) {
    return domainPath(domain.domid) + "/error/device/" + id.kind + "/" + std::to_string(id.devid) + "/error";
}

} // namespace

Task<> HotDevices::refuseIfThere(const Domain& domain, DeviceId id, std::string what) {
    const auto there = co_await store_.read(backendPath(id.kind, domain.domid, id.devid) + "/frontend-id");
    if (there)
        throw Error(nameOf(domain) + " has a " + what + " already");
}

Task<> HotDevices::awaitPlugged(const Domain& domain, DeviceId id) {
    std::exception_ptr failure;
    try {
        co_await backends_.waitUntilReady(domain.domid, id, options_.deviceLimit);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure)
        co_return;
    co_await removeDevice(store_, domain.domid, id);
    backends_.dropDevice(domain.domid, id);
    std::rethrow_exception(failure);
}

Task<> HotDevices::plugDisk(DomainPtr domain, DiskConfig disk) {
    const DeviceId id = deviceIdOf(disk);
    co_await writeDisk(store_, domain->domid, disk);
    co_await awaitPlugged(*domain, id);
    log::info("{}: disk {} is added: {}", nameOf(*domain), disk.vdev, disk.path);
}

Task<> HotDevices::addDisk(DomainPtr domain, DiskConfig disk) {
    const auto lock = co_await domain->devices.lock();
    const DeviceId id = deviceIdOf(disk);
    checkDisk(disk);
    const std::string what = "disk " + disk.vdev;
    co_await refuseIfThere(*domain, id, what);
    co_await plugDisk(domain, std::move(disk));
}

Task<> HotDevices::addNic(DomainPtr domain, NicConfig nic) {
    const auto lock = co_await domain->devices.lock();
    checkNic(nic);
    const DeviceId id = deviceIdOf(nic);
    const std::string what = "network card " + std::to_string(nic.devid);
    co_await refuseIfThere(*domain, id, what);
    co_await writeNic(store_, domain->domid, domain->config.type, nic);
    co_await awaitPlugged(*domain, id);
    log::info("{}: network card {} is added: {} on {}", nameOf(*domain), nic.devid, nic.mac, nic.bridge);
}

Task<> HotDevices::removeDisk(DomainPtr domain, std::string vdev, bool force) {
    const auto lock = co_await domain->devices.lock();
    const DeviceId id{"vbd", diskDeviceNumber(vdev)};
    const std::string what = "disk " + vdev;
    co_await remove(domain, id, what, force);
}

Task<> HotDevices::removeNic(DomainPtr domain, std::uint32_t devid, bool force) {
    const auto lock = co_await domain->devices.lock();
    const DeviceId id{"vif", devid};
    const std::string what = "network card " + std::to_string(devid);
    co_await remove(domain, id, what, force);
}

Task<> HotDevices::changeMedium(DomainPtr domain, std::string vdev, std::string path) {
    const auto lock = co_await domain->devices.lock();
    const auto all = co_await listDisks(store_, domain->domid);
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.config.vdev == vdev; });
    if (found == all.end())
        throw Error(nameOf(*domain) + " has no disk " + vdev);
    DiskConfig next = found->config;
    if (!next.cdrom)
        throw Error(errors::invalidArgs, nameOf(*domain) + ": disk " + vdev + " is not a CD drive");
    next.path = std::move(path);
    next.backend = next.path.starts_with("/dev/") ? DiskBackend::phy : DiskBackend::file;
    checkDisk(next); // before the old one goes
    const DeviceId id = deviceIdOf(next);
    const std::string what = "disk " + vdev;
    co_await remove(domain, id, what, false);
    co_await plugDisk(domain, std::move(next));
}

// The backend is told to close; true once it has, with the guest's consent.
Task<bool> HotDevices::closes(DomainPtr domain, DeviceId id) {
    const std::string backend = backendPath(id.kind, domain->domid, id.devid);
    const std::string refusal = guestErrorPath(*domain, id);
    const auto changed = std::make_shared<Event>(executor_);
    auto onChange = [changed](const std::string&) { changed->set(); };
    co_await store_.remove(refusal);
    const auto stateWatch = co_await store_.watch(backend + "/state", onChange);
    const auto refusalWatch = co_await store_.watch(refusal, onChange);
    domain->alsoWhenStopped(changed);
    XenStore::Changes changes{{backend + "/online", "0"},
                              {backend + "/state", stateText(XenbusState::closing)}};
    co_await store_.apply(std::move(changes));
    const auto deadline = std::chrono::steady_clock::now() + options_.deviceLimit;
    for (;;) {
        changed->clear();
        const auto state = co_await store_.read(backend + "/state");
        if (!state || state == stateText(XenbusState::closed) || !domain->running())
            co_return true;
        const auto said = co_await store_.read(refusal);
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (said || left.count() <= 0)
            co_return false;
        if (!co_await changed->waitFor(left))
            co_return false;
    }
}

Task<> HotDevices::remove(DomainPtr domain, DeviceId id, std::string what, bool force) {
    const std::string backend = backendPath(id.kind, domain->domid, id.devid);
    const auto state = co_await store_.read(backend + "/state");
    if (!state)
        throw Error(nameOf(*domain) + " has no " + what);
    // A guest that never connected has nothing to let go of.
    if (!force && state == stateText(XenbusState::connected)) {
        const bool closed = co_await closes(domain, id);
        if (!closed) {
            const auto said = co_await store_.read(guestErrorPath(*domain, id));
            XenStore::Changes back{{backend + "/online", "1"},
                                   {backend + "/state", stateText(XenbusState::connected)}};
            co_await store_.apply(std::move(back));
            throw Error(nameOf(*domain) + ": the guest does not let go of " + what +
                        (said ? " (" + *said + ")" : "") + ": unmount it there, or remove it by force");
        }
    }
    co_await removeDevice(store_, domain->domid, id);
    backends_.dropDevice(domain->domid, id);
    log::info("{}: {} is removed", nameOf(*domain), what);
}

} // namespace xb::xen::emulated
