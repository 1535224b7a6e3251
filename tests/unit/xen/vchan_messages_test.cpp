// SPDX-License-Identifier: Apache-2.0
#include "xen/vchan/messages.hpp"

#include <gtest/gtest.h>

namespace xb::xen::vchan {

namespace {

const Nonce nonce{'a', 'b', '\0', '\xff', '1', '2', '3', '4'};
const std::string requestBytes("XBvc\x01\x01\0\0ab\0\xff"
                               "1234",
                               16);

Parsed parse(const std::string& bytes) {
    Request request;
    std::size_t used = 0;
    return parseRequest(bytes, request, used);
}

Parsed parseReply(const std::string& bytes) {
    Answer answer;
    std::size_t used = 0;
    return parseAnswer(bytes, answer, used);
}

} // namespace

TEST(VchanMessages, ARequestIsAsDocumented) {
    EXPECT_EQ(toBytes(Request{nonce}), requestBytes);
    Request request;
    std::size_t used = 0;
    EXPECT_EQ(parseRequest(requestBytes + "more", request, used), Parsed::message);
    EXPECT_EQ(used, headerSize);
    EXPECT_EQ(request.nonce, nonce);
}

TEST(VchanMessages, ARequestComesInPieces) {
    for (std::size_t size = 0; size < requestBytes.size(); ++size)
        EXPECT_EQ(parse(requestBytes.substr(0, size)), Parsed::incomplete) << size;
}

TEST(VchanMessages, GarbageIsKnownAtItsFirstByte) {
    for (std::size_t at = 0; at < 8; ++at) {
        std::string bytes = requestBytes.substr(0, at + 1);
        bytes[at] = static_cast<char>(bytes[at] + 2);
        EXPECT_EQ(parse(bytes), Parsed::garbage) << at;
        EXPECT_EQ(parse(bytes + std::string(100, 'x')), Parsed::garbage) << at;
    }
}

TEST(VchanMessages, AnAnswerIsAsDocumented) {
    const Answer given{Status::ring, nonce, "/local/domain/0/data/vchan/3/5555/0"};
    const std::string bytes = toBytes(given);
    EXPECT_EQ(bytes.substr(0, 8), std::string("XBvc\x01\x00\x23\x00", 8));
    Answer answer;
    std::size_t used = 0;
    EXPECT_EQ(parseAnswer(bytes + bytes, answer, used), Parsed::message);
    EXPECT_EQ(used, bytes.size());
    EXPECT_EQ(answer.status, given.status);
    EXPECT_EQ(answer.nonce, given.nonce);
    EXPECT_EQ(answer.text, given.text);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_EQ(parseReply(bytes.substr(0, size)), Parsed::incomplete) << size;
}

TEST(VchanMessages, TextsAreCutAndCleaned) {
    Answer answer;
    std::size_t used = 0;
    EXPECT_EQ(parseAnswer(toBytes(Answer{Status::refused, nonce, std::string(1000, '\n')}), answer, used),
              Parsed::message);
    EXPECT_EQ(answer.text, std::string(maxAnswerText, '?'));
}

TEST(VchanMessages, AnswersOutOfBoundsAreGarbage) {
    const auto ring = [](std::size_t size) {
        return toBytes(Answer{Status::ring, nonce, std::string(size, '/')});
    };
    EXPECT_EQ(parseReply(ring(maxRingPath)), Parsed::message);
    EXPECT_EQ(parseReply(ring(maxRingPath + 1)), Parsed::garbage);
    EXPECT_EQ(parseReply(ring(0)), Parsed::garbage);
    std::string status = ring(10);
    status[5] = 3;
    EXPECT_EQ(parseReply(status), Parsed::garbage);
    std::string length = toBytes(Answer{Status::failed, nonce, "text"});
    length[7] = 2; // 512 and more: known before they come
    EXPECT_EQ(parseReply(length), Parsed::garbage);
    std::string unprintable = ring(10);
    unprintable[20] = '\n';
    EXPECT_EQ(parseReply(unprintable), Parsed::garbage);
}

TEST(VchanMessages, PathsFitWhatLibxenvchanCanDo) {
    const std::string longest = portPath(0, 32751, 65535) + "00000000";
    EXPECT_LE(longest.size(), maxRingPath);
    EXPECT_LE(listenPath(32751, 32751, 65535).size(), maxRingPath);
    EXPECT_EQ(listenPath(0, 7, 5555), "/local/domain/0/data/vchan/7/5555/listen");
}

} // namespace xb::xen::vchan
