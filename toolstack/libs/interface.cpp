// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/interface.hpp"

#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/live_buses.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/utf8.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>

namespace xb {

IncomingCall::IncomingCall(Bus& bus, Message message) : bus_(&bus), message_(std::move(message)) {}

IncomingCall::IncomingCall(IncomingCall&& other) noexcept
    : bus_(other.bus_), message_(std::move(other.message_)), answered_(std::exchange(other.answered_, true)) {
}

IncomingCall::~IncomingCall() {
    if (answered_ || !isLiveBus(bus_))
        return;
    try {
        fail(errors::noReply, "the service dropped the call " + message_.interface() + "." +
                                  message_.member() + " without an answer; its log may say why");
    } catch (const std::exception& e) {
        log::error("cannot answer a dropped call: {}", e.what());
    }
}

void IncomingCall::expectSignature(const std::string& wanted) const {
    const std::string got = message_.signature();
    if (got != wanted)
        throw Error(errors::invalidArgs,
                    message_.member() + " takes arguments of type \"" + wanted + "\", not \"" + got + "\"");
}

Message IncomingCall::newReply() const {
    sd_bus_message* reply = nullptr;
    if (int r = sd_bus_message_new_method_return(message_.raw(), &reply); r < 0)
        throw systemError("cannot make a reply", -r);
    return Message::adopt(reply);
}

void IncomingCall::fail(const std::string& errorName, const std::string& text) {
    sd_bus_message* reply = nullptr;
    // A text that no message can carry must not keep the answer from leaving.
    const std::string shown = isBusText(text) ? text : printable(text);
    sd_bus_error error{errorName.c_str(), shown.c_str(), 0};
    if (int r = sd_bus_message_new_method_error(message_.raw(), &reply, &error); r < 0)
        throw systemError("cannot make an error reply " + errorName, -r);
    send(Message::adopt(reply));
}

void IncomingCall::send(Message reply) {
    answered_ = true;
    if (isLiveBus(bus_) && sd_bus_message_get_expect_reply(message_.raw()) > 0)
        bus_->send(std::move(reply));
}

void PropertyValue::expectType(const std::string& signature) {
    char type = 0;
    const char* contents = nullptr;
    if (sd_bus_message_peek_type(call_.raw(), &type, &contents) <= 0 || type != 'v')
        throw Error(errors::invalidArgs, "Set of " + name_ + " carries no variant");
    if (signature != contents)
        throw Error(errors::invalidArgs,
                    "property " + name_ + " has type \"" + signature + "\", not \"" + contents + "\"");
}

const MethodInfo* InterfaceInfo::findMethod(std::string_view method) const {
    auto it = std::ranges::lower_bound(methods, method, {}, &MethodInfo::name);
    return it != methods.end() && it->name == method ? &*it : nullptr;
}

std::optional<std::size_t> InterfaceInfo::findProperty(std::string_view property) const {
    auto nameOf = [this](std::uint16_t index) { return properties[index].name; };
    auto it = std::ranges::lower_bound(propertiesByName, property, {}, nameOf);
    if (it == propertiesByName.end() || nameOf(*it) != property)
        return std::nullopt;
    return *it;
}

Task<> Interface::readAllProperties(Caller caller, Message& reply) {
    const auto properties = info().properties;
    for (std::size_t i = 0; i < properties.size(); ++i) {
        if (!properties[i].readable)
            continue;
        PropertySink sink(reply, properties[i].name);
        try {
            co_await readProperty(i, caller, sink);
        } catch (const std::exception& e) {
            if (sink.written())
                throw;
            log::warn("{}: GetAll leaves out {}.{}: {}", path_, info().name, properties[i].name, e.what());
        }
    }
}

void Interface::attached(Bus& bus, std::string path) {
    bus_ = &bus;
    path_ = std::move(path);
}

Message Interface::newSignal(const char* member) const {
    return bus_->newSignal(path_, std::string(info().name), member);
}

void Interface::sendSignal(Message signal) const {
    bus_->send(std::move(signal));
}

} // namespace xb
