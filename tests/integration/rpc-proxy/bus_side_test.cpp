// SPDX-License-Identifier: Apache-2.0
// What comes from the bus, and what the bus gets, where no honest bus would show a difference. Each thing
// that is dropped has a twin that differs in one field and passes.
#include "fake_bus.hpp"
#include "fixture.hpp"

#include "rpc-proxy/wire/builder.hpp"

#include <sys/socket.h>

namespace xb::test {
namespace {

namespace wire = proxy::wire;
using testing::HasSubstr;

class ProxyBusSide : public ProxyFixture {
protected:
    void start(std::vector<std::string> options = {}) {
        // The last one counts. The proxy has a bus of its own for the properties of VMs.
        options.insert(options.end(), {"-o", "unix:" + file(), "--bus", bus.address()});
        startProxy("allow all\n", std::move(options));
    }
    /// A guest behind the proxy, and what the bus has of it.
    void meet() {
        guest = std::make_unique<RawClient>(socket());
        guest->sendHello();
        side = std::make_unique<RawClient>(fake.welcome());
        guest->receiveText("\r\n");
        EXPECT_EQ(guest->replyTo(1).text(), FakeBus::uniqueName);
        EXPECT_EQ(guest->receive().view.member, "NameAcquired"); // which the proxy says
    }
    static wire::Header signal(std::string_view member) {
        return wire::signal(50, "/", "org.xenbroker.test", member);
    }
    std::string file() const { return directory.path() / "fake-bus"; }

    FakeBus fake{file()};
    std::unique_ptr<RawClient> guest;
    std::unique_ptr<RawClient> side;
};

TEST_F(ProxyBusSide, DescriptorsFromTheBusDoNotPass) {
    start();
    meet();
    wire::Header with = signal("with");
    with.unixFds = 1;
    FakeBus::send(*side, with);
    FakeBus::send(*side, signal("without"));
    const Received received = guest->receive();
    EXPECT_EQ(received.view.member, "without");
    EXPECT_TRUE(proxySays("a message with descriptors from org.freedesktop.DBus is dropped"));
}

TEST_F(ProxyBusSide, ARuleGoesToTheBusAsItWasUnderstood) {
    start();
    meet();
    const auto asked = [this](std::string_view rule) {
        guest->call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch",
                    rule);
        return side->receive().text();
    };
    EXPECT_EQ(asked(" type=signal,\tmember=tick"), "type='signal',member='tick'");
    EXPECT_EQ(asked("path='/a',eavesdrop='false'"), "path='/a'");
    EXPECT_EQ(asked("type='signal',member='tick'"), "type='signal',member='tick'");
}

TEST_F(ProxyBusSide, OnlyAnswersToWhatWasAskedPassOnce) {
    start();
    meet();
    const std::uint32_t serial = guest->call("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId");
    const Received call = side->receive();
    wire::Header stranger = static_cast<const wire::Header&>(call.view);
    stranger.serial = serial + 1;
    FakeBus::answer(*side, stranger, "to nothing");
    wire::Header other = wire::methodReturn(51, call.view);
    other.sender = ":1.9";
    FakeBus::send(*side, other);
    FakeBus::answer(*side, call.view, "the answer");
    FakeBus::answer(*side, call.view, "and again");
    FakeBus::send(*side, signal("end"));
    const Received first = guest->receive();
    EXPECT_EQ(first.text(), "the answer");
    EXPECT_EQ(guest->receive().view.member, "end");
    EXPECT_TRUE(proxySays("a reply from :1.9 that answers nothing is dropped"));
}

TEST_F(ProxyBusSide, WhatIsNoMessageEndsTheConnection) {
    start();
    meet();
    side->send(std::string(16, 'x'));
    EXPECT_TRUE(guest->ended());
    EXPECT_TRUE(side->ended());
    meet(); // the next one is served
    FakeBus::send(*side, signal("tick"));
    EXPECT_EQ(guest->receive().view.member, "tick");
}

TEST_F(ProxyBusSide, WithoutItsNameAGuestIsNotServed) {
    start();
    RawClient refused(socket());
    refused.sendHello();
    RawClient proxySide = fake.accept();
    proxySide.receiveText("BEGIN\r\n");
    proxySide.send("OK 0123456789abcdef0123456789abcdef\r\n");
    FakeBus::answer(proxySide, proxySide.receive().view, FakeBus::uniqueName);
    const Received request = proxySide.receive();
    EXPECT_THAT(request.text(), HasSubstr("com.citrix.xenclient.guest.domid_7.c"));
    FakeBus::answer(proxySide, request.view, "not a number");
    EXPECT_TRUE(refused.ended());
    EXPECT_TRUE(proxySays("the bus did not give com.citrix.xenclient.guest.domid_7.c"));
    meet(); // its twin gets the name
}

TEST_F(ProxyBusSide, ABusThatSaysNothingIsNotWaitedForForEver) {
    start({"--handshake-timeout", "300"});
    RawClient waiting(socket());
    waiting.sendHello();
    RawClient silent = fake.accept();
    EXPECT_TRUE(waiting.ended());
    EXPECT_TRUE(silent.ended());
    EXPECT_TRUE(proxySays("300"));
}

} // namespace
} // namespace xb::test
