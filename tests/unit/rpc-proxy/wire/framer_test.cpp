// SPDX-License-Identifier: Apache-2.0
// A stream in pieces of any size gives the same messages, and no more is kept than has to be.
#include "tests/unit/rpc-proxy/wire/random_message.hpp"

#include "rpc-proxy/wire/framer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace xb::proxy::wire {
namespace {

/// Feeds `stream` in pieces of `size` bytes, each on the heap for itself, and returns the messages.
std::vector<std::string> messagesOf(Framer& framer, const std::string& stream, std::size_t size) {
    std::vector<std::string> messages;
    for (std::size_t at = 0; at < stream.size(); at += size) {
        std::vector<char> piece(stream.begin() + static_cast<std::ptrdiff_t>(at),
                                stream.begin() +
                                    static_cast<std::ptrdiff_t>(std::min(at + size, stream.size())));
        framer.feed(piece);
        while (const auto message = framer.next())
            messages.emplace_back(message->data(), message->size());
    }
    return messages;
}

TEST(WireFramer, PiecesOfAnySize) {
    RandomMessage random(1);
    std::vector<std::string> sent;
    std::string stream;
    for (int i = 0; i < 20; ++i) {
        sent.push_back(random.message(i % 2 == 0 ? Endian::little : Endian::big));
        stream += sent.back();
    }
    for (std::size_t size = 1; size < 300; ++size) {
        Framer framer{Limits()};
        EXPECT_EQ(messagesOf(framer, stream, size), sent) << size;
        EXPECT_EQ(framer.held(), 0U);
        EXPECT_FALSE(framer.flaw());
    }
    Framer framer{Limits()};
    EXPECT_EQ(messagesOf(framer, stream, stream.size()), sent);
}

TEST(WireFramer, FlawsEndTheStream) {
    RandomMessage random(2);
    const std::string good = random.message(Endian::little);
    std::string bad = good;
    bad[3] = 2;
    for (const std::size_t size : {1U, 7U, 16U, 1000U}) {
        Framer framer{Limits()};
        EXPECT_EQ(messagesOf(framer, good + bad + good, size), std::vector{good});
        ASSERT_TRUE(framer.flaw());
        EXPECT_EQ(framer.flaw()->fault, Fault::protocolVersion);
        EXPECT_LE(framer.held(), prologueBytes) << "what follows is not kept";
        EXPECT_EQ(messagesOf(framer, good, size).size(), 0U) << "nothing can follow any more";
        EXPECT_TRUE(framer.flaw());
    }
}

TEST(WireFramer, TooLongIsKnownAtOnce) {
    RandomMessage random(3);
    std::string message = random.message(Endian::little);
    store(message.data() + bodyLengthAt, std::uint32_t{1000}, Endian::little);
    Framer framer{Limits{500}};
    std::string beginning = message.substr(0, prologueBytes);
    framer.feed(beginning);
    EXPECT_FALSE(framer.next());
    ASSERT_TRUE(framer.flaw());
    EXPECT_EQ(framer.flaw()->fault, Fault::messageTooLong);
}

TEST(WireFramer, KeepsOnlyWhatArrived) {
    std::string beginning = RandomMessage(4).message(Endian::little).substr(0, prologueBytes);
    store(beginning.data() + bodyLengthAt, maxMessageBytes / 2, Endian::little);
    Framer framer{Limits()};
    framer.feed(beginning);
    EXPECT_FALSE(framer.next());
    EXPECT_FALSE(framer.flaw());
    EXPECT_EQ(framer.held(), prologueBytes);
}

// What is handed out may be changed in place, and stays until the next one is asked for.
TEST(WireFramer, MessagesAreWritable) {
    RandomMessage random(5);
    std::string stream = random.message(Endian::little);
    const std::string first = stream.substr(0, 20);
    std::string rest = stream.substr(20);
    Framer framer{Limits()};
    framer.feed(stream);
    auto message = framer.next();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->data(), stream.data()) << "not copied";
    EXPECT_FALSE(framer.next());
    std::string copy = first;
    framer.feed(copy);
    EXPECT_FALSE(framer.next());
    copy = "overwritten by the next read";
    framer.feed(rest);
    message = framer.next();
    ASSERT_TRUE(message);
    rest.assign(rest.size(), 'x');
    EXPECT_EQ(std::string(message->data(), message->size()), stream);
    (*message)[8] = 1;
}

} // namespace
} // namespace xb::proxy::wire
