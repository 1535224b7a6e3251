// SPDX-License-Identifier: Apache-2.0
// What vchans promise on every hypervisor. The tests are the control domain; in each domain runs a
// xen-vchan-peer that does what it is told.
#include "tests/unit/xen/vchan_contract.hpp"

#include "tests/unit/xen/vchan_pattern.hpp"
#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <map>

namespace xb::xen::test {

namespace {

constexpr unsigned testPort = 5551;
constexpr int connectMs = 20000;

/// One peer, from here.
class RemotePeer {
public:
    RemotePeer(Executor executor, DomId id, std::unique_ptr<VchanStream> stream,
               std::shared_ptr<void> process)
        : domid(id), executor_(executor), state_(std::make_shared<State>(executor)),
          process_(std::move(process)) {
        state_->stream = std::move(stream);
        spawn(executor_, "peer", receive(state_));
    }

    /// Done when it is.
    Task<std::string> tell(std::string command) { return tellOn(state_, std::move(command)); }
    /// Ends with the connection to the peer.
    Task<> end() { return waitForEnd(state_); }

    const DomId domid;

private:
    struct State {
        explicit State(const Executor& executor) : changed(executor), writing(executor) {}
        std::shared_ptr<VchanStream> stream;
        std::map<std::string, std::string> answers;
        Event changed;
        AsyncMutex writing;
        int next = 1;
        bool ended = false;
    };
    using StatePtr = std::shared_ptr<State>;

    static Task<> receive(StatePtr state) {
        std::array<char, 1024> buffer;
        std::string received;
        const auto stream = state->stream;
        while (const std::size_t size = co_await stream->readSome(buffer)) {
            received.append(buffer.data(), size);
            for (std::size_t end = 0; (end = received.find('\n')) != std::string::npos;) {
                const auto space = received.find(' ');
                state->answers[received.substr(0, space)] = received.substr(space + 1, end - space - 1);
                received.erase(0, end + 1);
                state->changed.set();
            }
        }
        state->ended = true;
        state->changed.set();
    }

    static Task<std::string> tellOn(StatePtr state, std::string command) {
        const std::string id = std::to_string(state->next++);
        const std::string line = id + " " + command + "\n";
        {
            const auto lock = co_await state->writing.lock();
            std::span<const char> left(line);
            while (!left.empty()) {
                const auto size = co_await state->stream->writeSome(left);
                left = left.subspan(size);
            }
        }
        while (!state->answers.contains(id)) {
            if (state->ended)
                throw std::runtime_error("the peer ended during " + command);
            state->changed.clear();
            co_await state->changed.wait();
        }
        co_return state->answers[id];
    }

    static Task<> waitForEnd(StatePtr state) {
        while (!state->ended) {
            state->changed.clear();
            co_await state->changed.wait();
        }
    }

    Executor executor_;
    StatePtr state_;
    std::shared_ptr<void> process_;
};

/// A coroutine that runs by itself.
template <class T>
struct Running {
    std::optional<T> result;
    std::exception_ptr failure;
    bool done() const { return result || failure; }
};

} // namespace

class VchanContract : public HypervisorTest {
protected:
    VchanContract() : orders_(listen(peerPort, {})) {}

    std::unique_ptr<VchanListener> listen(unsigned port, const VchanLimits& limits) {
        return openVchanListener(loop_.executor(), vchanEnvironment().options, port, limits);
    }
    std::unique_ptr<VchanStream> accept(VchanListener& listener) { return await(listener.accept()); }

    std::unique_ptr<RemotePeer> startPeer() {
        auto wanted = config();
        vchanEnvironment().withPeer(wanted);
        const DomId domid = start(std::move(wanted));
        return peerOf(domid);
    }
    /// The peer of a domain that runs.
    std::unique_ptr<RemotePeer> peerOf(DomId domid) {
        auto process = vchanEnvironment().startPeer(loop_.executor(), domid);
        auto stream = accept(*orders_);
        EXPECT_EQ(stream->peer(), domid);
        return std::make_unique<RemotePeer>(loop_.executor(), domid, std::move(stream), std::move(process));
    }

    template <class T>
    std::shared_ptr<Running<T>> run(Task<T> task) {
        auto running = std::make_shared<Running<T>>();
        asio::co_spawn(loop_.context(), std::move(task), [running](std::exception_ptr error, T value) {
            running->failure = error;
            if (!error)
                running->result.emplace(std::move(value));
        });
        return running;
    }
    template <class T>
    T result(const std::shared_ptr<Running<T>>& running, const std::string& what) {
        runUntil([&] { return running->done(); }, what);
        if (running->failure)
            std::rethrow_exception(running->failure);
        return std::move(*running->result);
    }

    std::string tell(RemotePeer& peer, const std::string& command) { return await(peer.tell(command)); }
    std::string connectCommand(unsigned port = testPort) const {
        return fmt::format("connect {} {}", port, connectMs);
    }
    /// A connection of the peer: what it calls it, and this end.
    struct Connection {
        std::string name;
        std::unique_ptr<VchanStream> stream;
    };
    Connection connect(RemotePeer& peer, VchanListener& listener) {
        const auto answer = tell(peer, connectCommand());
        if (!answer.starts_with("ok "))
            throw std::runtime_error("the peer does not connect: " + answer);
        return {answer.substr(3), accept(listener)};
    }
    void expectWorks(RemotePeer& peer, Connection& connection) {
        const auto sending = run(peer.tell("send " + connection.name + " 100"));
        await(receivePattern(*connection.stream, 100));
        EXPECT_EQ(result(sending, "the peer to send"), "ok");
        const auto receiving = run(peer.tell("receive " + connection.name + " 100"));
        await(sendPattern(*connection.stream, 100));
        EXPECT_EQ(result(receiving, "the peer to receive"), "ok");
    }

    std::unique_ptr<VchanListener> orders_;
};

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
