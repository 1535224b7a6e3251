// SPDX-License-Identifier: Apache-2.0
// bootage and deaths: restarts and their end, what services leave behind, and the death of bootage itself.
#include "bootage_run.hpp"

#include <csignal>

namespace xb::bootage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Watching = BootageRun;

TEST_F(Watching, AKilledServiceIsRestartedAndItsDependentsAreNot) {
    start(service("a", "notify wait", "ready notify") + service("b", "notify wait", "dep a\nready notify"));
    const pid_t first = expectStarted("a");
    expectLine("all-ready ");
    ::kill(first, SIGKILL);
    EXPECT_EQ(expectLine("died a "), "was killed by signal 9 (Killed)");
    EXPECT_NE(expectStarted("a"), first);
    expectLine("restarted a ");
    EXPECT_EQ(stop(), 0);
    EXPECT_EQ(count("started b "), 1);
}

TEST_F(Watching, IsGivenUpAfterTooManyRestarts) {
    start(service("other", "at-term DIR/down other notify wait", "ready notify") +
          service("a", "notify exit 3", "dep other\nready notify\nrestart-limit 2 60"));
    EXPECT_EQ(expectLine("failed a "), "given up after 2 restarts in 60 s; at last it exited with status 3");
    EXPECT_EQ(expectEnd(), 1);
    EXPECT_EQ(count("started a "), 3);
    EXPECT_THAT(words("down"), ElementsAre("other"));
}

TEST_F(Watching, AnOptionalServiceThatIsGivenUpIsMissedByNobody) {
    start(service("a", "notify wait", "ready notify") +
          service("b", "notify exit 3", "ready notify\nrestart-limit 1 60\noptional"));
    expectLine("failed b given up after 1 restarts in 60 s");
    EXPECT_EQ(stop(), 0);
    EXPECT_EQ(count("stopped a"), 1);
}

TEST_F(Watching, NotOnXenIsNeverRestarted) {
    start(service("a", "exit 78", "ready notify"));
    EXPECT_THAT(expectLine("failed a "), HasSubstr("not on Xen"));
    EXPECT_EQ(expectEnd(), 78);
    EXPECT_EQ(count("started a "), 1);
}

TEST_F(Watching, NotOnXenIsNeverRestartedLaterEither) {
    start(service("a", "notify exit 78", "ready notify"));
    expectLine("died a exited with status 78");
    EXPECT_EQ(expectEnd(), 78);
    EXPECT_EQ(count("started a "), 1);
}

TEST_F(Watching, RestartNeverEndsTheRunUnlessItEndedWell) {
    makeFifo("go");
    start(service("a", "notify wait-for DIR/go exit 0", "ready notify\nrestart never") +
          service("b", "notify wait", "dep a\nready notify\nrestart never"));
    const pid_t pid = expectStarted("b");
    expectLine("all-ready ");
    release("go");
    expectLine("ended a exited with status 0");
    ::kill(pid, SIGKILL);
    EXPECT_EQ(expectLine("failed b "), "was killed by signal 9 (Killed); it is not restarted");
    EXPECT_EQ(expectEnd(), 1);
}

TEST_F(Watching, OnFailureLeavesACleanEndAlone) {
    start(service("a", "notify exit 0", "ready notify\nrestart on-failure") + service("b", "wait"));
    expectLine("ended a exited with status 0");
    EXPECT_EQ(stop(), 0);
    EXPECT_EQ(count("started a "), 1);
}

TEST_F(Watching, WhatWasStartedApartOutlivesItsServiceAndIsEndedBeforeItsDependencies) {
    start(service("bus", "at-term DIR/down bus notify wait", "ready notify") +
          service("a", "apart DIR/apart at-term DIR/down apart notify here at-term DIR/down a notify wait",
                  "dep bus\nready notify"));
    const pid_t main = expectStarted("a");
    expectLine("all-ready ");
    const pid_t apart = pidIn("apart");
    ::kill(main, SIGKILL);
    expectLine("restarted a ");
    EXPECT_TRUE(alive(apart));
    pidIn("apart", 2); // the restarted service has started one as well
    EXPECT_EQ(stop(), 0);
    EXPECT_FALSE(alive(apart));
    EXPECT_THAT(words("down"), ElementsAre("a", "apart", "apart", "bus"));
}

TEST_F(Watching, WhatStaysInTheSessionEndsBeforeTheRestart) {
    start(service("a", "left DIR/left ignore-term here notify wait", "ready notify\nstop-timeout 0.2"));
    const pid_t main = expectStarted("a");
    expectLine("ready a ");
    const pid_t left = pidIn("left");
    ::kill(main, SIGKILL);
    expectLine("started a ");
    EXPECT_FALSE(alive(left));
    expectLine("restarted a ");
    EXPECT_EQ(stop(), 0);
}

TEST_F(Watching, OrphansThatIgnoreTheSignalAreKilled) {
    start(service("a", "apart DIR/apart ignore-term here notify wait", "ready notify\nstop-timeout 0.2"));
    expectLine("ready a ");
    const pid_t apart = pidIn("apart");
    EXPECT_EQ(stop(), 0);
    EXPECT_FALSE(alive(apart));
    EXPECT_THAT(output(), HasSubstr("of a with SIGKILL"));
}

TEST_F(Watching, ASupervisorThatIsKilledLeavesNothingBehind) {
    start(service("a", "apart DIR/apart here notify wait", "ready notify"), {"--die-with-supervisor"});
    const pid_t main = expectStarted("a");
    expectLine("all-ready ");
    const pid_t apart = pidIn("apart");
    ::kill(childOf(bootage_), SIGKILL);
    EXPECT_EQ(expectEnd(), 1);
    EXPECT_FALSE(alive(main));
    EXPECT_FALSE(alive(apart));
    EXPECT_THAT(output(),
                HasSubstr("the supervisor was killed by signal 9 (Killed); ending all that it started"));
}

TEST_F(Watching, AGuardThatIsKilledTakesTheSupervisorAlongInOrder) {
    start(service("a", "at-term DIR/down a notify wait", "ready notify") +
              service("b",
                      "apart DIR/apart at-term DIR/down apart notify here at-term DIR/down b notify wait",
                      "dep a\nready notify"),
          {"--die-with-supervisor"});
    expectLine("all-ready ");
    const pid_t apart = pidIn("apart");
    const pid_t supervisor = childOf(bootage_);
    ::kill(bootage_, SIGKILL);
    EXPECT_EQ(expectEnd(), -SIGKILL);
    // It is our child now, and we reap it.
    expectGone(supervisor);
    EXPECT_FALSE(alive(apart));
    EXPECT_THAT(words("down"), ElementsAre("b", "apart", "a"));
}

TEST_F(Watching, TheGuardHandsOnSignalsAndTheExitStatus) {
    start(service("a", "at-term DIR/down a notify wait", "ready notify"), {"--die-with-supervisor"});
    expectLine("all-ready ");
    EXPECT_EQ(stop(), 0);
    EXPECT_THAT(words("down"), ElementsAre("a"));
    start(service("a", "exit 78", "ready notify"), {"--die-with-supervisor"});
    EXPECT_EQ(expectEnd(), 78);
}

} // namespace
} // namespace xb::bootage
