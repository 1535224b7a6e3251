// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/relay/driver_calls.hpp"

#include <algorithm>
#include <array>

namespace xb::proxy {

namespace {

struct Harmless {
    std::string_view interface;
    std::string_view member;
};

// What is not here is refused: later versions of the bus will learn more.
constexpr std::array harmless{
    Harmless{driverName, "AddMatch"},
    Harmless{driverName, "GetConnectionCredentials"},
    Harmless{driverName, "GetConnectionSELinuxSecurityContext"},
    Harmless{driverName, "GetConnectionUnixProcessID"},
    Harmless{driverName, "GetConnectionUnixUser"},
    Harmless{driverName, "GetId"},
    Harmless{driverName, "GetNameOwner"},
    Harmless{driverName, "Hello"},
    Harmless{driverName, "ListActivatableNames"},
    Harmless{driverName, "ListNames"},
    Harmless{driverName, "ListQueuedOwners"},
    Harmless{driverName, "NameHasOwner"},
    Harmless{driverName, "ReleaseName"},
    Harmless{driverName, "RemoveMatch"},
    Harmless{driverName, "RequestName"},
    Harmless{"org.freedesktop.DBus.Introspectable", "Introspect"},
    Harmless{"org.freedesktop.DBus.Peer", "GetMachineId"},
    Harmless{"org.freedesktop.DBus.Peer", "Ping"},
    Harmless{"org.freedesktop.DBus.Properties", "Get"},
    Harmless{"org.freedesktop.DBus.Properties", "GetAll"},
};

} // namespace

bool isDriverCall(const wire::MessageView& message) {
    return message.type == wire::MessageType::methodCall &&
           message.destination.value_or(driverName) == driverName;
}

bool isFromDriver(const wire::MessageView& message) {
    return message.sender == driverName;
}

bool isDriverMember(const wire::MessageView& call, std::string_view member) {
    return isDriverCall(call) && call.member == member && call.interface.value_or(driverName) == driverName;
}

bool isBecomeMonitor(const wire::MessageView& call) {
    constexpr std::string_view interface = "org.freedesktop.DBus.Monitoring";
    return isDriverCall(call) && call.member == "BecomeMonitor" &&
           call.interface.value_or(interface) == interface;
}

bool isHarmlessDriverCall(const wire::MessageView& call) {
    return std::ranges::any_of(harmless, [&call](const Harmless& each) {
        return call.member == each.member && call.interface.value_or(each.interface) == each.interface;
    });
}

} // namespace xb::proxy
