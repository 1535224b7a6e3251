// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/slots.hpp"

#include "xenmgr/db.hpp"
#include "xenmgr/vm.hpp"

namespace xb::xenmgr {

namespace {

// Slots are for people: service VMs may say anything there.
bool isUserVm(const Db& db, const std::string& uuid) {
    const std::string type = db.read(vmNode(uuid) + "/type", "svm");
    return type == "svm" || type == "pvm";
}

} // namespace

std::optional<int> freeSlot(const Db& db) {
    const auto vms = db.list("/vm");
    for (int slot = firstSlot; slot <= lastSlot; ++slot) {
        bool taken = false;
        for (const auto& uuid : vms)
            taken = taken || (isUserVm(db, uuid) && db.readInt(vmNode(uuid) + "/slot", 0) == slot);
        if (!taken)
            return slot;
    }
    return std::nullopt;
}

Task<> moveToSlot(Context& context, std::shared_ptr<Vm> vm, int slot) {
    auto lock = co_await context.slots.lock();
    Db& db = context.db;
    const int old = db.readInt(vm->node() + "/slot", 0);
    if (old == slot)
        co_return;
    std::string occupant;
    if (slot > 0)
        for (const auto& uuid : db.list("/vm"))
            if (uuid != vm->uuid() && db.readInt(vmNode(uuid) + "/slot", 0) == slot)
                occupant = uuid;
    co_await db.write(vm->node() + "/slot", std::to_string(slot));
    context.signals.vmConfigChanged(vm->uuid());
    if (occupant.empty() || old <= 0)
        co_return;
    co_await db.write(vmNode(occupant) + "/slot", std::to_string(old));
    context.signals.vmConfigChanged(occupant);
}

} // namespace xb::xenmgr
