// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/packets.hpp"

#include <gtest/gtest.h>

namespace xb::xen::emulated {

namespace {

const Station left{{2, 0, 0, 0, 0, 1}, 0x0a090102};
const Station right{{2, 0, 0, 0, 0, 2}, 0x0a090103};

} // namespace

TEST(Packets, AddressesAreParsedStrictly) {
    EXPECT_EQ(toText(*parseMac("00:16:3e:AB:cd:01")), "00:16:3e:ab:cd:01");
    for (const char* bad : {"", "00:16:3e:ab:cd", "00:16:3e:ab:cd:1", "00-16-3e-ab-cd-01",
                            "00:16:3e:ab:cd:0g", "00:16:3e:ab:cd:01:02"})
        EXPECT_FALSE(parseMac(bad)) << bad;
    EXPECT_EQ(ipToText(*parseIp("10.9.0.1")), "10.9.0.1");
    for (const char* bad : {"", "10.9.0", "10.9.0.256", "10.9.0.1.", "a.b.c.d", "10.9.0.-1"})
        EXPECT_FALSE(parseIp(bad)) << bad;
}

TEST(Packets, AnArpRequestIsAnsweredByItsOwnerOnly) {
    const auto request = arpRequest(left, right.ip);
    EXPECT_TRUE(isGroup(*destinationOf(request)));
    EXPECT_FALSE(answerTo(request, left));
    const auto reply = answerTo(request, right);
    ASSERT_TRUE(reply);
    EXPECT_EQ(macFromArpReply(*reply, right.ip), right.mac);
    EXPECT_FALSE(macFromArpReply(*reply, left.ip));
    EXPECT_EQ(destinationOf(*reply), left.mac);
}

TEST(Packets, AnEchoRequestIsAnsweredByItsTarget) {
    const auto request = echoRequest(left, right, 7, 9);
    EXPECT_FALSE(answerTo(request, left));
    const auto reply = answerTo(request, right);
    ASSERT_TRUE(reply);
    EXPECT_TRUE(isEchoReply(*reply, left, right.ip, 7, 9));
    EXPECT_FALSE(isEchoReply(*reply, left, right.ip, 7, 8));
    EXPECT_FALSE(isEchoReply(request, left, right.ip, 7, 9));
}

TEST(Packets, CutAndDamagedFramesAreNothing) {
    for (const auto& whole : {echoRequest(left, right, 1, 1), arpRequest(left, right.ip)}) {
        for (std::size_t size = 0; size < whole.size(); ++size)
            EXPECT_FALSE(answerTo(std::string_view(whole).substr(0, size), right)) << size;
    }
    auto damaged = echoRequest(left, right, 1, 1);
    damaged.back() = static_cast<char>(damaged.back() + 1);
    EXPECT_FALSE(answerTo(damaged, right)) << "the checksum is wrong";
}

} // namespace xb::xen::emulated
