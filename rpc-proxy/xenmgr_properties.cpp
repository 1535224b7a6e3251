// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/xenmgr_properties.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/uuid.hpp"

#include <algorithm>

namespace xb::proxy {

namespace {

constexpr auto service = "com.citrix.xenclient.xenmgr";
// The one that does not ask the VM's policy.
constexpr auto vmInterface = "com.citrix.xenclient.xenmgr.vm.unrestricted";
constexpr std::chrono::seconds callLimit{5};
// What a client waits for xenmgr at most, when it is the first of its VM.
constexpr std::chrono::milliseconds firstReadLimit{2000};

// The VM or the property is not there: an answer, unlike xenmgr's being away.
bool isNone(const Error& e) {
    return e.name() == errors::unknownProperty || e.name() == errors::unknownObject ||
           e.name() == errors::unknownInterface || e.name() == errors::unknownMethod;
}

std::optional<rules::PropertyValue> valueOf(const Variant& variant) {
    const std::string type = variant.peekValueType();
    if (type == "b")
        return variant.get<bool>();
    if (type == "s")
        return variant.get<std::string>();
    return std::nullopt;
}

} // namespace

XenmgrProperties::XenmgrProperties(Bus& bus) : bus_(bus) {
    for (const char* const member : {"vm_config_changed", "vm_name_changed", "vm_deleted", "vm_created"}) {
        SignalMatch match;
        match.sender = service;
        match.interface = service;
        match.member = member;
        subscriptions_.push_back(bus_.onSignal(match, [this](Message message) {
            std::string uuid;
            message >> uuid;
            changed(uuid);
        }));
    }
    subscriptions_.push_back(bus_.onOwnerChanged(service, [this](const std::string& owner) {
        if (!owner.empty())
            readAll();
    }));
}

void XenmgrProperties::need(std::vector<std::string> names) {
    if (names == names_)
        return;
    names_ = std::move(names);
    readAll();
}

void XenmgrProperties::onChanged(std::function<void(const std::string& uuid)> handler) {
    handler_ = std::move(handler);
}

void XenmgrProperties::readAll() {
    for (const auto& [uuid, vm] : vms_)
        changed(uuid);
}

void XenmgrProperties::changed(const std::string& uuid) {
    const auto found = vms_.find(uuid);
    if (found == vms_.end())
        return;
    if (std::exchange(found->second->reading, true))
        found->second->again = true;
    else
        bus_.loop().spawn("reading the properties of " + uuid, read(uuid, found->second));
}

Task<> XenmgrProperties::acquire(std::string uuid) {
    VmPtr& entry = vms_[uuid];
    if (!entry) {
        entry = std::make_shared<Vm>(bus_.loop().executor());
        changed(uuid);
    }
    const VmPtr vm = entry;
    ++vm->users;
    const bool read = co_await vm->read.waitFor(firstReadLimit);
    if (!read && logLimit_.take())
        log::warn("VM {}: xenmgr has not told its properties within {} ms: rules that depend on them hold "
                  "once it has",
                  uuid, firstReadLimit.count());
}

void XenmgrProperties::release(const std::string& uuid) {
    const auto found = vms_.find(uuid);
    if (found != vms_.end() && --found->second->users == 0)
        vms_.erase(found);
}

rules::Properties XenmgrProperties::known(const std::string& uuid) const {
    const auto found = vms_.find(uuid);
    return found == vms_.end() ? rules::Properties() : found->second->known;
}

Task<> XenmgrProperties::read(std::string uuid, VmPtr vm) {
    do {
        vm->again = false;
        co_await readOnce(uuid, vm);
    } while (vm->again);
    vm->reading = false;
    vm->read.set();
}

Task<> XenmgrProperties::readOnce(std::string uuid, VmPtr vm) {
    const std::string path = "/vm/" + uuidToPathElement(uuid);
    const std::vector<std::string> names = names_;
    rules::Properties fresh;
    for (const std::string& name : names) {
        const auto known = vm->known.find(name);
        if (known != vm->known.end())
            fresh.insert(*known); // until xenmgr says otherwise
        try {
            Message call = bus_.newCall(service, path, "org.freedesktop.DBus.Properties", "Get");
            call << std::string(vmInterface) << name;
            Message reply = co_await bus_.call(std::move(call), callLimit);
            Variant variant;
            reply >> variant;
            fresh.erase(name);
            if (auto value = valueOf(variant))
                fresh.emplace(name, std::move(*value));
        } catch (const Error& e) {
            if (isNone(e))
                fresh.erase(name);
            else if (logLimit_.take())
                log::warn("VM {}: its {} cannot be read: {}", uuid, name, e.what());
            if (e.name() == errors::serviceUnknown || e.name() == errors::timeout ||
                e.name() == errors::noReply) {
                fresh = vm->known; // away: the rest would fail too
                break;
            }
        }
    }
    if (fresh == vm->known)
        co_return;
    vm->known = std::move(fresh);
    if (handler_)
        handler_(uuid);
}

} // namespace xb::proxy
