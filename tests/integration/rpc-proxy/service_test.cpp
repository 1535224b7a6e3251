// SPDX-License-Identifier: Apache-2.0
// com.citrix.xenclient.rpc_proxy: rules that are added while running, and questions about them.
#include "fake_xenmgr.hpp"
#include "fixture.hpp"

#include "idl/org_xenbroker_rpc_proxy_client.hpp"
#include "idl/rpc_proxy_client.hpp"

#include <csignal>

namespace xb::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class ProxyService : public ProxyFixture {
protected:
    template <class T>
    std::string errorOf(Task<T> task) {
        try {
            runner.await(std::move(task));
            return "none";
        } catch (const Error& e) {
            return e.name() + ": " + e.what();
        }
    }
    static idl::rpc_proxy::RpcProxyClient clientOn(Bus& where) {
        return {where, "com.citrix.xenclient.rpc_proxy", "/"};
    }
};

TEST_F(ProxyService, AddsAndRemovesRulesForThoseWhoAreConnected) {
    startProxy("allow destination org.freedesktop.DBus\n", {"-s"});
    const auto guest = connect();
    auto client = clientOn(*dom0);
    EXPECT_THAT(ask(*guest, "echo"), StartsWith(errors::accessDenied));
    runner.await(client.addRule("allow member echo"));
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    EXPECT_THAT(await(client.listRules()),
                ElementsAre("allow destination org.freedesktop.DBus", "allow member echo"));
    proxy->signal(SIGHUP);
    ASSERT_TRUE(proxySays("are in force"));
    EXPECT_EQ(ask(*guest, "echo"), "hello") << "what was added is not of the file";
    runner.await(client.deleteRule("allow  inc-any member \"echo\""));
    EXPECT_THAT(ask(*guest, "echo"), StartsWith(errors::accessDenied));
    EXPECT_NE(errorOf(client.deleteRule("allow member echo")), "none");
    EXPECT_THAT(errorOf(client.addRule("allow bogus")), StartsWith(errors::invalidArgs));
    EXPECT_THAT(errorOf(client.addRule("allow member a\nallow all")), StartsWith(errors::invalidArgs));
    EXPECT_THAT(ask(*guest, "echo"), StartsWith(errors::accessDenied));
}

TEST_F(ProxyService, SaysWhatTheRulesSay) {
    FakeXenmgr xenmgr(bus.address(), uuid, "uivm", true);
    startProxy("allow inc-method-call dom-type uivm destination a.b interface a.b member ok\n"
               "allow inc-signal interface a.b\ndeny out-signal member hidden\n",
               {"-s"});
    auto client = clientOn(*dom0);
    EXPECT_TRUE(await(client.validateCall(7, "a.b", "a.b", "ok")));
    EXPECT_FALSE(await(client.validateCall(7, "a.b", "a.b", "other")));
    EXPECT_FALSE(await(client.validateCall(9, "a.b", "a.b", "ok"))) << "there is no such domain";
    EXPECT_FALSE(await(client.validateCall(-1, "a.b", "a.b", "ok")));
    EXPECT_TRUE(await(client.validateSendSignal(7, "a.b", "x")));
    EXPECT_FALSE(await(client.validateSendSignal(7, "a.c", "x")));
    EXPECT_TRUE(await(client.validateRecvSignal(7, "a.b", "x")));
    EXPECT_FALSE(await(client.validateRecvSignal(7, "a.b", "hidden")));
}

TEST_F(ProxyService, CountsWhatWasStoppedByWhom) {
    startProxy(basics + std::string("allow member echo\ndeny member echo arg0 no\n"), {"-s"});
    const auto guest = connect();
    const auto ended = connect()->uniqueName();
    ASSERT_TRUE(eventually([&] { return !await(dom0->owner(ended)); }));
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    for (const char* const text : {"no", "no"})
        EXPECT_THAT(ask(*guest, "echo", text), StartsWith(errors::accessDenied));
    EXPECT_THAT(ask(*guest, "other"), StartsWith(errors::accessDenied));
    EXPECT_THAT(askDriver(*guest, "BecomeMonitor", "x"), StartsWith(errors::accessDenied));
    idl::org_xenbroker_rpc_proxy::RpcProxyClient client(*dom0, "com.citrix.xenclient.rpc_proxy", "/");
    const auto [clients, total, refused, messages, denied, denials] = await(client.statistics());
    EXPECT_EQ(clients, 1U);
    EXPECT_EQ(total, 2U);
    EXPECT_EQ(refused, 0U);
    EXPECT_GE(messages, 2U);
    EXPECT_EQ(denied, 4U);
    std::vector<std::string> texts;
    for (const auto& denial : denials)
        texts.push_back(std::to_string(std::get<1>(denial)) + " " + std::get<0>(denial));
    EXPECT_THAT(texts, ElementsAre("2 " + rulesFile() + ":3: deny member echo arg0 no",
                                   "1 guests may not ask this of the bus", "1 no rule matches"));
}

TEST_F(ProxyService, IsForDom0Alone) {
    startProxy("allow all\n", {"-s"});
    const auto guest = connect();
    idl::org_xenbroker_rpc_proxy::RpcProxyClient statistics(*guest, "com.citrix.xenclient.rpc_proxy", "/");
    EXPECT_THAT(errorOf(statistics.statistics()), StartsWith(errors::accessDenied));
    auto client = clientOn(*guest);
    EXPECT_THAT(errorOf(client.addRule("allow all")), StartsWith(errors::accessDenied));
    EXPECT_THAT(errorOf(client.listRules()), StartsWith(errors::accessDenied));
    EXPECT_EQ(errorOf(clientOn(*dom0).listRules()), "none");
}

} // namespace
} // namespace xb::test
