// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/relay/deadlines.hpp"

#include "tests/support/armed_timers.hpp"
#include "tests/support/loop_runner.hpp"

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

using Deadline = Deadlines::Deadline;

TEST(Deadlines, EndInTheirOrderUnlessTheyAreCancelled) {
    Loop loop;
    test::LoopRunner runner(loop);
    Deadlines all(loop.executor(), std::chrono::milliseconds(1));
    std::vector<int> ended;
    Deadline first, second, third;
    all.begin(first, [&ended] { ended.push_back(1); });
    all.begin(second, [&ended] { ended.push_back(2); });
    all.begin(third, [&] {
        ended.push_back(3);
        all.begin(first, [&ended] { ended.push_back(4); });
    });
    second.cancel();
    ASSERT_TRUE(runner.waitFor([&ended] { return ended.size() == 3; }));
    EXPECT_THAT(ended, testing::ElementsAre(1, 3, 4));
}

TEST(Deadlines, MayCancelEachOther) {
    Loop loop;
    test::LoopRunner runner(loop);
    Deadlines all(loop.executor(), std::chrono::milliseconds(1));
    std::vector<int> ended;
    auto second = std::make_unique<Deadline>();
    Deadline first, third;
    all.begin(first, [&] {
        ended.push_back(1);
        second.reset();
    });
    all.begin(*second, [&ended] { ended.push_back(2); });
    all.begin(third, [&ended] { ended.push_back(3); });
    ASSERT_TRUE(runner.waitFor([&ended] { return ended.size() == 2; }));
    EXPECT_THAT(ended, testing::ElementsAre(1, 3));
}

TEST(Deadlines, CostNothingWhileThereAreNone) {
    Loop loop;
    const std::size_t before = test::armedTimers();
    Deadlines all(loop.executor(), std::chrono::hours(1));
    {
        Deadline one;
        all.begin(one, [] {});
        EXPECT_EQ(test::armedTimers(), before + 1);
    }
    EXPECT_EQ(test::armedTimers(), before);
}

} // namespace
} // namespace xb::proxy
