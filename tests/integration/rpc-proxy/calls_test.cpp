// SPDX-License-Identifier: Apache-2.0
// Calls through the proxy: those that the rules allow, those that they do not, and who is told what.
#include "fixture.hpp"

#include "idl/db_client.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/guest_callers.hpp"

namespace xb::test {
namespace {

namespace wire = proxy::wire;

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

const std::string echoRule = "allow inc-method-call destination org.xenbroker.test interface "
                             "org.xenbroker.test member echo\n";

class ProxyCalls : public ProxyFixture {};

std::vector<std::string> namesOn(Bus& bus, LoopRunner& runner) {
    Message reply =
        runner.await(bus.callMethod(Bus::driverName, Bus::driverPath, Bus::driverName, "ListNames"));
    std::vector<std::string> names;
    reply >> names;
    return names;
}

TEST_F(ProxyCalls, PassWhenARuleAllowsThemAndAreRefusedAtOnceOtherwise) {
    startProxy(basics + echoRule);
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    EXPECT_THAT(ask(*guest, "other"), StartsWith(errors::accessDenied));
    EXPECT_EQ(ask(*dom0, "other"), "hello") << "the twin: without the proxy it is there";
    EXPECT_TRUE(proxySays("denied: no rule matches"));
    EXPECT_EQ(ask(*guest, "echo", std::string(300'000, 'x')), std::string(300'000, 'x'));
}

TEST_F(ProxyCalls, ComeFromTheNameThatTheClientWasTold) {
    startProxy(basics + std::string("allow all\n"));
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "whoami"), guest->uniqueName());
    std::vector<std::string> mine;
    for (const std::string& name : namesOn(*dom0, runner)) {
        if (guestDomainOf(name).value_or(0) != 0) // of domain 0 is the proxy's own connection
            mine.push_back(name);
    }
    ASSERT_EQ(mine.size(), 1U);
    EXPECT_THAT(mine[0],
                StartsWith("com.citrix.xenclient.guest.domid_7.c" + std::to_string(proxy->pid()) + "_"));
    EXPECT_EQ(await(dom0->owner(mine[0])), guest->uniqueName());
    const auto other = connect();
    EXPECT_NE(other->uniqueName(), guest->uniqueName());
}

TEST_F(ProxyCalls, OfSeveralClientsDoNotMix) {
    startProxy(basics + echoRule);
    std::vector<std::unique_ptr<Bus>> guests;
    for (int i = 0; i < 5; ++i)
        guests.push_back(connect());
    std::size_t right = 0;
    for (int round = 0; round < 20; ++round) {
        for (std::size_t i = 0; i < guests.size(); ++i) {
            auto one = [](Bus& guest, std::string text, std::size_t& counted) -> Task<> {
                Message reply = co_await guest.callMethod(serviceName, "/", serviceName, "echo", text);
                std::string answer;
                reply >> answer;
                counted += answer == text ? 1U : 0U;
            };
            loop.spawn("echo", one(*guests[i], std::to_string(round) + "-" + std::to_string(i), right));
        }
    }
    EXPECT_TRUE(runner.waitFor([&right] { return right == 100; }));
}

TEST_F(ProxyCalls, OfDom0AreAnsweredByAGuest) {
    startProxy(basics + echoRule);
    const auto guest = connect();
    guest->objects().add("/", std::make_shared<TestService>());
    EXPECT_EQ(ask(*dom0, "echo", "x", guest->uniqueName()), "x") << "the reply needs no rule";
    writeRules(basics + echoRule + "deny out-method-call member echo\n");
    proxy->signal(SIGHUP);
    ASSERT_TRUE(proxySays("are in force"));
    EXPECT_THAT(ask(*dom0, "echo", "x", guest->uniqueName()), StartsWith(errors::accessDenied));
    EXPECT_EQ(ask(*dom0, "other", "x", guest->uniqueName()), "x");
}

TEST_F(ProxyCalls, AreAnsweredOnceByWhoWasCalled) {
    startProxy(basics + std::string("allow all\ndeny inc-method-return\n"));
    RawClient guest(socket());
    guest.hello();
    RawClient caller(bus.address().substr(std::string("unix:path=").size()));
    caller.hello();
    const std::uint32_t serial = caller.call(guest.uniqueName(), "/", "a.b", "c");
    while (guest.receive().view.type != wire::MessageType::methodCall) {
    }
    const auto reply = [&guest](std::uint32_t to, std::string_view destination, std::string_view text) {
        wire::Header header;
        header.type = wire::MessageType::methodReturn;
        header.replySerial = to;
        header.destination = destination;
        guest.sendMessage(header, text);
    };
    reply(serial + 1, caller.uniqueName(), "of another call");
    reply(serial, serviceName, "to another caller");
    reply(serial, caller.uniqueName(), "right");
    reply(serial, caller.uniqueName(), "again");
    // What the bus would have let through has arrived once this has.
    const std::uint32_t last = guest.call(caller.uniqueName(), "/", "a.b", "end");
    std::vector<std::string> got;
    for (;;) {
        const Received message = caller.receive();
        if (message.view.type == wire::MessageType::methodCall)
            break;
        if (message.view.type == wire::MessageType::methodReturn)
            got.push_back(message.text());
    }
    EXPECT_THAT(got, testing::ElementsAre("right"));
    EXPECT_GT(last, 0U);
    EXPECT_TRUE(proxySays("that answers nothing is dropped"));
}

TEST_F(ProxyCalls, WithoutReplyAreDroppedSilently) {
    startProxy(basics + echoRule);
    RawClient guest(socket());
    guest.hello();
    wire::Header header = wire::methodCall(1, "/", serviceName, "other");
    header.destination = serviceName;
    header.flags = wire::noReplyExpected;
    const std::uint32_t quiet = guest.sendMessage(header, "x");
    const std::uint32_t loud = guest.call(serviceName, "/", serviceName, "other", "x");
    for (;;) {
        const Received message = guest.receive();
        EXPECT_NE(message.view.replySerial, quiet);
        if (message.view.replySerial == loud) {
            EXPECT_EQ(message.error(), errors::accessDenied);
            break;
        }
    }
}

TEST_F(ProxyCalls, UnansweredHaveALimitBelowTheBuss) {
    startProxy(basics + std::string("allow all\n"), {"--max-pending-calls", "3"});
    RawClient guest(socket());
    guest.hello();
    std::vector<std::uint32_t> serials;
    for (int i = 0; i < 4; ++i)
        serials.push_back(guest.call(serviceName, "/", serviceName, "silent", "x"));
    EXPECT_EQ(guest.replyTo(serials.back()).error(), errors::limitsExceeded);
    EXPECT_TRUE(proxySays("3 calls of it are not answered yet (limit 3)"));
    ASSERT_TRUE(runner.waitFor([this] { return service->unanswered.size() == 3; }));
    service->unanswered.pop_back(); // which is answered with an error
    loop.context().restart();
    loop.context().poll();
    EXPECT_NE(guest.replyTo(serials[2]).error(), errors::limitsExceeded);
    const std::uint32_t next = guest.call(serviceName, "/", serviceName, "silent", "x");
    ASSERT_TRUE(runner.waitFor([this] { return service->unanswered.size() == 3; })) << next;
}

TEST_F(ProxyCalls, ReachTheDatabaseOfTheGuestAlone) {
    makeDirectories(directory.path() / "root/config/dom-store" / uuid);
    Process dbd(directory.path(), "dbd",
                {DBD, "--bus", bus.address(), "--root", directory.path() / "root", "--hypervisor", "emulated",
                 "--emulator-directory", directory.path() / "emulator", "--log-to", "stderr"});
    ASSERT_TRUE(dbd.waitReady()) << dbd.messages();
    startProxy(basics + std::string("allow inc-method-call destination com.citrix.xenclient.db\n"));
    const auto guest = connect();
    idl::db::DbClient ours(*dom0, "com.citrix.xenclient.db", "/");
    idl::db::DbClient theirs(*guest, "com.citrix.xenclient.db", "/");
    runner.await(ours.write(std::string("/dom-store/") + uuid + "/k", "own"));
    runner.await(ours.write("/k", "dom0's"));
    EXPECT_EQ(await(theirs.read("/k")), "own");
    EXPECT_EQ(await(ours.read("/k")), "dom0's");
}

} // namespace
} // namespace xb::test
