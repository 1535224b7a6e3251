// SPDX-License-Identifier: Apache-2.0
// Clients that are slow, silent, wrong or many: they end, and the others are served.
#include "fixture.hpp"

#include "rpc-proxy/wire/builder.hpp"
#include "toolstack/libs/files.hpp"

#include <csignal>

#include <fmt/format.h>

namespace xb::test {
namespace {

namespace wire = proxy::wire;

using namespace std::string_literals;
using testing::HasSubstr;

const std::string allowAll = "allow all\n";

// What it may grow by; AddressSanitizer keeps what was freed.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t roomKilobytes = 64 * 1024;
#else
constexpr std::size_t roomKilobytes = 8 * 1024;
#endif

class ProxyHostile : public ProxyFixture {};

TEST_F(ProxyHostile, HalfOpenClientsAreClosed) {
    startProxy(allowAll, {"--handshake-timeout", "3000"});
    RawClient silent(socket());
    RawClient half(socket());
    half.send("\0AUTH EXT"s);
    RawClient helloless(socket());
    helloless.send("\0AUTH EXTERNAL 30\r\nBEGIN\r\n"s);
    RawClient good(socket());
    good.hello();
    EXPECT_TRUE(silent.ended());
    EXPECT_TRUE(half.ended());
    EXPECT_TRUE(helloless.ended());
    EXPECT_TRUE(proxySays("has not authenticated within 3000 ms"));
    EXPECT_TRUE(proxySays("has not said Hello within 3000 ms"));
    const std::uint32_t alive = good.call("org.freedesktop.DBus", "/", "org.freedesktop.DBus.Peer", "Ping");
    EXPECT_EQ(good.replyTo(alive).error(), "") << "the twin that said Hello";
}

TEST_F(ProxyHostile, TooManyAreRefused) {
    startProxy(allowAll, {"--max-clients-per-domain", "3"});
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(std::make_unique<RawClient>(socket()));
        clients.back()->hello();
    }
    EXPECT_TRUE(RawClient(socket()).ended());
    EXPECT_TRUE(proxySays("3 clients are connected from there (limit 3)"));
    const std::string last = clients.back()->uniqueName();
    clients.pop_back();
    ASSERT_TRUE(eventually([&] { return !await(dom0->owner(last)); })) << "the proxy has not seen its end";
    RawClient(socket()).hello();
}

TEST_F(ProxyHostile, WhatIsNoMessageEndsItsSenderAlone) {
    startProxy(allowAll);
    RawClient good(socket());
    good.hello();
    RawClient bad(socket());
    bad.hello();
    bad.send("GET / HTTP/1.1\r\n\r\n"s);
    EXPECT_TRUE(bad.ended());
    EXPECT_TRUE(proxySays("domain 7 (uid "));
    EXPECT_TRUE(proxySays("it sent what is no message: "));
    RawClient noSasl(socket());
    noSasl.send("GET / HTTP/1.1\r\n\r\n"s);
    EXPECT_TRUE(noSasl.ended());
    EXPECT_TRUE(proxySays("the first byte is not NUL"));
    RawClient large(socket());
    large.hello();
    std::string announced;
    wire::Header header = wire::methodCall(9, "/", "a.b", "c");
    ASSERT_EQ(wire::appendMessage(announced, header, ""), std::nullopt);
    announced.replace(wire::bodyLengthAt, 4, "\0\0\0\x07"s); // 112 MiB are to come
    large.send(announced);
    EXPECT_TRUE(large.ended());
    EXPECT_TRUE(proxySays("limit of a message: 4194304 bytes"));
    const std::uint32_t alive = good.call("org.freedesktop.DBus", "/", "org.freedesktop.DBus.Peer", "Ping");
    EXPECT_EQ(good.replyTo(alive).error(), "");
}

TEST_F(ProxyHostile, OneThatDoesNotReadSlowsItselfOnly) {
    startProxy(allowAll, {"--max-queue-bytes", "65536"});
    const auto other = connect();
    RawClient slow(socket());
    slow.hello();
    const std::size_t before = residentKilobytes();
    callWithoutReading(slow, *other);
    EXPECT_TRUE(proxySays("does not read: "));
    EXPECT_THAT(proxy->messages(), HasSubstr("(limit 65536)"));
    EXPECT_LT(residentKilobytes(), before + roomKilobytes);
    EXPECT_EQ(ask(*other, "echo"), "hello");
}

TEST_F(ProxyHostile, FloodsOfDeniedCallsAreNotFloodsOfLines) {
    startProxy(ProxyFixture::basics);
    RawClient guest(socket());
    guest.hello();
    std::uint32_t last = 0;
    for (int i = 0; i < 500; ++i) {
        last = guest.call(serviceName, "/", serviceName, "echo", "x");
        EXPECT_EQ(guest.replyTo(last).error(), errors::accessDenied);
    }
    const std::string log = proxy->messages();
    EXPECT_LT(std::ranges::count(log, '\n'), 200);
    EXPECT_THAT(log, HasSubstr("denied"));
}

TEST_F(ProxyHostile, TheEndOfTheBusEndsEverything) {
    startProxy(allowAll);
    RawClient guest(socket());
    guest.hello();
    bus.stop();
    EXPECT_EQ(proxy->waitEnd(), exitBusLost);
    EXPECT_TRUE(guest.ended());
    EXPECT_FALSE(std::filesystem::exists(socket()));
}

TEST_F(ProxyHostile, WhatAClientSentLastArrives) {
    startProxy(allowAll);
    int heard = 0;
    SignalMatch match;
    match.member = "last";
    const Subscription subscription = dom0->onSignal(match, [&heard](const Message&) { ++heard; });
    {
        RawClient guest(socket());
        guest.hello();
        wire::Header header = wire::signal(1, "/", "a.b", "last");
        for (int i = 0; i < 50; ++i)
            guest.sendMessage(header, "x");
    }
    EXPECT_TRUE(runner.waitFor([&heard] { return heard == 50; }));
}

} // namespace
} // namespace xb::test
