// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/device_objects.hpp"

#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/devices.hpp"
#include "xenmgr/disk_object.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/live_devices.hpp"
#include "xenmgr/nic_object.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/xenvm_config.hpp"

#include <algorithm>
#include <filesystem>

namespace xb::xenmgr {

namespace {

std::string diskPath(const Vm& vm, const std::string& id) {
    return vm.objectPath() + "/disk/" + id;
}
std::string nicPath(const Vm& vm, int id) {
    return vm.objectPath() + "/nic/" + std::to_string(id);
}

std::string freeDevice(const std::vector<Disk>& disks) {
    for (char letter = 'a'; letter <= 'z'; ++letter) {
        std::string device = std::string("hd") + letter;
        if (std::ranges::find(disks, device, &Disk::device) == disks.end())
            return device;
    }
    throw Error(errors::limitsExceeded, "the VM has a disk at each of hda to hdz already");
}

// A new NIC is on the default network, which may be on no bridge here: it is plugged once it has another.
bool hasPlace(const Context& context, const Vm& vm, const Nic& nic) {
    try {
        return nicEntry(context, vm.uuid(), nic).has_value();
    } catch (const Error& e) {
        log::warn("VM {}: NIC {} is not plugged yet: {}", vm.uuid(), nic.id, e.what());
    }
    return false;
}

} // namespace

void DeviceObjects::refresh(const std::shared_ptr<Vm>& vm) {
    auto& objects = context_.bus.objects();
    auto& known = exported_[vm->objectPath()];
    std::set<std::string> wanted;
    for (const auto& disk : disksOf(context_.db, vm->uuid())) {
        if (!isPathElement(disk.id)) {
            log::warn("VM {}: disk \"{}\" cannot be an object on the bus: letters, digits and _ only",
                      vm->uuid(), disk.id);
            continue;
        }
        const std::string path = diskPath(*vm, disk.id);
        if (wanted.insert(path).second && !known.contains(path))
            objects.add(path, std::make_shared<DiskObject>(context_, *this, vm, disk.id));
    }
    for (const auto& nic : nicsOf(context_.db, vm->uuid())) {
        const std::string path = nicPath(*vm, nic.id);
        if (nic.id >= 0 && wanted.insert(path).second && !known.contains(path))
            objects.add(path, std::make_shared<NicObject>(context_, *this, vm, nic.id));
    }
    for (const auto& path : known)
        if (!wanted.contains(path))
            objects.remove(path);
    known = std::move(wanted);
}

void DeviceObjects::removeAll(const std::shared_ptr<Vm>& vm) {
    for (const auto& path : exported_[vm->objectPath()])
        context_.bus.objects().remove(path);
    exported_.erase(vm->objectPath());
}

Task<ObjectPath> DeviceObjects::addDisk(std::shared_ptr<Vm> vm) {
    auto lock = co_await vm->deviceLock().lock();
    co_await context_.db.fresh();
    const std::string id = std::to_string(firstFreeId(context_.db.list(vm->node() + "/config/disk")));
    const std::string device = freeDevice(disksOf(context_.db, vm->uuid()));
    const std::string json =
        R"({"path":"","type":"vhd","mode":"w","device":")" + device + R"(","devtype":"disk"})";
    co_await context_.db.inject(diskNode(vm->uuid(), id), json);
    refresh(vm);
    context_.signals.vmConfigChanged(vm->uuid());
    co_return ObjectPath(diskPath(*vm, id));
}

Task<ObjectPath> DeviceObjects::addNic(std::shared_ptr<Vm> vm) {
    auto lock = co_await vm->deviceLock().lock();
    co_await context_.db.fresh();
    std::vector<std::string> taken = context_.db.list(vm->node() + "/config/nic");
    for (const auto& nic : nicsOf(context_.db, vm->uuid()))
        taken.push_back(std::to_string(nic.id));
    const int id = firstFreeId(taken);
    const std::string text = std::to_string(id);
    const std::string json =
        R"({"id":")" + text + R"(","network":")" + defaultNetwork + R"(","enable":"true"})";
    co_await context_.db.inject(nicNode(vm->uuid(), text), json);
    std::optional<Error> failure;
    if (const auto added = findNic(context_.db, vm->uuid(), id); hasPlace(context_, *vm, *added)) {
        try {
            co_await followNic(context_, vm, std::nullopt, *added);
        } catch (const Error& e) {
            failure = e;
        }
    }
    if (failure) {
        co_await context_.db.remove(nicNode(vm->uuid(), text));
        throw *failure;
    }
    refresh(vm);
    context_.signals.vmConfigChanged(vm->uuid());
    co_return ObjectPath(nicPath(*vm, id));
}

Task<> DeviceObjects::removeDisk(std::shared_ptr<Vm> vm, std::string id) {
    auto lock = co_await vm->deviceLock().lock();
    co_await context_.db.fresh();
    const auto disk = findDisk(context_.db, vm->uuid(), id);
    if (!disk)
        throw coded(Code::noSuchDisk, diskPath(*vm, id));
    co_await unplugDisk(context_, vm, *disk);
    const bool fileToo = isOnlyUser(context_.db, vm->uuid(), *disk);
    co_await context_.db.remove(diskNode(vm->uuid(), id));
    refresh(vm);
    if (fileToo)
        removeDiskFile(context_, vm->uuid(), disk->path);
    context_.signals.vmConfigChanged(vm->uuid());
}

Task<> DeviceObjects::removeNic(std::shared_ptr<Vm> vm, int id) {
    auto lock = co_await vm->deviceLock().lock();
    co_await context_.db.fresh();
    const auto nic = findNic(context_.db, vm->uuid(), id);
    if (!nic)
        throw coded(Code::noSuchNic, nicPath(*vm, id));
    co_await followNic(context_, vm, *nic, std::nullopt);
    co_await context_.db.remove(nicNode(vm->uuid(), nic->key));
    refresh(vm);
    context_.signals.vmConfigChanged(vm->uuid());
}

bool isOnlyUser(const Db& db, const std::string& uuid, const Disk& disk) {
    if (disk.type != "vhd" || disk.shared || disk.path.empty())
        return false;
    for (const auto& other : db.list("/vm"))
        for (const auto& each : disksOf(db, other))
            if (each.path == disk.path && (other != uuid || each.id != disk.id))
                return false;
    return true;
}

void removeDiskFile(const Context& context, const std::string& uuid, const std::string& path) {
    const auto file = below(context.settings.root, path);
    std::error_code error;
    if (std::filesystem::remove(file, error))
        log::info("VM {}: removed {}, the file of a disk of its own", uuid, file.string());
    else if (error)
        log::warn("VM {}: cannot remove {}: {}", uuid, file.string(), error.message());
}

} // namespace xb::xenmgr
