// SPDX-License-Identifier: Apache-2.0
// Single checks of what a client sends, each with a twin that differs in one thing and passes.
#include "fixture.hpp"

#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"

namespace xb::test {
namespace {

namespace wire = proxy::wire;

class ProxyChecks : public ProxyFixture {
protected:
    /// A call of the test's service with one string.
    static std::string callBytes(std::uint32_t serial, std::string_view member, std::string_view text,
                                 std::uint32_t unixFds = 0) {
        wire::Header header = wire::methodCall(serial, "/", serviceName, member);
        header.destination = serviceName;
        header.signature = "s";
        header.unixFds = unixFds;
        wire::BodyWriter body("s");
        body.string(text);
        std::string bytes;
        if (const auto flaw = wire::appendMessage(bytes, header, body.take()))
            throw Error("the test's message is none: " + flaw->text());
        return bytes;
    }
};

TEST_F(ProxyChecks, DescriptorsAreNotPassed) {
    startProxy("allow all\n");
    RawClient guest(socket());
    guest.hello();
    guest.send(callBytes(50, "silent", "x", 1));
    EXPECT_EQ(guest.replyTo(50).error(), errors::notSupported);
    guest.send(callBytes(51, "silent", "x", 0));
    EXPECT_TRUE(runner.waitFor([this] { return service->unanswered.size() == 1; }));
}

TEST_F(ProxyChecks, ASerialStandsForOneCallAtATime) {
    startProxy("allow all\n");
    RawClient guest(socket());
    guest.hello();
    guest.send(callBytes(50, "silent", "x"));
    guest.send(callBytes(50, "silent", "x"));
    const Received refused = guest.replyTo(50); // the bus would refuse it too, in other words
    EXPECT_EQ(refused.error(), errors::accessDenied);
    EXPECT_EQ(refused.text(), "a call with this serial is not answered yet");
    guest.send(callBytes(51, "silent", "x"));
    EXPECT_TRUE(runner.waitFor([this] { return service->unanswered.size() == 2; }));
    service->unanswered.clear(); // which answers them
    loop.context().restart();
    loop.context().poll();
    EXPECT_NE(guest.replyTo(51).error(), errors::accessDenied);
    guest.send(callBytes(50, "silent", "x")); // it is free again
    EXPECT_TRUE(runner.waitFor([this] { return service->unanswered.size() == 1; }));
}

TEST_F(ProxyChecks, RepliesComeFromTheOneWhoWasCalled) {
    startProxy("allow all\n");
    RawClient guest(socket());
    guest.hello();
    guest.send(callBytes(50, "silent", "x"));
    ASSERT_TRUE(runner.waitFor([this] { return service->unanswered.size() == 1; }));
    RawClient other(bus.address().substr(std::string("unix:path=").size()));
    other.hello();
    wire::Header reply;
    reply.type = wire::MessageType::methodReturn;
    reply.destination = guest.uniqueName();
    reply.replySerial = 51; // of a call that there is not
    other.sendMessage(reply, "nobody asked");
    other.call(guest.uniqueName(), "/", "a.b", "end");
    for (;;) {
        const Received message = guest.receive();
        EXPECT_FALSE(message.view.isReply()) << message.text();
        if (message.view.type == wire::MessageType::methodCall)
            break;
    }
    service->unanswered.front()->reply(std::string("right"));
    loop.context().restart();
    loop.context().poll();
    EXPECT_EQ(guest.replyTo(50).text(), "right");
}

TEST_F(ProxyChecks, SubscriptionsHaveOneStringForAnArgument) {
    startProxy("allow all\n");
    RawClient guest(socket());
    guest.hello();
    const auto subscribe = [&guest](std::optional<std::string_view> rule) {
        const std::uint32_t serial = guest.call("org.freedesktop.DBus", "/org/freedesktop/DBus",
                                                "org.freedesktop.DBus", "AddMatch", rule);
        return guest.replyTo(serial).error();
    };
    EXPECT_EQ(subscribe(std::nullopt), errors::invalidArgs);
    EXPECT_EQ(subscribe("member='x'"), "");
    wire::Header two = wire::methodCall(90, "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch");
    two.destination = "org.freedesktop.DBus";
    two.signature = "ss";
    wire::BodyWriter body("ss");
    body.string("member='x'");
    body.string("eavesdrop='true'");
    std::string bytes;
    ASSERT_EQ(wire::appendMessage(bytes, two, body.take()), std::nullopt);
    guest.send(bytes);
    EXPECT_EQ(guest.replyTo(90).text(), "AddMatch takes one string"); // the bus would say something else
}

} // namespace
} // namespace xb::test
