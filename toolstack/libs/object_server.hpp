// SPDX-License-Identifier: Apache-2.0
// The objects that a connection serves: paths, and the interfaces on each. Every method call that reaches the
// connection comes through here (one sd-bus fallback at "/"), which is how property names with dashes,
// awaited getters and setters and thousands of objects become possible: sd-bus and sdbus-c++ 1.2.0 offer none
// of the three.
//
// org.freedesktop.DBus.Properties and Introspectable are answered here for every object; Peer is sd-bus's
// own.
#pragma once

#include "toolstack/libs/interface.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

struct sd_bus_message;
struct sd_bus_slot;

namespace xb {

class ObjectServer {
public:
    explicit ObjectServer(Bus& bus);
    ObjectServer(const ObjectServer&) = delete;
    ObjectServer& operator=(const ObjectServer&) = delete;
    ~ObjectServer();

    /// Puts an interface on the object `path`. One of that name already there is a programming error
    /// (std::logic_error).
    void add(const std::string& path, std::shared_ptr<Interface> interface);
    /// Takes the object off the bus with all its interfaces. Calls under way finish.
    void remove(const std::string& path);
    bool has(const std::string& path) const { return objects_.contains(path); }

    /// A check that every call passes before it reaches an object: throw xb::Error to refuse. For daemons
    /// that tell guests from dom0. Calls of the object `exempt`, which does its own checking, pass without.
    using Guard = std::function<Task<>(const Message& call)>;
    void setGuard(Guard guard, std::string exempt = {}) {
        guard_ = std::move(guard);
        exempt_ = std::move(exempt);
    }

private:
    using Interfaces = std::vector<std::shared_ptr<Interface>>;

    static int onCall(sd_bus_message* message, void* userdata, void* error);
    void dispatch(Message message);
    Task<> serve(std::shared_ptr<IncomingCall> call);
    Task<> route(std::shared_ptr<IncomingCall> call);
    Task<> property(const std::string& member, const Interfaces& interfaces,
                    std::shared_ptr<IncomingCall> call);
    std::string introspect(const std::string& path) const;
    bool isParent(const std::string& path) const;

    Bus& bus_;
    sd_bus_slot* slot_ = nullptr;
    std::map<std::string, Interfaces, std::less<>> objects_;
    Guard guard_;
    std::string exempt_;
};

} // namespace xb
