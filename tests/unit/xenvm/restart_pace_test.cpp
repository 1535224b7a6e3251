// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/restart_pace.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace xb::xenvm {
namespace {

using namespace std::chrono_literals;

class RestartPaceTest : public testing::Test {
protected:
    /// Starts, ends after `run`, and is told when to start again.
    std::chrono::milliseconds endsAfter(std::chrono::milliseconds run) {
        pace.started(now);
        now += run;
        const auto wait = pace.next(now);
        now += wait;
        return wait;
    }
    RestartPace pace{5s, 60s};
    RestartPace::Clock::time_point now = RestartPace::Clock::time_point() + 1h;
};

TEST_F(RestartPaceTest, WhoseStartIsNotKnownWaitsForNothing) {
    EXPECT_EQ(pace.next(now), 0ms);
    EXPECT_EQ(pace.row(), 0U);
}

TEST_F(RestartPaceTest, DoublesUpToTheMost) {
    std::vector<std::chrono::milliseconds> waits;
    for (int i = 0; i < 7; ++i)
        waits.push_back(endsAfter(1s));
    EXPECT_EQ(waits, (std::vector<std::chrono::milliseconds>{4s, 9s, 19s, 39s, 59s, 59s, 59s}));
    EXPECT_EQ(pace.row(), 7U);
}

TEST_F(RestartPaceTest, WhatRanLongerThanTheSpacingIsStartedAtOnceButCounts) {
    EXPECT_EQ(endsAfter(30s), 0ms);
    EXPECT_EQ(endsAfter(30s), 0ms);
    EXPECT_EQ(endsAfter(30s), 0ms);
    EXPECT_EQ(endsAfter(30s), 10s) << "the fourth in a row: 40 s between starts";
}

TEST_F(RestartPaceTest, ALongRunEndsTheRow) {
    endsAfter(1s);
    endsAfter(1s);
    EXPECT_EQ(endsAfter(60s), 0ms);
    EXPECT_EQ(pace.row(), 0U);
    EXPECT_EQ(endsAfter(1s), 4s);
}

TEST_F(RestartPaceTest, WhoAsksForAStartForgetsTheRow) {
    endsAfter(1s);
    endsAfter(1s);
    pace.forget();
    EXPECT_EQ(endsAfter(1s), 4s);
}

TEST(RestartPace, TheMostIsNeverBelowTheLeast) {
    RestartPace pace(10s, 1s);
    const auto now = RestartPace::Clock::time_point() + 1h;
    pace.started(now);
    EXPECT_EQ(pace.next(now), 10s);
    EXPECT_EQ(pace.next(now), 10s);
}

} // namespace
} // namespace xb::xenvm
