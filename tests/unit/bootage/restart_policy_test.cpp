// SPDX-License-Identifier: Apache-2.0
// Back-off and the restart limit, at times that the test chooses.
#include "bootage/restart_policy.hpp"

#include <gtest/gtest.h>

namespace xb::bootage {
namespace {

using namespace std::chrono_literals;

constexpr RestartPolicy::Time begin{1000s};

TEST(RestartPolicy, FirstAtOnceThenGrowing) {
    RestartPolicy policy({10, 60s});
    EXPECT_EQ(policy.next(begin), 0ms);
    EXPECT_EQ(policy.next(begin), 200ms);
    EXPECT_EQ(policy.next(begin + 1s), 400ms);
    EXPECT_EQ(policy.next(begin + 2s), 800ms);
    EXPECT_EQ(policy.next(begin + 3s), 1600ms);
}

TEST(RestartPolicy, ThePauseHasALongest) {
    RestartPolicy policy({100, 60s});
    for (int i = 0; i < 7; ++i)
        policy.next(begin);
    EXPECT_EQ(policy.next(begin), 10s);
    for (int i = 0; i < 90; ++i)
        EXPECT_EQ(policy.next(begin), 10s);
}

TEST(RestartPolicy, GivesUpAtTheLimit) {
    RestartPolicy policy({3, 60s});
    EXPECT_TRUE(policy.next(begin));
    EXPECT_TRUE(policy.next(begin + 10s));
    EXPECT_TRUE(policy.next(begin + 20s));
    EXPECT_FALSE(policy.next(begin + 59s));
    EXPECT_FALSE(RestartPolicy({0, 60s}).next(begin)) << "a limit of 0 allows none";
}

TEST(RestartPolicy, OldRestartsAreForgotten) {
    RestartPolicy policy({3, 60s});
    policy.next(begin);
    policy.next(begin + 10s);
    policy.next(begin + 20s);
    EXPECT_EQ(policy.next(begin + 60s), 400ms) << "the first one is out of the window";
    EXPECT_FALSE(policy.next(begin + 61s));
    EXPECT_EQ(policy.next(begin + 1000s), 0ms) << "it ran well for long: afresh";
}

} // namespace
} // namespace xb::bootage
