// SPDX-License-Identifier: Apache-2.0
// What vchans promise on every hypervisor.
#include "tests/unit/xen/vchan_fixture.hpp"
#include "toolstack/libs/error.hpp"

namespace xb::xen::test {

TEST_F(VchanContract, AConnectionIsKnownByItsDomainAndGoesBothWays) {
    const auto listener = listen(testPort, {});
    const auto one = startPeer();
    const auto other = startPeer();
    auto first = connect(*one, *listener);
    EXPECT_EQ(first.stream->peer(), one->domid);
    auto second = connect(*other, *listener);
    EXPECT_EQ(second.stream->peer(), other->domid);
    expectWorks(*one, first);
    expectWorks(*other, second);
}

TEST_F(VchanContract, ADomainCannotOpenAnotherOnesRing) {
    const auto listener = listen(testPort, {});
    const auto one = startPeer();
    const auto other = startPeer();
    const auto path = fmt::format("/local/domain/0/data/vchan/{}/{}/listen", one->domid, testPort);
    EXPECT_EQ(tell(*other, "open " + path + " 1000"), "no");
    EXPECT_EQ(tell(*one, "open " + path + " 20000"), "ok"); // the path is right
}

TEST_F(VchanContract, SeveralConnectionsOfADomainAtOnce) {
    const auto listener = listen(testPort, {});
    const auto peer = startPeer();
    std::vector<std::shared_ptr<Running<std::string>>> calls;
    for (int i = 0; i < 6; ++i)
        calls.push_back(run(peer->tell(connectCommand())));
    std::vector<std::unique_ptr<VchanStream>> streams;
    for (std::size_t i = 0; i < calls.size(); ++i)
        streams.push_back(accept(*listener));
    std::vector<std::shared_ptr<Running<std::string>>> sends;
    for (const auto& call : calls) {
        const auto answer = result(call, "a connection");
        ASSERT_TRUE(answer.starts_with("ok ")) << answer;
        sends.push_back(run(peer->tell("send " + answer.substr(3) + " 20000")));
    }
    for (const auto& stream : streams)
        await(receivePattern(*stream, 20000));
    for (const auto& send : sends)
        EXPECT_EQ(result(send, "the peer to send"), "ok");
}

TEST_F(VchanContract, WhatWasSentBeforeTheEndIsRead) {
    const auto listener = listen(testPort, {});
    const auto peer = startPeer();
    auto connection = connect(*peer, *listener);
    EXPECT_EQ(tell(*peer, "send " + connection.name + " 1000"), "ok");
    EXPECT_EQ(tell(*peer, "close " + connection.name), "ok");
    EXPECT_EQ(await(readToEnd(*connection.stream)), 1000u);
    EXPECT_NE(failure(sendPattern(*connection.stream, 1000000)).find(std::to_string(peer->domid)),
              std::string::npos);
    auto second = connect(*peer, *listener);
    await(sendPattern(*second.stream, 1000));
    second.stream->close();
    EXPECT_EQ(tell(*peer, "end " + second.name), "ok 1000");
}

TEST_F(VchanContract, ClosedConnectionsGiveTheirPlaceBack) {
    VchanLimits limits;
    limits.connectionsPerDomain = 2;
    const auto listener = listen(testPort, limits);
    const auto peer = startPeer();
    auto kept = connect(*peer, *listener);
    for (int i = 0; i < 5; ++i) {
        auto connection = connect(*peer, *listener);
        expectWorks(*peer, connection);
        EXPECT_EQ(tell(*peer, "close " + connection.name), "ok");
    }
    expectWorks(*peer, kept);
}

TEST_F(VchanContract, MoreConnectionsThanADomainMayHaveAreRefused) {
    VchanLimits limits;
    limits.connectionsPerDomain = 2;
    const auto listener = listen(testPort, limits);
    const auto peer = startPeer();
    auto first = connect(*peer, *listener);
    auto second = connect(*peer, *listener);
    const auto answer = tell(*peer, connectCommand());
    EXPECT_EQ(answer,
              fmt::format("failed {} vchan port {} of domain 0 refuses: domain {} has 2 connections, the "
                          "limit of a domain is 2",
                          errors::limitsExceeded, testPort, peer->domid));
    expectWorks(*peer, first);
    const auto other = startPeer(); // others are not touched by that
    auto third = connect(*other, *listener);
    expectWorks(*other, third);
    second.stream.reset();
    auto fourth = connect(*peer, *listener);
    expectWorks(*peer, fourth);
}

TEST_F(VchanContract, TheLimitOfAllDomainsHolds) {
    VchanLimits limits;
    limits.connections = 2;
    const auto listener = listen(testPort, limits);
    const auto one = startPeer();
    const auto other = startPeer();
    auto first = connect(*one, *listener);
    auto second = connect(*one, *listener);
    const auto answer = tell(*other, connectCommand());
    EXPECT_NE(answer.find("all domains have 2 connections, their limit is 2"), std::string::npos) << answer;
    first.stream.reset();
    auto third = connect(*other, *listener);
    expectWorks(*other, third);
}

TEST_F(VchanContract, MuchGoesBothWaysAtOnce) {
    constexpr std::size_t size = 1500000;
    const auto listener = listen(testPort, {});
    const auto peer = startPeer();
    auto connection = connect(*peer, *listener);
    const auto sends = run(peer->tell(fmt::format("send {} {}", connection.name, size)));
    const auto receives = run(peer->tell(fmt::format("receive {} {}", connection.name, size)));
    auto sending = [](VchanStream& stream) -> Task<bool> {
        co_await sendPattern(stream, size);
        co_return true;
    };
    const auto sent = run(sending(*connection.stream));
    await(receivePattern(*connection.stream, size));
    EXPECT_TRUE(result(sent, "sending"));
    EXPECT_EQ(result(sends, "the peer to send"), "ok");
    EXPECT_EQ(result(receives, "the peer to receive"), "ok");
}

TEST_F(VchanContract, WhoDoesNotReadHoldsUpNobodyElse) {
    constexpr std::size_t size = 1500000;
    const auto listener = listen(testPort, {});
    const auto peer = startPeer();
    auto slow = connect(*peer, *listener);
    auto quick = connect(*peer, *listener);
    // To us, who do not read it.
    const auto sends = run(peer->tell(fmt::format("send {} {}", slow.name, size)));
    // And to the peer, who does not either: what fits is bounded.
    const std::string block(4096, 'x');
    std::size_t written = 0;
    while (const std::size_t part = slow.stream->tryWrite(block)) {
        written += part;
        ASSERT_LT(written, size);
    }
    expectWorks(*peer, quick);
    EXPECT_FALSE(sends->done());
    await(receivePattern(*slow.stream, size));
    EXPECT_EQ(result(sends, "the peer to send"), "ok");
    slow.stream->close();
    EXPECT_EQ(tell(*peer, "end " + slow.name), fmt::format("ok {}", written));
}

TEST_F(VchanContract, GarbageClosesTheListenerRingForAWhileOnly) {
    VchanLimits limits;
    limits.handshakeTime = std::chrono::seconds(60); // so that nothing but the garbage can close it
    const auto listener = listen(testPort, limits);
    const auto peer = startPeer();
    const auto other = startPeer();
    auto before = connect(*peer, *listener);
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(tell(*peer, fmt::format("garbage {}", testPort)), "ok");
    auto others = connect(*other, *listener);
    expectWorks(*other, others);
    expectWorks(*peer, before);
    auto after = connect(*peer, *listener);
    expectWorks(*peer, after);
}

TEST_F(VchanContract, WhoHoldsTheListenerRingLosesIt) {
    VchanLimits limits;
    limits.handshakeTime = std::chrono::milliseconds(1000);
    const auto listener = listen(testPort, limits);
    const auto peer = startPeer();
    EXPECT_EQ(tell(*peer, fmt::format("hold {}", testPort)), "ok");
    auto connection = connect(*peer, *listener);
    expectWorks(*peer, connection);
}

TEST_F(VchanContract, WhoAsksAndDoesNotComeLosesTheRing) {
    VchanLimits limits;
    limits.connectionsPerDomain = 1;
    limits.handshakeTime = std::chrono::milliseconds(1000);
    const auto listener = listen(testPort, limits);
    const auto peer = startPeer();
    const auto asked = tell(*peer, fmt::format("ask {}", testPort));
    ASSERT_TRUE(asked.starts_with("ok ")) << asked;
    // The place is taken, until the time is over.
    std::string answer = tell(*peer, connectCommand());
    EXPECT_NE(answer.find("the limit of a domain is 1"), std::string::npos) << answer;
    while (!answer.starts_with("ok "))
        answer = tell(*peer, connectCommand());
    const auto stream = accept(*listener);
    EXPECT_EQ(stream->peer(), peer->domid);
    EXPECT_EQ(tell(*peer, "open " + asked.substr(3) + " 100"), "no");
}

TEST_F(VchanContract, TheDeathOfADomainEndsItsConnections) {
    const auto listener = listen(testPort, {});
    auto peer = startPeer();
    const auto survivor = startPeer();
    auto connection = connect(*peer, *listener);
    auto others = connect(*survivor, *listener);
    EXPECT_EQ(tell(*peer, "send " + connection.name + " 500"), "ok");
    const DomId domid = peer->domid;
    const auto ends = run(readToEnd(*connection.stream));
    await(hypervisor().destroy(domid));
    EXPECT_EQ(result(ends, "the stream to end"), 500u);
    await(peer->end());
    peer.reset();
    const auto path = "/local/domain/0/data/vchan/" + std::to_string(domid);
    waitForNode(path, "(none)");
    expectWorks(*survivor, others);
    const auto next = startPeer();
    auto again = connect(*next, *listener);
    expectWorks(*next, again);
}

TEST_F(VchanContract, AWriterThatWaitsEndsWithTheDomain) {
    const auto listener = listen(testPort, {});
    const auto peer = startPeer();
    auto connection = connect(*peer, *listener);
    auto sending = [](VchanStream& stream) -> Task<bool> {
        co_await sendPattern(stream, 10000000);
        co_return true;
    };
    const auto sent = run(sending(*connection.stream));
    await(hypervisor().destroy(peer->domid));
    EXPECT_THROW(result(sent, "the writer to end"), Error);
}

TEST_F(VchanContract, TheEndOfAPeersProcessEndsItsConnections) {
    const auto listener = listen(testPort, {});
    auto peer = startPeer();
    auto connection = connect(*peer, *listener);
    const auto dies = run(peer->tell("die"));
    EXPECT_EQ(await(readToEnd(*connection.stream)), 0u);
    EXPECT_THROW(result(dies, "the peer to end"), std::runtime_error);
    const auto domid = peer->domid;
    peer.reset();
    const auto next = peerOf(domid);
    auto again = connect(*next, *listener);
    expectWorks(*next, again);
}

TEST_F(VchanContract, AListenerThatComesBackIsFound) {
    auto listener = listen(testPort, {});
    const auto peer = startPeer();
    auto connection = connect(*peer, *listener);
    listener.reset();
    expectWorks(*peer, connection); // it goes on
    const auto early = run(peer->tell(connectCommand()));
    listener = listen(testPort, {});
    const auto stream = accept(*listener);
    EXPECT_EQ(stream->peer(), peer->domid);
    EXPECT_TRUE(result(early, "the connection").starts_with("ok "));
}

TEST_F(VchanContract, NobodyListensIsATimeout) {
    const auto peer = startPeer();
    EXPECT_EQ(tell(*peer, "connect 5559 200"),
              fmt::format("failed {} vchan port 5559 of domain 0: no answer within 200 ms: does somebody "
                          "listen on it?",
                          errors::timeout));
}

TEST_F(VchanContract, APortHasOneListener) {
    auto listener = listen(testPort, {});
    EXPECT_THROW(
        {
            try {
                const auto second = listen(testPort, {});
            } catch (const Error& e) {
                EXPECT_STREQ(e.what(), "vchan port 5551 is taken: another process listens on it");
                throw;
            }
        },
        Error);
    listener.reset();
    listener = listen(testPort, {});
    EXPECT_THROW(listen(0, {}), Error);
    EXPECT_THROW(listen(65536, {}), Error);
}

TEST_F(VchanContract, ClosingEndsThoseWhoWait) {
    const auto listener = listen(testPort, {});
    const auto peer = startPeer();
    auto connection = connect(*peer, *listener);
    const auto reads = run(readToEnd(*connection.stream));
    const auto accepts = run(listener->accept());
    connection.stream->close();
    EXPECT_EQ(result(reads, "the reader to end"), 0u);
    EXPECT_NE(failure(sendPattern(*connection.stream, 1)), "");
    listener->close();
    EXPECT_THROW(result(accepts, "accepting to end"), Error);
}

} // namespace xb::xen::test
