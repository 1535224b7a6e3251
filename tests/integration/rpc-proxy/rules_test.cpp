// SPDX-License-Identifier: Apache-2.0
// The rules file while the proxy runs.
#include "fixture.hpp"
#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"

namespace xb::test {
namespace {

namespace wire = proxy::wire;

using testing::HasSubstr;
using testing::StartsWith;

class ProxyRules : public ProxyFixture {};

TEST_F(ProxyRules, AreReadAgainForThoseWhoAreConnected) {
    startProxy("allow all\n");
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    writeRules("allow all\ndeny member echo\n");
    EXPECT_EQ(ask(*guest, "echo"), "hello") << "not before it is told";
    proxy->signal(SIGHUP);
    ASSERT_TRUE(proxySays("are in force"));
    EXPECT_THAT(ask(*guest, "echo"), StartsWith(errors::accessDenied));
    EXPECT_EQ(ask(*guest, "other"), "hello");
}

TEST_F(ProxyRules, StayWhenTheFileIsBroken) {
    startProxy("allow all\ndeny member other\n");
    const auto guest = connect();
    writeRules("allow all\nallow bogus\n");
    proxy->signal(SIGHUP);
    EXPECT_TRUE(proxySays("the rules stay as they were:\n" + rulesFile() + ":2:7: "));
    writeRules("allow member \"x\n");
    proxy->signal(SIGHUP);
    EXPECT_TRUE(proxySays(rulesFile() + ":1:14: "));
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    EXPECT_THAT(ask(*guest, "other"), StartsWith(errors::accessDenied));
    std::filesystem::remove(rulesFile());
    proxy->signal(SIGHUP);
    ASSERT_TRUE(proxySays("No such file"));
    EXPECT_EQ(ask(*guest, "echo"), "hello");
}

TEST_F(ProxyRules, AreNotForDom0) {
    writeRules("deny all\n");
    startProxyWith({});
    EXPECT_EQ(ask(kept(connect()), "echo"), "hello");
}

TEST_F(ProxyRules, LetProgramsOfDom0MonitorTheBus) {
    writeRules("deny all\n");
    startProxyWith({});
    RawClient monitor(socket());
    monitor.hello();
    constexpr std::uint32_t serial = 2; // after Hello
    wire::Header become =
        wire::methodCall(serial, Bus::driverPath, "org.freedesktop.DBus.Monitoring", "BecomeMonitor");
    become.destination = Bus::driverName;
    become.signature = "asu";
    wire::BodyWriter everything("asu");
    everything.enter();
    everything.leave();
    everything.uint32(0);
    std::string bytes;
    ASSERT_FALSE(wire::appendMessage(bytes, become, everything.take()));
    monitor.send(bytes);
    ASSERT_EQ(monitor.replyTo(serial).view.type, wire::MessageType::methodReturn);
    for (int i = 0; i < 2; ++i) { // callers count their messages alike
        Bus program(loop, bus.address());
        ASSERT_EQ(ask(program, "echo", "heard"), "heard");
        std::uint32_t call = 0;
        for (;;) {
            const Received seen = monitor.receive();
            if (seen.view.member == "echo")
                call = seen.view.serial;
            if (seen.view.isReply() && call != 0 && seen.view.replySerial == call &&
                seen.view.destination == program.uniqueName()) {
                EXPECT_EQ(seen.text(), "heard");
                break;
            }
        }
    }
}

TEST_F(ProxyRules, AreSaidOfWhatPassesWhenAskedTo) {
    startProxy("allow all\n", {"-v"});
    EXPECT_EQ(ask(kept(connect()), "echo"), "hello");
    EXPECT_TRUE(proxySays("incoming call org.xenbroker.test.echo from - to org.xenbroker.test"));
    EXPECT_TRUE(proxySays("allowed by " + rulesFile() + ":1: "));
}

TEST_F(ProxyRules, JudgeSignalsBothWays) {
    startProxy("allow all\ndeny inc-signal member quiet\ndeny out-signal member hidden\n");
    const auto guest = connect();
    std::vector<std::string> atDom0, atGuest;
    SignalMatch match;
    match.interface = serviceName;
    const auto ours = dom0->onSignal(match, [&](const Message& m) { atDom0.push_back(m.member()); });
    const auto theirs = guest->onSignal(match, [&](const Message& m) { atGuest.push_back(m.member()); });
    for (const char* const member : {"quiet", "hidden", "loud"}) {
        guest->send(guest->newSignal("/", serviceName, member));
        ASSERT_EQ(ask(*guest, "echo"), "hello"); // in order
        dom0->send(dom0->newSignal("/", serviceName, member));
        ASSERT_EQ(ask(*guest, "echo"), "hello");
    }
    EXPECT_THAT(atDom0, testing::ElementsAre("quiet", "hidden", "hidden", "loud", "loud"));
    EXPECT_THAT(atGuest, testing::ElementsAre("quiet", "loud", "loud"));
}

} // namespace
} // namespace xb::test
