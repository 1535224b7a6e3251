// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/live_devices.hpp"

#include "toolstack/libs/log.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/xenvm_config.hpp"
#include "xenmgr/xenvm_links.hpp"

namespace xb::xenmgr {

namespace {

std::string valueOf(const StringMap& entry, const std::string& key) {
    const auto found = entry.find(key);
    return found == entry.end() ? "" : found->second;
}

bool isHvm(const Context& context, const Vm& vm) {
    return context.db.read(vm.node() + "/config/virt-type", "pv") == "hvm";
}

// xenvm's answers go on to our clients as they would from a start.
Error liveError(const std::string& what, const Vm& vm, const Error& e) {
    return operationError(what + " of VM \"" + vm.displayName() + "\"", e);
}

template <class Work>
Task<> tell(std::string what, std::shared_ptr<Vm> vm, Work work) {
    std::optional<Error> failure;
    try {
        co_await work();
    } catch (const Error& e) {
        failure = e;
    }
    if (failure)
        throw liveError(what, *vm, *failure);
}

Task<> followDiskNow(Context& context, std::shared_ptr<Vm> vm, Disk disk) {
    const auto client = context.links.client(vm->uuid());
    const auto live = co_await client.diskList();
    const StringMap* plugged = nullptr;
    for (const auto& each : live)
        if (valueOf(each, "device") == disk.device)
            plugged = &each;
    const auto entry = diskEntry(context, vm->uuid(), disk, isHvm(context, *vm));
    if (!entry) {
        if (!plugged)
            co_return;
        // Only HVM guests have a drive without a medium.
        co_await client.diskRemove(disk.device, false);
    } else if (!plugged) {
        co_await client.diskPlug(*entry);
    } else if (disk.isCdrom() && valueOf(*plugged, "devtype") == "cdrom") {
        if (disk.isEmptyDrive())
            co_await client.cdEject(disk.device);
        else if (disk.type == "phy")
            co_await client.cdInsertReal(disk.device, disk.path);
        else
            co_await client.cdInsertFile(disk.device, disk.path);
    }
}

// Another bridge or backend, or another card?
bool isSameCard(const Nic& one, const Nic& other) {
    return one.id == other.id && one.mac == other.mac && one.model == other.model;
}

// A card on a network that is on no bridge was never plugged.
std::optional<NicText> entryThatWas(const Context& context, const Vm& vm, const Nic& nic) {
    try {
        return nicEntry(context, vm.uuid(), nic);
    } catch (const Error& e) {
        log::debug("VM {}: NIC {} had no place: {}", vm.uuid(), nic.id, e.what());
    }
    return std::nullopt;
}

Task<> followNicNow(Context& context, std::shared_ptr<Vm> vm, std::optional<Nic> before,
                    std::optional<Nic> after) {
    const auto client = context.links.client(vm->uuid());
    const auto next = after ? nicEntry(context, vm->uuid(), *after) : std::nullopt;
    const auto last = before ? entryThatWas(context, *vm, *before) : std::nullopt;
    if (next && last && next->text == last->text)
        co_return;
    if (next && last && isSameCard(*before, *after)) {
        if (next->backendDomid != last->backendDomid)
            co_await client.setNicBackendDom(after->id, next->backendDomid);
        if (next->bridge != last->bridge)
            co_await client.nicNetworkSwitch(after->id, next->bridge);
        co_return;
    }
    if (last) {
        const auto live = co_await client.nicList();
        const std::string id = std::to_string(before->id);
        bool plugged = false;
        for (const auto& each : live)
            plugged = plugged || valueOf(each, "id") == id;
        if (plugged)
            co_await client.nicRemove(before->id, false);
    }
    std::optional<Error> failure;
    if (next) {
        try {
            co_await client.nicPlug(next->text);
        } catch (const Error& e) {
            failure = e;
        }
    }
    if (!failure)
        co_return;
    if (last) {
        try {
            co_await client.nicPlug(last->text);
        } catch (const Error& e) {
            log::error("VM {}: NIC {} could not be put back: {}", vm->uuid(), before->id, e.what());
        }
    }
    throw *failure;
}

} // namespace

Task<> followDisk(Context& context, std::shared_ptr<Vm> vm, Disk disk) {
    if (!isRunning(vm->state()))
        co_return;
    const std::string what = "changing disk " + disk.device;
    auto work = [&context, vm, disk] { return followDiskNow(context, vm, disk); };
    co_await tell(what, vm, work);
}

Task<> unplugDisk(Context& context, std::shared_ptr<Vm> vm, Disk disk) {
    if (!isRunning(vm->state()))
        co_return;
    disk.enabled = false;
    const std::string what = "removing disk " + disk.device;
    auto work = [&context, vm, disk] { return followDiskNow(context, vm, disk); };
    co_await tell(what, vm, work);
}

Task<> followNic(Context& context, std::shared_ptr<Vm> vm, std::optional<Nic> before,
                 std::optional<Nic> after) {
    if (!isRunning(vm->state()))
        co_return;
    const std::string what = "changing NIC " + std::to_string(after ? after->id : before->id);
    auto work = [&context, vm, before, after] { return followNicNow(context, vm, before, after); };
    co_await tell(what, vm, work);
}

} // namespace xb::xenmgr
