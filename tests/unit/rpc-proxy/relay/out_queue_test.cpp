// SPDX-License-Identifier: Apache-2.0
// What is sent, in which order and in how many attempts, and what is kept.
#include "rpc-proxy/relay/out_queue.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

/// Takes as much as it is told.
class Pipe : public Stream {
public:
    Transfer receive(std::span<char>) override { return {}; }
    Transfer send(std::span<const char> bytes) override {
        ++attempts;
        if (closed)
            return {Transfer::State::closed, 0, 0};
        if (room == 0)
            return {Transfer::State::blocked, 0, 0};
        const std::size_t taken = std::min(room, bytes.size());
        room -= taken;
        sent.append(bytes.data(), taken);
        return {Transfer::State::moved, taken, 0};
    }
    void awaitReadable(StreamUser&) override {}
    void awaitWritable(StreamUser&) override {}

    std::size_t room = 1000;
    bool closed = false;
    int attempts = 0;
    std::string sent;
};

TEST(OutQueue, SendsWhatIsLentAndContiguousAtOnce) {
    Pipe pipe;
    OutQueue queue;
    const std::string text = "abcdef";
    queue.lend({text.data(), 2});
    queue.lend({text.data() + 2, 4});
    EXPECT_EQ(queue.size(), 6U);
    EXPECT_EQ(queue.flush(pipe).state, Transfer::State::moved);
    EXPECT_EQ(pipe.sent, "abcdef");
    EXPECT_EQ(pipe.attempts, 1);
    EXPECT_TRUE(queue.empty());
}

TEST(OutQueue, KeepsTheOrder) {
    Pipe pipe;
    OutQueue queue;
    const std::string text = "abcdef";
    queue.lend({text.data(), 1});
    queue.append("-");
    queue.lend({text.data() + 2, 1});
    queue.lend({text.data() + 5, 1});
    queue.owned() += "+";
    queue.flush(pipe);
    EXPECT_EQ(pipe.sent, "a-cf+");
    EXPECT_EQ(pipe.attempts, 1);
}

TEST(OutQueue, KeepsWhatIsNotTaken) {
    Pipe pipe;
    OutQueue queue;
    pipe.room = 3;
    {
        std::string text = "abcdef";
        queue.lend(text);
        EXPECT_EQ(queue.flush(pipe).state, Transfer::State::blocked);
        std::ranges::fill(text, '?');
    }
    EXPECT_EQ(queue.size(), 3U);
    queue.append("gh");
    pipe.room = 4;
    EXPECT_EQ(queue.flush(pipe).state, Transfer::State::blocked);
    EXPECT_EQ(queue.size(), 1U);
    pipe.room = 100;
    EXPECT_EQ(queue.flush(pipe).state, Transfer::State::moved);
    EXPECT_EQ(pipe.sent, "abcdefgh");
    EXPECT_TRUE(queue.empty());
}

TEST(OutQueue, SaysWhenTheOtherSideEnded) {
    Pipe pipe;
    OutQueue queue;
    pipe.closed = true;
    queue.append("a");
    EXPECT_EQ(queue.flush(pipe).state, Transfer::State::closed);
}

} // namespace
} // namespace xb::proxy
