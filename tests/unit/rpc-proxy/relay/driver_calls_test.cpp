// SPDX-License-Identifier: Apache-2.0
// What guests may ask the bus itself.
#include "rpc-proxy/relay/driver_calls.hpp"

#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

wire::MessageView call(std::optional<std::string_view> destination, std::optional<std::string_view> interface,
                       std::string_view member) {
    wire::MessageView view;
    view.destination = destination;
    view.interface = interface;
    view.member = member;
    return view;
}

TEST(DriverCalls, AreThoseToTheBusAndToNobody) {
    EXPECT_TRUE(isDriverCall(call(driverName, driverName, "Hello")));
    EXPECT_TRUE(isDriverCall(call(std::nullopt, "a.b", "Hello")));
    EXPECT_FALSE(isDriverCall(call(":1.2", driverName, "Hello")));
    auto signal = call(driverName, driverName, "Hello");
    signal.type = wire::MessageType::signal;
    EXPECT_FALSE(isDriverCall(signal));
    EXPECT_TRUE(isDriverMember(call(driverName, std::nullopt, "Hello"), "Hello"));
    EXPECT_FALSE(isDriverMember(call(driverName, "a.b", "Hello"), "Hello"));
    EXPECT_FALSE(isDriverMember(call(":1.2", driverName, "Hello"), "Hello"));
}

TEST(DriverCalls, OfGuestsAreThoseThatLibrariesNeed) {
    for (const char* const member : {"Hello", "AddMatch", "GetNameOwner", "ListNames", "RequestName"}) {
        EXPECT_TRUE(isHarmlessDriverCall(call(driverName, driverName, member))) << member;
        EXPECT_TRUE(isHarmlessDriverCall(call(driverName, std::nullopt, member))) << member;
        EXPECT_FALSE(isHarmlessDriverCall(call(driverName, "org.freedesktop.DBus.Monitoring", member)))
            << member;
    }
    EXPECT_TRUE(isHarmlessDriverCall(call(driverName, "org.freedesktop.DBus.Peer", "Ping")));
    for (const char* const member : {"BecomeMonitor", "StartServiceByName", "UpdateActivationEnvironment",
                                     "ReloadConfig", "EnableVerbose", "GetAllMatchRules", "GetStats",
                                     "GetConnectionStats", "GetAdtAuditSessionData", "Set", "Unheard"}) {
        for (const auto& interface :
             {std::optional<std::string_view>(), std::optional<std::string_view>(driverName),
              std::optional<std::string_view>("org.freedesktop.DBus.Monitoring"),
              std::optional<std::string_view>("org.freedesktop.DBus.Debug.Stats"),
              std::optional<std::string_view>("org.freedesktop.DBus.Properties")})
            EXPECT_FALSE(isHarmlessDriverCall(call(driverName, interface, member))) << member;
    }
}

TEST(DriverCalls, TellWhoBecomesAMonitor) {
    constexpr auto monitoring = "org.freedesktop.DBus.Monitoring";
    EXPECT_TRUE(isBecomeMonitor(call(driverName, monitoring, "BecomeMonitor")));
    EXPECT_TRUE(isBecomeMonitor(call(driverName, std::nullopt, "BecomeMonitor")));
    EXPECT_FALSE(isBecomeMonitor(call(driverName, driverName, "BecomeMonitor")));
    EXPECT_FALSE(isBecomeMonitor(call("com.example", monitoring, "BecomeMonitor")));
    EXPECT_FALSE(isBecomeMonitor(call(driverName, monitoring, "GetId")));
}

} // namespace
} // namespace xb::proxy
