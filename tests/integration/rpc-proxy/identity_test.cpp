// SPDX-License-Identifier: Apache-2.0
// Who a client is, and what its VM is like: told by xenstore and xenmgr, and followed while it is connected.
#include "fake_xenmgr.hpp"
#include "fixture.hpp"

#include "toolstack/libs/guest_callers.hpp"

namespace xb::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ProxyIdentity : public ProxyFixture {
protected:
    /// Asks until the answer begins with this.
    bool soonAnswers(Bus& client, const std::string& beginning) {
        return eventually([&] { return ask(client, "echo").starts_with(beginning); });
    }
};

const std::string denied = errors::accessDenied;

TEST_F(ProxyIdentity, RulesFollowThePropertiesOfTheVm) {
    FakeXenmgr xenmgr(bus.address(), uuid, "uivm", true);
    startProxy(basics +
               std::string("allow dom-type uivm member echo\nallow if-boolean flag true member other\n"));
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    EXPECT_EQ(ask(*guest, "other"), "hello");
    xenmgr.change("ndvm", true);
    EXPECT_TRUE(soonAnswers(*guest, denied));
    EXPECT_EQ(ask(*guest, "other"), "hello");
    xenmgr.change("uivm", false);
    EXPECT_TRUE(soonAnswers(*guest, "hello"));
    EXPECT_THAT(ask(*guest, "other"), StartsWith(denied));
}

TEST_F(ProxyIdentity, WhatWasKnownHoldsWhileXenmgrIsAway) {
    auto xenmgr = std::make_unique<FakeXenmgr>(bus.address(), uuid, "uivm", true);
    startProxy(basics + std::string("allow dom-type uivm member echo\n"));
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    xenmgr.reset();
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(ask(*guest, "echo"), "hello");
    xenmgr = std::make_unique<FakeXenmgr>(bus.address(), uuid, "ndvm", true);
    EXPECT_TRUE(soonAnswers(*guest, denied));
}

TEST_F(ProxyIdentity, WithoutXenmgrTheRulesThatNeedItDoNotHold) {
    startProxy(basics + std::string("allow dom-type uivm member echo\nallow member other\n"));
    const auto guest = connect();
    EXPECT_THAT(ask(*guest, "echo"), StartsWith(denied));
    EXPECT_EQ(ask(*guest, "other"), "hello");
    FakeXenmgr xenmgr(bus.address(), uuid, "uivm", true);
    EXPECT_TRUE(soonAnswers(*guest, "hello"));
}

TEST_F(ProxyIdentity, UuidAndDomidAreThoseOfTheDomain) {
    startProxy(basics + std::string("allow dom-uuid ") + uuid +
               " member echo\nallow dom-id 7 member other\n");
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    EXPECT_EQ(ask(*guest, "other"), "hello");
    writeRules(basics + std::string("allow dom-uuid 66666666-7777-4888-8999-aaaaaaaaaaaa member echo\n") +
               "allow dom-id 8 member other\n");
    proxy->signal(SIGHUP);
    ASSERT_TRUE(proxySays("are in force"));
    EXPECT_THAT(ask(*guest, "echo"), StartsWith(denied));
    EXPECT_THAT(ask(*guest, "other"), StartsWith(denied));
}

TEST_F(ProxyIdentity, StubDomainsNeedRulesOfTheirOwn) {
    startProxy(std::string("allow all\n"));
    EXPECT_EQ(ask(kept(connect()), "echo"), "hello");
    runner.await(xenstore->write("/local/domain/7/target", "3"));
    const auto libraries = [this](const std::string& rules) {
        writeRules(rules);
        proxy->signal(SIGHUP);
    };
    EXPECT_THAT(ask(kept(connect()), "echo"), StartsWith(denied));
    libraries("allow stubdom true\n");
    ASSERT_TRUE(proxySays("are in force"));
    EXPECT_EQ(ask(kept(connect()), "echo"), "hello");
}

TEST_F(ProxyIdentity, UnknownDomainsHaveWhatEverybodyHas) {
    writeRules("allow all\ndeny dom-uuid 66666666-7777-4888-8999-aaaaaaaaaaaa member other\n");
    startProxyWith({"-d", "9"});
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    EXPECT_THAT(ask(*guest, "other"), StartsWith(denied)) << "it may be that one";
    EXPECT_TRUE(proxySays("it is not known which VM it is"));
}

TEST_F(ProxyIdentity, WithoutFirewallThereAreNeitherRulesNorNames) {
    startProxyWith({"-d", "7", "-w"});
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "other"), "hello");
    Message reply = await(dom0->callMethod(Bus::driverName, Bus::driverPath, Bus::driverName, "ListNames"));
    std::vector<std::string> names;
    reply >> names;
    EXPECT_THAT(names, testing::Not(testing::Contains(HasSubstr("guest"))));
}

} // namespace
} // namespace xb::test
