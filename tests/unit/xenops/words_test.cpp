// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/words.hpp"

#include "toolstack/xenops/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenops {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(XenopsWords, memoryHasUnits) {
    EXPECT_EQ(parseMemory("512", "m", 1024), 512U * 1024);
    EXPECT_EQ(parseMemory("512k", "m", 1024), 512U);
    EXPECT_EQ(parseMemory("2G", "m", 1), 2U * 1024 * 1024);
    for (const auto* wrong : {"", "0", "-1", "g", "1x", "99999999999999", "1.5g"})
        EXPECT_THROW(parseMemory(wrong, "m", 1), UsageError) << wrong;
}

TEST(XenopsWords, cpusAreRanges) {
    EXPECT_THAT(parseCpus("0-3,^2,8", "c"), ElementsAre(0, 1, 3, 8));
    EXPECT_THAT(parseCpus("all", "c"), IsEmpty());
    for (const auto* wrong : {"", "3-1", "^0", "a", "1-", "4096", "0,^0"})
        EXPECT_THROW(parseCpus(wrong, "c"), UsageError) << wrong;
    EXPECT_EQ(cpusText({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
    EXPECT_EQ(cpusText({}), "all");
}

TEST(XenopsWords, bitmapsBeginWithCpu0) {
    EXPECT_THAT(parseCpuBitmap("0101", "b"), ElementsAre(1, 3));
    EXPECT_EQ(cpuBitmapText({1, 3}, 4), "0101");
    EXPECT_EQ(cpuBitmapText({}, 3), "111");
    EXPECT_EQ(cpuBitmapText({9}, 2), "00");
    for (const auto* wrong : {"", "000", "012"})
        EXPECT_THROW(parseCpuBitmap(wrong, "b"), UsageError) << wrong;
}

TEST(XenopsWords, pciAddresses) {
    EXPECT_EQ(pciText(parsePciAddress("03:1f.7", "p")), "0000:03:1f.7");
    EXPECT_EQ(pciText(parsePciAddress("00aB:03:00.0", "p")), "00ab:03:00.0");
    for (const auto* wrong : {"", "03:00", "03:20.0", "03:00.8", "1:2:3:4.5", "10000:00:00.0", "x:00.0"})
        EXPECT_THROW(parsePciAddress(wrong, "p"), UsageError) << wrong;
}

} // namespace
} // namespace xb::xenops
