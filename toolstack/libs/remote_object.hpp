// SPDX-License-Identifier: Apache-2.0
// What a generated D-Bus client is made of: a bus, a service and an object path, and typed calls, properties
// and signals on them. xc-rpcgen writes, per interface of an XML file, a class derived from RemoteObject.
//
// An answer of another type than the interface says is an error that names service, interface and member; a
// signal of another type is logged and dropped. The calls copy what they need: the object may go while one is
// under way. The arguments are put into the message at once, so that bad names are thrown at once; the
// message leaves when the task is awaited. The Bus must outlive both.
#pragma once

#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/message.hpp"
#include "toolstack/libs/task.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace xb {

namespace errors {
/// A reply is not of the type that its interface says.
inline constexpr const char* inconsistentMessage = "org.freedesktop.DBus.Error.InconsistentMessage";
} // namespace errors

/// How the body of a reply becomes a result: nothing for void, one value, or several for a tuple.
template <class Result>
struct ReplyBody {
    static std::string signature() { return signatureOf<Result>(); }
    static Result read(Message& reply) {
        Result value{};
        reply >> value;
        return value;
    }
};

template <>
struct ReplyBody<void> {
    static std::string signature() { return {}; }
    static void read(Message& /*reply*/) {}
};

template <class... T>
struct ReplyBody<std::tuple<T...>> {
    static std::string signature() { return signatureOf<T...>(); }
    static std::tuple<T...> read(Message& reply) { return readBody<T...>(reply); }
};

class RemoteObject {
public:
    RemoteObject(Bus& bus, std::string service, std::string path)
        : bus_(&bus), service_(std::move(service)), path_(std::move(path)) {}

    Bus& bus() const { return *bus_; }
    const std::string& service() const { return service_; }
    const std::string& path() const { return path_; }

protected:
    /// Calls a method and checks that the reply is a `Result`. Throws xb::Error.
    template <class Result, class... T>
    Task<Result> remoteCall(const char* interface, const char* member, std::chrono::microseconds timeout,
                            const T&... arguments) const {
        Message call = bus_->newCall(service_, path_, interface, member);
        (static_cast<void>(call << arguments), ...);
        return receive<Result>(bus_, service_, std::move(call), timeout);
    }

    template <class T>
    Task<T> remoteGet(const char* interface, const char* property) const {
        return receiveProperty<T>(callProperties<Variant>("Get", interface, std::string(property)),
                                  service_ + " " + path_ + ": property " + interface + "." + property);
    }

    template <class T>
    Task<> remoteSet(const char* interface, const char* property, const T& value) const {
        Message call = bus_->newCall(service_, path_, propertiesInterface, "Set");
        call << std::string(interface) << std::string(property);
        call.openVariant(signatureOf<T>());
        call << value;
        call.closeVariant();
        return receive<void>(bus_, service_, std::move(call), defaultCallTimeout);
    }

    Task<std::map<std::string, Variant>> remoteGetAll(const char* interface) const {
        return callProperties<std::map<std::string, Variant>>("GetAll", interface);
    }

    /// Calls `handler` for this signal of this object, as long as the result lives.
    template <class... T>
    Subscription remoteSignal(const char* interface, const char* member,
                              std::function<void(T...)> handler) const {
        SignalMatch match;
        match.sender = service_;
        match.path = path_;
        match.interface = interface;
        match.member = member;
        return bus_->onSignal(match, [handler = std::move(handler)](Message signal) {
            const std::string wanted = signatureOf<T...>();
            if (const std::string got = signal.signature(); got != wanted) {
                log::warn("dropped signal {}.{} of {} from {}: it carries \"{}\", not \"{}\"",
                          signal.interface(), signal.member(), signal.path(), signal.sender(), got, wanted);
                return;
            }
            std::apply(handler, readBody<T...>(signal));
        });
    }

private:
    static constexpr const char* propertiesInterface = "org.freedesktop.DBus.Properties";

    template <class Result, class... T>
    Task<Result> callProperties(const char* member, const char* interface, const T&... arguments) const {
        return remoteCall<Result>(propertiesInterface, member, defaultCallTimeout, std::string(interface),
                                  arguments...);
    }

    template <class Result>
    static Task<Result> receive(Bus* bus, std::string service, Message call,
                                std::chrono::microseconds timeout) {
        auto pending = bus->call(call, timeout);
        Message reply = co_await std::move(pending);
        const std::string wanted = ReplyBody<Result>::signature();
        if (const std::string got = reply.signature(); got != wanted)
            throw Error(errors::inconsistentMessage, service + " answered " + call.interface() + "." +
                                                         call.member() + " on " + call.path() + " with \"" +
                                                         got + "\", not \"" + wanted + "\"");
        co_return ReplyBody<Result>::read(reply);
    }

    template <class T>
    static Task<T> receiveProperty(Task<Variant> pending, std::string what) {
        const Variant value = co_await std::move(pending);
        const std::string wanted = signatureOf<T>();
        if (const std::string got = value.peekValueType(); got != wanted)
            throw Error(errors::inconsistentMessage,
                        what + " has the type \"" + got + "\", not \"" + wanted + "\"");
        co_return value.get<T>();
    }

    Bus* bus_;
    std::string service_;
    std::string path_;
};

} // namespace xb
