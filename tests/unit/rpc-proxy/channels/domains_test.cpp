// SPDX-License-Identifier: Apache-2.0
// Vchans as streams and listeners of the proxy, over vchans that behave like Xen's at their worst: they tell
// of a change only those who wait at that moment, and one event stands for both directions.
#include "rpc-proxy/channels/domain_listener.hpp"
#include "rpc-proxy/channels/domain_stream.hpp"
#include "tests/support/loop_runner.hpp"
#include "tests/unit/rpc-proxy/channels/waiter.hpp"
#include "toolstack/libs/error.hpp"

#include <array>
#include <cstring>
#include <deque>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

using test::Waiter;

/// What the test and a vchan, which the stream owns, have in common.
struct Ring {
    explicit Ring(const Executor& executor) : readers(executor), writers(executor) {}
    static void wake(Event& who) {
        who.set();
        who.clear();
    }

    std::string in;
    std::string out;
    std::size_t room = 4;
    Event readers;
    Event writers;
    int waiting = 0;
    bool peerClosed = false;
    bool closed = false;
};

class FakeVchan final : public xen::VchanStream {
public:
    explicit FakeVchan(std::shared_ptr<Ring> ring, xen::DomId peer = 7)
        : ring_(std::move(ring)), peer_(peer) {}

    xen::DomId peer() const override { return peer_; }
    std::optional<std::size_t> tryRead(std::span<char> buffer) override {
        const std::size_t size = std::min(buffer.size(), ring_->in.size());
        if (size == 0 && !ring_->peerClosed)
            return std::nullopt;
        std::memcpy(buffer.data(), ring_->in.data(), size);
        ring_->in.erase(0, size);
        return size;
    }
    std::size_t tryWrite(std::span<const char> data) override {
        if (ring_->peerClosed)
            throw Error(errors::disconnected, "nobody is there");
        const std::size_t size = std::min(data.size(), ring_->room);
        ring_->out.append(data.data(), size);
        ring_->room -= size;
        return size;
    }
    Task<> readable() override { return wait(ring_, ring_->readers); }
    Task<> writable() override { return wait(ring_, ring_->writers); }
    void close() override {
        ring_->closed = true;
        Ring::wake(ring_->readers);
        Ring::wake(ring_->writers);
    }
    Task<std::size_t> readSome(std::span<char>) override { throw std::logic_error("nobody calls this"); }
    Task<std::size_t> writeSome(std::span<const char>) override {
        throw std::logic_error("nobody calls this");
    }

private:
    static Task<> wait(std::shared_ptr<Ring> ring, Event& event) {
        ++ring->waiting;
        co_await event.wait();
        --ring->waiting;
    }

    std::shared_ptr<Ring> ring_;
    xen::DomId peer_;
};

class Domains : public testing::Test {
protected:
    void settle() {
        loop.context().restart();
        loop.context().poll();
    }
    Transfer::State receive() {
        const Transfer got = stream->receive(buffer);
        received.assign(buffer.data(), got.bytes);
        return got.state;
    }

    Loop loop;
    std::shared_ptr<Ring> ring = std::make_shared<Ring>(loop.executor());
    Waiter waiter; // outlives the stream
    std::unique_ptr<Stream> stream =
        std::make_unique<DomainStream>(loop.executor(), std::make_unique<FakeVchan>(ring));
    std::array<char, 8> buffer{};
    std::string received;
};

TEST_F(Domains, StreamsCarryBytesAndEnd) {
    EXPECT_EQ(receive(), Transfer::State::blocked);
    ring->in = "hello";
    EXPECT_EQ(receive(), Transfer::State::moved);
    EXPECT_EQ(received, "hello");
    const Transfer sent = stream->send(std::string_view("abcdef"));
    EXPECT_EQ(sent.state, Transfer::State::moved);
    EXPECT_EQ(sent.bytes, 4U);
    EXPECT_EQ(stream->send(std::string_view("ef")).state, Transfer::State::blocked);
    EXPECT_EQ(ring->out, "abcd");
    ring->in = "last";
    ring->peerClosed = true;
    EXPECT_EQ(stream->send(std::string_view("ef")).state, Transfer::State::closed);
    EXPECT_EQ(receive(), Transfer::State::moved);
    EXPECT_EQ(receive(), Transfer::State::closed);
}

TEST_F(Domains, WhoHasNotTriedInVainIsCalledAtOnce) {
    stream->awaitReadable(waiter);
    stream->awaitWritable(waiter);
    EXPECT_EQ(waiter.reads + waiter.writes, 0) << "from the loop, never from within";
    settle();
    EXPECT_EQ(waiter.reads, 1);
    EXPECT_EQ(waiter.writes, 1);
    ring->in = "more than";
    ASSERT_EQ(receive(), Transfer::State::moved); // there is more, of which no event tells
    stream->awaitReadable(waiter);
    settle();
    EXPECT_EQ(waiter.reads, 2);
    EXPECT_EQ(ring->waiting, 0);
}

TEST_F(Domains, WhoTriedInVainIsCalledOnceWhenSomethingHappens) {
    ASSERT_EQ(receive(), Transfer::State::blocked);
    stream->awaitReadable(waiter);
    stream->awaitReadable(waiter); // changes nothing
    settle();
    EXPECT_EQ(waiter.reads, 0);
    EXPECT_EQ(ring->waiting, 1);
    Ring::wake(ring->readers);
    settle();
    EXPECT_EQ(waiter.reads, 1);
    Ring::wake(ring->readers);
    settle();
    EXPECT_EQ(waiter.reads, 1) << "it did not ask again";
}

TEST_F(Domains, OneEventIsOneForBothDirections) {
    ring->room = 0;
    ASSERT_EQ(receive(), Transfer::State::blocked);
    ASSERT_EQ(stream->send(std::string_view("x")).state, Transfer::State::blocked);
    stream->awaitWritable(waiter);
    settle();
    stream->awaitReadable(waiter);
    Ring::wake(ring->writers); // the reader's coroutine has not begun yet: it would never hear of this
    settle();
    EXPECT_EQ(waiter.writes, 1);
    EXPECT_EQ(waiter.reads, 1);
}

TEST_F(Domains, NobodyIsCalledOnceItIsGone) {
    ASSERT_EQ(receive(), Transfer::State::blocked);
    stream->awaitReadable(waiter);
    stream->awaitWritable(waiter);
    settle();
    EXPECT_EQ(waiter.writes, 1);
    stream->awaitWritable(waiter); // about to be told
    stream.reset();
    EXPECT_TRUE(ring->closed);
    settle();
    EXPECT_EQ(waiter.reads, 0);
    EXPECT_EQ(waiter.writes, 1);
    EXPECT_EQ(ring->waiting, 0) << "the wait ends";
    EXPECT_EQ(ring.use_count(), 1);
}

/// Gives out vchans of these domains, then fails.
class FakeListener final : public xen::VchanListener {
public:
    FakeListener(const Executor& executor, std::vector<xen::DomId> domids, bool& closed)
        : executor_(executor), more_(executor), domids_(domids.begin(), domids.end()), closed_(closed) {}

    Task<std::unique_ptr<xen::VchanStream>> accept() override {
        if (domids_.empty() && !failing)
            co_await more_.wait();
        if (domids_.empty())
            throw Error(errors::disconnected, "xenstored went away");
        const xen::DomId domid = domids_.front();
        domids_.pop_front();
        co_return std::make_unique<FakeVchan>(std::make_shared<Ring>(executor_), domid);
    }
    void close() override {
        closed_ = true;
        more_.set();
    }
    bool failing = false;

private:
    Executor executor_;
    Event more_;
    std::deque<xen::DomId> domids_;
    bool& closed_;
};

TEST_F(Domains, ComeAsWhatTheHypervisorSays) {
    bool closed = false;
    std::vector<std::string> failures;
    std::vector<Arrival> arrivals;
    auto vchan = std::make_unique<FakeListener>(loop.executor(), std::vector<xen::DomId>{3, 11}, closed);
    vchan->failing = true;
    DomainListener listener(loop.executor(), std::move(vchan),
                            [&failures](const std::string& why) { failures.push_back(why); });
    settle();
    EXPECT_TRUE(arrivals.empty());
    listener.start([&arrivals](Arrival arrival) { arrivals.push_back(std::move(arrival)); });
    settle();
    ASSERT_EQ(arrivals.size(), 2U);
    EXPECT_EQ(arrivals[0].domid, 3U);
    EXPECT_EQ(arrivals[1].domid, 11U);
    EXPECT_EQ(arrivals[1].peer, "connection 2");
    EXPECT_THAT(failures, testing::ElementsAre("xenstored went away"));
}

TEST_F(Domains, DoNotComeOnceTheListenerIsGone) {
    bool closed = false;
    std::vector<std::string> failures;
    auto listener = std::make_unique<DomainListener>(
        loop.executor(), std::make_unique<FakeListener>(loop.executor(), std::vector<xen::DomId>{}, closed),
        [&failures](const std::string& why) { failures.push_back(why); });
    listener->start([](const Arrival&) { ADD_FAILURE() << "somebody came"; });
    settle();
    listener.reset();
    EXPECT_TRUE(closed);
    settle();
    EXPECT_TRUE(failures.empty());
}

} // namespace
} // namespace xb::proxy
