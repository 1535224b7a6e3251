// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/relay/log_limit.hpp"

#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST(LogLimit, AllowsSomeAtOnceAndSoManyASecond) {
    LogLimit limit(3, 2);
    const auto now = LogLimit::Clock::now();
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(limit.take(now), 0U);
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(limit.take(now), std::nullopt);
    EXPECT_EQ(limit.take(now + seconds(1)), 5U) << "how many were left out";
    EXPECT_EQ(limit.take(now + seconds(1)), 0U);
    EXPECT_EQ(limit.take(now + seconds(1)), std::nullopt);
    EXPECT_EQ(limit.take(now + hours(100)), 1U);
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(limit.take(now + hours(100)), 0U);
    EXPECT_EQ(limit.take(now + hours(100)), std::nullopt) << "no more than at once";
}

} // namespace
} // namespace xb::proxy
