// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xec/client.hpp"

#include "toolstack/xec/options.hpp"
#include "toolstack/xec/value_printer.hpp"

#include <fmt/format.h>

namespace xb::xec {

namespace {

constexpr auto propertiesInterface = "org.freedesktop.DBus.Properties";
constexpr auto introspectableInterface = "org.freedesktop.DBus.Introspectable";

Error unexpected(const std::string& what, const std::string& service) {
    return Error(what + " of " + service + " answered with values of another type than its interface says");
}

} // namespace

Message Client::newCall(const std::string& path, const std::string& interface, const std::string& member) {
    try {
        return bus_.newCall(service_, path, interface, member);
    } catch (const Error& e) {
        throw UsageError(e.what());
    }
}

Task<Message> Client::send(Message message, std::chrono::microseconds limit, std::string what) {
    if (timeout_)
        limit = *timeout_;
    try {
        co_return co_await bus_.call(std::move(message), limit);
    } catch (const Error& e) {
        if (e.name() == errors::timeout)
            throw Error(errors::timeout, fmt::format("{} of {}: no answer within {} s", what, service_,
                                                     std::chrono::duration<double>(limit).count()));
        throw ReplyError(e);
    }
}

Task<std::vector<Value>> Client::call(std::string path, std::string interface, std::string member,
                                      std::vector<Value> arguments,
                                      std::optional<std::chrono::seconds> limit) {
    Message message = newCall(path, interface, member);
    for (const Value& argument : arguments)
        append(message, argument);
    Message reply = co_await send(std::move(message), limit.value_or(methodTimeout), member);
    co_return readValues(reply);
}

Task<Interfaces> Client::introspect(std::string path) {
    std::vector<Value> none;
    const std::vector<Value> reply =
        co_await call(path, introspectableInterface, "Introspect", std::move(none));
    if (reply.size() != 1 || reply[0].type != "s")
        throw unexpected("Introspect", service_);
    co_return parseIntrospection(std::get<std::string>(reply[0].data));
}

Task<Value> Client::get(std::string path, std::string interface, std::string property) {
    std::vector<Value> arguments{stringValue(interface), stringValue(property)};
    std::vector<Value> reply = co_await call(path, propertiesInterface, "Get", std::move(arguments));
    if (reply.size() != 1 || reply[0].type != "v")
        throw unexpected("Get", service_);
    co_return reply[0].unwrapped();
}

Task<> Client::set(std::string path, std::string interface, std::string property, Value value) {
    Message message = newCall(path, propertiesInterface, "Set");
    message << interface << property;
    message.openVariant(value.type);
    append(message, value);
    message.closeVariant();
    co_await send(std::move(message), methodTimeout, "Set");
}

Task<std::vector<std::pair<std::string, Value>>> Client::getAll(std::string path, std::string interface) {
    std::vector<Value> arguments{stringValue(interface)};
    const std::vector<Value> reply = co_await call(path, propertiesInterface, "GetAll", std::move(arguments));
    if (reply.size() != 1 || reply[0].type != "a{sv}")
        throw unexpected("GetAll", service_);
    std::vector<std::pair<std::string, Value>> properties;
    for (const Value& entry : reply[0].members())
        properties.emplace_back(printValue(entry.members()[0]), entry.members()[1].unwrapped());
    co_return properties;
}

Value stringValue(std::string text) {
    return Value{"s", std::move(text)};
}

Value stringsValue(const std::vector<std::string>& texts) {
    Value::Members members;
    for (const std::string& text : texts)
        members.push_back(stringValue(text));
    return Value{"as", std::move(members)};
}

} // namespace xb::xec
