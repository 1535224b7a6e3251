// SPDX-License-Identifier: Apache-2.0
// Counting what was stopped, rule by rule, in bounded memory.
#include "rpc-proxy/relay/statistics.hpp"

#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

TEST(Statistics, CountWhatEachRuleStopped) {
    Statistics statistics;
    statistics.countDenied("a");
    statistics.countDenied("b");
    statistics.countDenied("a");
    EXPECT_EQ(statistics.denied, 3U);
    EXPECT_EQ(statistics.deniedBy.at("a"), 2U);
    EXPECT_EQ(statistics.deniedBy.at("b"), 1U);
}

TEST(Statistics, TakeABoundedNumberOfRules) {
    Statistics statistics;
    constexpr std::size_t many = Statistics::maxRules + 5;
    for (std::size_t i = 0; i < many; ++i)
        statistics.countDenied(std::to_string(i));
    statistics.countDenied("0");
    EXPECT_EQ(statistics.denied, many + 1);
    EXPECT_EQ(statistics.deniedBy.size(), Statistics::maxRules + 1);
    EXPECT_EQ(statistics.deniedBy.at("0"), 2U);
    EXPECT_EQ(statistics.deniedBy.find(Statistics::otherRules)->second, 5U);
}

} // namespace
} // namespace xb::proxy
