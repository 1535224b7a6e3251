// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/nic_object.hpp"

#include "toolstack/libs/mac_address.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/device_objects.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/live_devices.hpp"
#include "xenmgr/vm.hpp"

namespace xb::xenmgr {

namespace {

using Property = idl::vm_nic::VmnicProperty;

// The NIC with this property set.
Nic changed(Nic nic, Property property, const std::string& text) {
    switch (property) {
    case Property::backendName:
        nic.backendName = text;
        break;
    case Property::backendUuid:
        nic.backendUuid = text;
        break;
    case Property::enabled:
        nic.enabled = text == "true";
        break;
    case Property::mac:
        nic.mac = text == "auto" ? "" : text;
        break;
    case Property::model:
        nic.model = text;
        break;
    case Property::network:
        nic.network = modernNetwork(text);
        break;
    default:
        break;
    }
    return nic;
}

const char* keyOf(Property property) {
    switch (property) {
    case Property::backendName:
        return "backend-name";
    case Property::backendUuid:
        return "backend-uuid";
    case Property::enabled:
        return "enable";
    case Property::mac:
        return "mac";
    case Property::model:
        return "model";
    case Property::network:
        return "network";
    case Property::wirelessDriver:
        return "wireless-driver";
    default:
        return nullptr;
    }
}

} // namespace

Nic NicObject::nic() const {
    auto found = findNic(context_.db, vm_->uuid(), id_);
    if (!found)
        throw coded(Code::noSuchNic, path());
    return std::move(*found);
}

Task<> NicObject::readProperty(std::size_t index, Caller, PropertySink& sink) {
    co_await context_.db.fresh();
    const Nic current = nic();
    switch (static_cast<Property>(index)) {
    case Property::backendName:
        sink.put(current.backendName);
        break;
    case Property::backendUuid:
        sink.put(current.backendUuid);
        break;
    case Property::enabled:
        sink.put(current.enabled);
        break;
    case Property::mac:
        sink.put(current.mac);
        break;
    case Property::macActual:
        sink.put(macOf(current, vm_->uuid()));
        break;
    case Property::model:
        sink.put(current.model);
        break;
    case Property::network:
        sink.put(current.network);
        break;
    case Property::wirelessDriver:
        sink.put(current.wireless);
        break;
    }
}

Task<> NicObject::writeProperty(std::size_t index, Caller, PropertyValue value) {
    co_await context_.db.fresh();
    const Nic current = nic();
    const auto property = static_cast<Property>(index);
    const bool isFlag = property == Property::enabled || property == Property::wirelessDriver;
    std::string text;
    if (isFlag)
        text = value.get<bool>() ? "true" : "false";
    else
        text = value.get<std::string>();
    if (property == Property::mac && !text.empty() && text != "auto" && !isMacAddress(text))
        throw Error(errors::invalidArgs,
                    "\"" + text + "\" is not a MAC address (aa:bb:cc:dd:ee:ff, auto or empty)");
    if (property == Property::network && text.empty())
        throw Error(errors::invalidArgs, "a NIC's network must not be empty");
    const std::string node = nicNode(vm_->uuid(), current.key) + "/" + keyOf(property);
    if (context_.db.exists(node) && context_.db.read(node) == text)
        co_return;
    // The domain first: what it cannot have is not written down either.
    auto lock = co_await vm_->deviceLock().lock();
    auto next = changed(current, property, text);
    co_await followNic(context_, vm_, current, std::move(next));
    co_await context_.db.write(node, text);
    context_.signals.vmConfigChanged(vm_->uuid());
}

Task<> NicObject::delete_(Caller) {
    auto self = shared_from_this();
    co_await devices_.removeNic(vm_, id_);
}

} // namespace xb::xenmgr
