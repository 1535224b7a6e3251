// SPDX-License-Identifier: Apache-2.0
// What guests ask the bus itself. The rules allow everything here: what is refused is refused whatever they
// say. Each refusal has a twin that passes.
#include "fixture.hpp"

#include <algorithm>

namespace xb::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ProxyDriver : public ProxyFixture {
protected:
    void SetUp() override {
        startProxy("allow all\n", {"--own-name", "com.example.*", "--own-name", "uivm:org.ui"});
    }
};

TEST_F(ProxyDriver, IsNotAskedForWhatIsDangerous) {
    const auto guest = connect();
    for (const char* const member :
         {"BecomeMonitor", "StartServiceByName", "UpdateActivationEnvironment", "ReloadConfig"}) {
        EXPECT_EQ(askDriver(*guest, member, "x"),
                  std::string(errors::accessDenied) + ": guests may not ask this of the bus");
        EXPECT_THAT(askDriver(*dom0, member, "x"), testing::Not(HasSubstr("guests")));
    }
    EXPECT_EQ(askDriver(*guest, "NameHasOwner", serviceName), "none");
    RawClient raw(socket());
    raw.hello();
    const std::uint32_t nowhere = raw.call("", "/", "org.freedesktop.DBus.Monitoring", "BecomeMonitor");
    EXPECT_EQ(raw.replyTo(nowhere).error(), errors::accessDenied);
}

TEST_F(ProxyDriver, GivesGuestsTheirOwnNamesOnly) {
    const auto guest = connect();
    const auto request = [](Bus& client, const std::string& name) {
        try {
            client.requestName(name);
            return std::string("none");
        } catch (const Error& e) {
            return std::string(e.what());
        }
    };
    for (const char* const name :
         {"com.citrix.xenclient.guest.domid_8.c1_1", "com.citrix.xenclient.guest.domid_x",
          "com.citrix.xenclient.guest.domid_0.c1_0", "com.citrix.xenclient.db", "org.ui", "com.exampleX"}) {
        EXPECT_NE(request(*guest, name), "none") << name;
        EXPECT_EQ(request(*dom0, name), "none") << name;
    }
    EXPECT_EQ(request(*guest, "com.example.agent"), "none");
    const std::string mine = "com.citrix.xenclient.guest.domid_7.c" + std::to_string(proxy->pid()) + "_1";
    EXPECT_THAT(askDriver(*guest, "ReleaseName", mine), HasSubstr("the proxy's own"));
    EXPECT_EQ(await(dom0->owner(mine)), guest->uniqueName());
}

TEST_F(ProxyDriver, TakesSubscriptionsAsTheyWereUnderstood) {
    const auto guest = connect();
    EXPECT_THAT(askDriver(*guest, "AddMatch", "type='signal',eavesdrop='true'"),
                StartsWith(errors::accessDenied));
    EXPECT_THAT(askDriver(*guest, "AddMatch", "bogus='x'"), HasSubstr("MatchRuleInvalid"));
    EXPECT_THAT(askDriver(*guest, "RemoveMatch", "member='never'"), HasSubstr("MatchRuleNotFound"));
    EXPECT_EQ(askDriver(*guest, "AddMatch", " type=signal,\tmember=tick"), "none");
    EXPECT_EQ(askDriver(*guest, "RemoveMatch", "type='signal',member=tick"), "none");
    int heard = 0;
    SignalMatch match;
    match.member = "tick";
    const Subscription subscription = guest->onSignal(match, [&heard](const Message&) { ++heard; });
    dom0->send(dom0->newSignal("/", serviceName, "tick"));
    EXPECT_TRUE(runner.waitFor([&heard] { return heard == 1; }));
}

TEST_F(ProxyDriver, SaysNothingOfTheNamesThatTheProxyOwns) {
    RawClient guest(socket());
    guest.sendHello();
    guest.receiveText("\r\n");
    EXPECT_THAT(guest.replyTo(1).text(), StartsWith(":1."));
    EXPECT_EQ(std::string(*guest.receive().view.member), "NameAcquired");
    const std::uint32_t added = guest.call("org.freedesktop.DBus", "/org/freedesktop/DBus",
                                           "org.freedesktop.DBus", "AddMatch", "member='NameOwnerChanged'");
    EXPECT_EQ(guest.replyTo(added).error(), "");
    { // two that come and go, of which one is seen
        Bus guests(loop, bus.address());
        guests.requestName("com.citrix.xenclient.guest.domid_9.c1_1");
        guests.requestName("com.example.seen");
    }
    std::vector<std::string> names;
    while (std::ranges::find(names, "com.example.seen") == names.end())
        names.push_back(guest.receive().text());
    EXPECT_THAT(names, testing::Each(testing::Not(HasSubstr("domid_"))));
}

TEST_F(ProxyDriver, NamesNoOtherGuests) {
    Bus other(loop, bus.address());
    other.requestName("com.citrix.xenclient.guest.domid_9.c1_1");
    other.requestName("com.example.seen");
    const auto guest = connect();
    const auto namesFor = [this](Bus& client) {
        Message reply =
            await(client.callMethod(Bus::driverName, Bus::driverPath, Bus::driverName, "ListNames"));
        std::vector<std::string> names;
        reply >> names;
        return names;
    };
    EXPECT_THAT(namesFor(*dom0), testing::Contains("com.citrix.xenclient.guest.domid_9.c1_1"));
    EXPECT_THAT(namesFor(*guest), testing::Contains("com.example.seen"));
    EXPECT_THAT(namesFor(*guest), testing::Contains(guest->uniqueName()));
    EXPECT_THAT(namesFor(*guest), testing::Each(testing::Not(HasSubstr("domid_"))));
    for (const char* const member : {"GetNameOwner", "NameHasOwner", "GetConnectionUnixUser"}) {
        const std::string there = askDriver(*guest, member, "com.citrix.xenclient.guest.domid_9.c1_1");
        EXPECT_THAT(there, StartsWith(errors::nameHasNoOwner)) << member;
        EXPECT_EQ(there, askDriver(*guest, member, "com.citrix.xenclient.guest.domid_8.c1_1"));
        EXPECT_EQ(askDriver(*guest, member, "com.example.seen"), "none") << member;
    }
}

TEST_F(ProxyDriver, AnswersHelloOnceAndFirst) {
    using namespace std::string_literals;
    RawClient guest(socket());
    guest.send("\0AUTH ANONYMOUS\r\nBEGIN\r\n"s);
    guest.receiveText("\r\n");
    const std::uint32_t early = guest.call(serviceName, "/", serviceName, "echo", "x");
    EXPECT_EQ(guest.replyTo(early).error(), errors::accessDenied);
    const auto hello = [&guest] {
        return guest.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello");
    };
    EXPECT_THAT(guest.replyTo(hello()).text(), StartsWith(":1."));
    EXPECT_EQ(guest.replyTo(hello()).error(), errors::failed);
}

} // namespace
} // namespace xb::test
