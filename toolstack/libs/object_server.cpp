// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/object_server.hpp"

#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/log.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace xb {

namespace {

constexpr std::string_view propertiesInterface = "org.freedesktop.DBus.Properties";
constexpr std::string_view introspectableInterface = "org.freedesktop.DBus.Introspectable";

constexpr std::string_view documentHead =
    "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n"
    "\"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n";

constexpr std::string_view standardInterfaces =
    " <interface name=\"org.freedesktop.DBus.Peer\">\n"
    "  <method name=\"Ping\"/>\n"
    "  <method name=\"GetMachineId\"><arg name=\"machine_uuid\" type=\"s\" direction=\"out\"/></method>\n"
    " </interface>\n"
    " <interface name=\"org.freedesktop.DBus.Introspectable\">\n"
    "  <method name=\"Introspect\"><arg name=\"data\" type=\"s\" direction=\"out\"/></method>\n"
    " </interface>\n"
    " <interface name=\"org.freedesktop.DBus.Properties\">\n"
    "  <method name=\"Get\"><arg name=\"interface\" type=\"s\" direction=\"in\"/>"
    "<arg name=\"property\" type=\"s\" direction=\"in\"/><arg name=\"value\" type=\"v\" "
    "direction=\"out\"/></method>\n"
    "  <method name=\"Set\"><arg name=\"interface\" type=\"s\" direction=\"in\"/>"
    "<arg name=\"property\" type=\"s\" direction=\"in\"/><arg name=\"value\" type=\"v\" "
    "direction=\"in\"/></method>\n"
    "  <method name=\"GetAll\"><arg name=\"interface\" type=\"s\" direction=\"in\"/>"
    "<arg name=\"properties\" type=\"a{sv}\" direction=\"out\"/></method>\n"
    " </interface>\n";

std::string_view view(const char* text) {
    return text ? std::string_view(text) : std::string_view();
}

std::string inQuotes(std::string_view text) {
    return '"' + std::string(text) + '"';
}

// The part of `path` below `parent`, up to the next slash.
std::string childName(const std::string& parent, const std::string& path) {
    const std::size_t start = parent == "/" ? 1 : parent.size() + 1;
    return path.substr(start, path.find('/', start) - start);
}

bool isBelow(const std::string& parent, const std::string& path) {
    if (parent == "/")
        return path.size() > 1;
    return path.size() > parent.size() + 1 && path.starts_with(parent) && path[parent.size()] == '/';
}

void answerWithFailure(IncomingCall& call, const std::exception_ptr& failure) {
    if (!failure || call.answered())
        return;
    try {
        std::rethrow_exception(failure);
    } catch (const Error& e) {
        call.fail(e.name(), e.what());
    } catch (const sdbus::Error& e) {
        call.fail(errors::invalidArgs, call.message().member() + ": " + e.getMessage());
    } catch (const std::exception& e) {
        log::error("{} {}.{} from {}: unexpected: {}", call.message().path(), call.message().interface(),
                   call.message().member(), call.message().sender(), e.what());
        call.fail(errors::failed, e.what());
    }
}

} // namespace

ObjectServer::ObjectServer(Bus& bus) : bus_(bus) {
    auto* callback = reinterpret_cast<sd_bus_message_handler_t>(&ObjectServer::onCall);
    if (int r = sd_bus_add_fallback(bus.raw(), &slot_, "/", callback, this); r < 0)
        throw systemError("cannot serve objects on the bus", -r);
}

ObjectServer::~ObjectServer() {
    for (auto& [path, interfaces] : objects_)
        for (auto& interface : interfaces)
            interface->detached();
    sd_bus_slot_unref(slot_);
}

void ObjectServer::add(const std::string& path, std::shared_ptr<Interface> interface) {
    auto& interfaces = objects_[path];
    const auto name = interface->info().name;
    if (std::ranges::any_of(interfaces, [&](const auto& other) { return other->info().name == name; }))
        throw std::logic_error("object " + path + " has interface " + std::string(name) + " already");
    interface->attached(bus_, path);
    interfaces.push_back(std::move(interface));
}

void ObjectServer::remove(const std::string& path) {
    auto it = objects_.find(path);
    if (it == objects_.end())
        return;
    for (auto& interface : it->second)
        interface->detached();
    objects_.erase(it);
}

int ObjectServer::onCall(sd_bus_message* message, void* userdata, void* /*error*/) {
    // Called from C: nothing may be thrown past here.
    auto* self = static_cast<ObjectServer*>(userdata);
    try {
        self->dispatch(Message::share(message));
    } catch (const std::exception& e) {
        log::error("cannot dispatch a call: {}", e.what());
    }
    return 1;
}

void ObjectServer::dispatch(Message message) {
    auto call = std::make_shared<IncomingCall>(bus_, std::move(message));
    auto task = guard_ ? serve(call) : route(call); // a coroutine less for those without a guard
    asio::co_spawn(bus_.loop().executor(), std::move(task), [call](const std::exception_ptr& failure) {
        try {
            answerWithFailure(*call, failure);
        } catch (const std::exception& e) {
            log::error("cannot answer {}.{}: {}", call->message().interface(), call->message().member(),
                       e.what());
        }
    });
}

Task<> ObjectServer::serve(std::shared_ptr<IncomingCall> call) {
    if (guard_ && call->message().path() != exempt_)
        co_await guard_(call->message());
    co_await route(std::move(call));
}

Task<> ObjectServer::route(std::shared_ptr<IncomingCall> call) {
    const Message message = call->message(); // which the following are parts of
    const std::string_view path = view(sd_bus_message_get_path(message.raw()));
    const std::string_view interface = view(sd_bus_message_get_interface(message.raw()));
    const std::string_view member = view(sd_bus_message_get_member(message.raw()));
    if ((interface == introspectableInterface || interface.empty()) && member == "Introspect") {
        const std::string object(path);
        if (!has(object) && !isParent(object))
            throw Error(errors::unknownObject, "no object " + object + " here");
        call->arguments<>();
        call->reply(introspect(object));
        co_return;
    }
    const auto object = objects_.find(path);
    if (object == objects_.end())
        throw Error(errors::unknownObject, "no object " + std::string(path) + " here");
    if (interface == propertiesInterface) {
        const Interfaces interfaces = object->second; // kept alive while the call is under way
        const std::string name(member);
        co_await property(name, interfaces, std::move(call));
        co_return;
    }
    for (const auto& candidate : object->second) {
        if (!interface.empty() && candidate->info().name != interface)
            continue;
        if (const MethodInfo* method = candidate->info().findMethod(member)) {
            const std::shared_ptr<Interface> target = candidate; // kept alive as well
            co_await method->invoke(target, std::move(call));
            co_return;
        }
        if (!interface.empty())
            throw Error(errors::unknownMethod, "interface " + std::string(interface) + " of " +
                                                   std::string(path) + " has no method " +
                                                   std::string(member));
    }
    if (interface.empty())
        throw Error(errors::unknownMethod,
                    "object " + std::string(path) + " has no method " + std::string(member));
    throw Error(errors::unknownInterface,
                "object " + std::string(path) + " has no interface " + std::string(interface));
}

Task<> ObjectServer::property(const std::string& member, const Interfaces& interfaces,
                              std::shared_ptr<IncomingCall> call) {
    const std::string wanted = member == "Get"      ? "ss"
                               : member == "Set"    ? "ssv"
                               : member == "GetAll" ? "s"
                                                    : "";
    if (wanted.empty())
        throw Error(errors::unknownMethod,
                    "interface org.freedesktop.DBus.Properties has no method " + member);
    if (const auto got = call->message().signature(); got != wanted)
        throw Error(errors::invalidArgs,
                    member + " takes arguments of type " + inQuotes(wanted) + ", not " + inQuotes(got));
    std::string name;
    call->message() >> name;
    const std::string& path = interfaces.front()->path();
    auto it = std::ranges::find_if(interfaces, [&](const auto& each) { return each->info().name == name; });
    if (member == "GetAll") {
        Message reply = call->newReply();
        reply.openContainer("{sv}");
        if (it != interfaces.end())
            co_await (*it)->readAllProperties(call->caller(), reply);
        else if (name.empty())
            for (const auto& each : interfaces)
                co_await each->readAllProperties(call->caller(), reply);
        else if (name != propertiesInterface && name != introspectableInterface)
            throw Error(errors::unknownInterface, "object " + path + " has no interface " + name);
        reply.closeContainer();
        call->send(std::move(reply));
        co_return;
    }
    std::string propertyName;
    call->message() >> propertyName;
    std::optional<std::size_t> index;
    std::shared_ptr<Interface> owner;
    for (const auto& each : interfaces) {
        if (!name.empty() && each->info().name != name)
            continue;
        owner = each;
        if ((index = each->info().findProperty(propertyName)))
            break;
    }
    if (!owner)
        throw Error(errors::unknownInterface, "object " + path + " has no interface " + name);
    if (!index)
        throw Error(errors::unknownProperty,
                    "interface " + name + " of " + path + " has no property " + propertyName);
    const PropertyInfo& info = owner->info().properties[*index];
    if (member == "Get") {
        if (!info.readable)
            throw Error(errors::accessDenied, "property " + propertyName + " is write-only");
        Message reply = call->newReply();
        PropertySink sink(reply);
        co_await owner->readProperty(*index, call->caller(), sink);
        call->send(std::move(reply));
    } else {
        if (!info.writable)
            throw Error(errors::propertyReadOnly,
                        "property " + propertyName + " of " + path + " is read-only");
        co_await owner->writeProperty(*index, call->caller(), PropertyValue(call->message(), propertyName));
        call->reply();
    }
}

bool ObjectServer::isParent(const std::string& path) const {
    auto it = objects_.upper_bound(path == "/" ? path : path + "/");
    return it != objects_.end() && isBelow(path, it->first);
}

std::string ObjectServer::introspect(const std::string& path) const {
    std::string xml(documentHead);
    xml += "<node>\n";
    xml += standardInterfaces;
    if (auto it = objects_.find(path); it != objects_.end())
        for (const auto& interface : it->second)
            xml += interface->info().xml;
    std::set<std::string> children;
    for (auto it = objects_.upper_bound(path); it != objects_.end(); ++it) {
        if (isBelow(path, it->first))
            children.insert(childName(path, it->first));
        else if (!it->first.starts_with(path))
            break;
    }
    for (const auto& child : children)
        xml += " <node name=\"" + child + "\"/>\n";
    return xml + "</node>\n";
}

} // namespace xb
