// SPDX-License-Identifier: Apache-2.0
// When --wait is over: the judgement on sequences of states.
#include "toolstack/xec/vm_wait.hpp"

#include <gtest/gtest.h>

namespace xb::xec {
namespace {

using Verdict = Judge::Verdict;

VmMoment at(const char* state, std::int64_t domid) {
    return VmMoment{state, domid};
}

TEST(Judge, AStartIsReachedByRunning) {
    Judge judge("start", at("stopped", -1));
    EXPECT_EQ(judge.now(at("stopped", -1)), Verdict::unsettled);
    judge.announced("creating");
    EXPECT_EQ(judge.now(at("creating", 4)), Verdict::underWay);
    EXPECT_EQ(judge.now(at("running", 4)), Verdict::reached);
}

TEST(Judge, AStartThatFallsBackHasFailed) {
    Judge judge("start", at("stopped", -1));
    judge.announced("creating");
    EXPECT_EQ(judge.now(at("stopped", -1)), Verdict::failed);
}

TEST(Judge, AGuestThatRanAndIsGoneHasRun) {
    Judge judge("start", at("stopped", -1));
    judge.announced("creating");
    judge.announced("running");
    EXPECT_EQ(judge.now(at("stopped", -1)), Verdict::reached);
}

TEST(Judge, WhatIsThereAlreadyIsReached) {
    EXPECT_EQ(Judge("start", at("running", 3)).now(at("running", 3)), Verdict::reached);
    EXPECT_EQ(Judge("shutdown", at("stopped", -1)).now(at("stopped", -1)), Verdict::reached);
    EXPECT_EQ(Judge("pause", at("running", 3)).now(at("paused", 3)), Verdict::reached);
    EXPECT_EQ(Judge("unpause", at("paused", 3)).now(at("running", 3)), Verdict::reached);
    EXPECT_EQ(Judge("destroy", at("running", 3)).now(at("locked", -1)), Verdict::reached);
}

TEST(Judge, AShutdownLeavesTheGuestItsTime) {
    Judge judge("shutdown", at("running", 3));
    EXPECT_EQ(judge.now(at("running", 3)), Verdict::underWay);
    EXPECT_EQ(judge.now(at("stopping", 3)), Verdict::underWay);
    EXPECT_EQ(judge.now(at("running", 3)), Verdict::failed);
}

TEST(Judge, AShutdownThatIsStartedAgainWasOne) {
    Judge judge("shutdown", at("running", 3));
    judge.announced("stopping");
    judge.announced("stopped");
    judge.announced("creating");
    EXPECT_EQ(judge.now(at("running", 4)), Verdict::reached);
}

TEST(Judge, ARebootMustLeaveRunning) {
    Judge judge("reboot", at("running", 3));
    EXPECT_EQ(judge.now(at("running", 3)), Verdict::underWay);
    judge.announced("rebooting");
    judge.announced("stopped");
    EXPECT_EQ(judge.now(at("stopped", -1)), Verdict::unsettled);
    judge.announced("creating");
    EXPECT_EQ(judge.now(at("running", 4)), Verdict::reached);
}

TEST(Judge, ARebootShowsInTheDomain) {
    EXPECT_EQ(Judge("reboot", at("running", 3)).now(at("running", 4)), Verdict::reached);
}

TEST(Judge, OnlySomeMethodsCanBeWaitedFor) {
    EXPECT_TRUE(canWaitFor("start"));
    EXPECT_FALSE(canWaitFor("add-disk"));
    EXPECT_FALSE(canWaitFor("get"));
}

} // namespace
} // namespace xb::xec
