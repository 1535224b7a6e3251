// SPDX-License-Identifier: Apache-2.0
// bootage and real processes: readiness, start order, failed starts, and stopping.
#include "bootage_run.hpp"

#include "toolstack/libs/files.hpp"

#include <csignal>

namespace xb::bootage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Starting = BootageRun;

TEST_F(Starting, StartsAndStopsInOrderWithEveryReadiness) {
    start(service("last", "write DIR/up last at-term DIR/down last notify wait", "dep third\nready notify") +
          service("first", "write DIR/up first at-term DIR/down first notify wait", "ready notify") +
          service("third", "write DIR/up third exit 0", "dep second\nready exit") +
          service("second", "write DIR/up second at-term DIR/down second bind DIR/s listen wait",
                  "dep first\nready socket " + file("s")) +
          service("runs", "wait", "dep last\nready started"));
    for (const char* name : {"first", "second", "third", "last", "runs"})
        expectLine(std::string("ready ") + name + " ");
    expectLine("all-ready ");
    EXPECT_THAT(words("up"), ElementsAre("first", "second", "third", "last"));
    EXPECT_EQ(stop(), 0);
    EXPECT_THAT(words("down"), ElementsAre("last", "second", "first"));
    EXPECT_THAT(output(), HasSubstr("first: as ready as can be")) << "the STATUS= of the service";
}

TEST_F(Starting, WhatDoesNotDependOnEachOtherStartsInParallel) {
    makeFifo("a");
    makeFifo("b");
    start(service("a", "wait-for DIR/a notify wait", "ready notify") +
          service("b", "wait-for DIR/b notify wait", "ready notify"));
    expectLine("started a ");
    expectLine("started b ");
    release("b");
    expectLine("ready b ");
    EXPECT_EQ(count("ready a "), 0);
    release("a");
    expectLine("ready a ");
    EXPECT_EQ(stop(), 0);
}

TEST_F(Starting, DependentsWaitForReadinessNotForTheStart) {
    makeFifo("go");
    start(
        service("a", "write DIR/order a wait-for DIR/go write DIR/order ready notify wait", "ready notify") +
        service("b", "write DIR/order b notify wait", "dep a\nready notify"));
    expectLine("started a ");
    release("go");
    expectLine("ready b ");
    EXPECT_THAT(words("order"), ElementsAre("a", "ready", "b"));
    EXPECT_EQ(stop(), 0);
}

TEST_F(Starting, ABoundSocketIsReadyOnceItListens) {
    makeFifo("go");
    start(service("a", "bind DIR/s write DIR/order bound wait-for DIR/go write DIR/order listens listen wait",
                  "ready socket " + file("s")) +
          service("b", "write DIR/order b notify wait", "dep a\nready notify"));
    release("go");
    expectLine("ready b ");
    EXPECT_THAT(words("order"), ElementsAre("bound", "listens", "b"));
    EXPECT_EQ(stop(), 0);
}

TEST_F(Starting, ASocketIsFoundInADirectoryThatAppearsLater) {
    makeFifo("go");
    start(service("a", "wait-for DIR/go bind DIR/x/y/s listen wait", "ready socket " + file("x/y/s")));
    expectLine("started a ");
    makeDirectories(directory_ / "x" / "y");
    release("go");
    expectLine("ready a ");
    EXPECT_EQ(stop(), 0);
}

TEST_F(Starting, ASocketThatSomebodyElseServesIsRefused) {
    start(service("a", "bind DIR/s listen wait", "ready socket " + file("s")) +
          service("b", "wait", "dep a\nready socket " + file("s")));
    expectLine("failed b cannot be started: something serves ");
    EXPECT_EQ(expectEnd(), 1);
    EXPECT_EQ(count("started b"), 0);
}

TEST_F(Starting, OnlyTheMainProcessSaysThatItIsReady) {
    start(service("a", "apart DIR/pid notify here wait", "ready notify\nready-timeout 0.5"));
    EXPECT_EQ(expectLine("failed a "), "was not ready within 0.5 s");
    EXPECT_EQ(expectEnd(), 1);
    EXPECT_EQ(count("ready a"), 0);
}

TEST_F(Starting, AFailedStartStopsTheRunAndShowsWhy) {
    start(service("ok", "at-term DIR/down ok notify wait", "ready notify") +
              service("bad", "say something say \"wrong${ESC}[2J\" exit 5",
                      "dep ok\nready notify\nlog " + file("bad.log")) +
              service("never", "wait", "dep bad"),
          {"--set", "ESC=\x1b"});
    EXPECT_EQ(expectLine("failed bad "), "exited with status 5 before it was ready");
    EXPECT_EQ(expectEnd(), 1);
    EXPECT_THAT(output(), HasSubstr("bad: exited with status 5 before it was ready"));
    EXPECT_THAT(output(), HasSubstr("bad: | something"));
    EXPECT_THAT(output(), HasSubstr("bad: | wrong?[2J")) << "a log does not drive the terminal";
    EXPECT_THAT(words("down"), ElementsAre("ok")) << "what had been started is stopped";
    EXPECT_EQ(count("started never"), 0);
    EXPECT_EQ(count("started bad"), 1);
}

TEST_F(Starting, AMissingProgramIsAFailedStart) {
    start("service a\nexec /nonexistent/program\n");
    EXPECT_EQ(expectLine("failed a "), "cannot start /nonexistent/program: No such file or directory");
    EXPECT_EQ(expectEnd(), 1);
}

TEST_F(Starting, AFailedScriptIsAFailedStart) {
    start(service("a", "exit 3", "ready exit"));
    EXPECT_EQ(expectLine("failed a "), "exited with status 3");
    EXPECT_EQ(expectEnd(), 1);
}

TEST_F(Starting, EndsWithSuccessWhenAllScriptsHaveRun) {
    start(service("a", "exit 0", "ready exit") + service("b", "exit 0", "dep a\nready exit"));
    expectLine("all-ready ");
    EXPECT_EQ(expectEnd(), 0);
}

TEST_F(Starting, AnOptionalServiceThatCannotStartHoldsNobodyUp) {
    start(service("a", "exit 3", "ready notify\noptional\nrestart never") +
          service("b", "notify wait", "dep a\nready notify"));
    expectLine("died a exited with status 3 before it was ready");
    expectLine("ready b ");
    expectLine("all-ready ");
    EXPECT_EQ(stop(), 0);
    EXPECT_THAT(output(), HasSubstr("1 of 2 services are up"));
}

TEST_F(Starting, AServiceThatIgnoresTheStopSignalIsKilled) {
    start(service("a", "ignore-term notify wait", "ready notify\nstop-timeout 0.2"));
    const pid_t pid = expectStarted("a");
    expectLine("ready a ");
    EXPECT_EQ(stop(), 0);
    EXPECT_FALSE(alive(pid));
    EXPECT_THAT(output(), HasSubstr("a: still there 200 ms after it was told to stop; killing it"));
}

TEST_F(Starting, TheStopSignalIsTheOneAskedFor) {
    start(service("a", "at-term DIR/down a ignore-term notify wait", "ready notify\nstop-signal INT\n"));
    expectLine("ready a ");
    EXPECT_EQ(stop(), 0);
    EXPECT_THAT(output(), Not(HasSubstr("killing")));
}

TEST_F(Starting, IsStoppedInTheMiddleOfAStart) {
    makeFifo("never");
    start(service("a", "at-term DIR/down a wait-for DIR/never notify", "ready notify") +
          service("b", "wait", "dep a"));
    expectLine("started a ");
    EXPECT_EQ(stop(), 0);
    EXPECT_EQ(count("started b"), 0);
    EXPECT_EQ(count("failed"), 0);
}

TEST_F(Starting, OutputGoesToTheLogWhichIsTurnedOver) {
    writeFileAtomically(file("a.log"), std::string(2000, 'x') + "\n");
    start(service("a", "say hello notify wait", "ready notify\nlog-limit 1000\nlog " + file("a.log")) +
          service("b", "say there notify wait", "ready notify\nlog " + file("logs/b.log")));
    expectLine("all-ready ");
    EXPECT_EQ(content("a.log"), "hello\n");
    EXPECT_EQ(content("a.log.1").size(), 2001U);
    EXPECT_EQ(content("logs/b.log"), "there\n");
    EXPECT_EQ(stop(), 0);
}

TEST_F(Starting, VariablesComeFromTheCommandLine) {
    start("service a\nexec ${PROGRAM} write ${WHERE}/out \"${TEXT}\" exit 0\nready exit\n",
          {"--set", ("PROGRAM=" BOOTAGE_TEST_SERVICE), "--set", "WHERE=" + directory_.string(), "--set",
           "TEXT=a  b=c"});
    EXPECT_EQ(expectEnd(), 0);
    EXPECT_EQ(content("out"), "a  b=c\n");
}

TEST_F(Starting, GoesOnWhenTheReaderOfTheStatusGoes) {
    makeFifo("go");
    start(service("a", "wait-for DIR/go notify wait", "ready notify") +
          service("b", "write DIR/b-is 1 notify wait", "dep a\nready notify"));
    expectLine("started a ");
    closeStatus();
    release("go");
    pidIn("b-is");
    EXPECT_EQ(stop(), 0);
    EXPECT_THAT(output(), HasSubstr("cannot write to the status descriptor"));
}

TEST_F(Starting, ConfigurationErrorsEndWithStatus2) {
    start("service a\nfrobnicate\n");
    EXPECT_EQ(expectEnd(), 2);
    EXPECT_EQ(output(), file("b.conf") + ":2: unknown directive \"frobnicate\"\n");
    start("service a\nexec p\ndep b\nservice b\nexec p\ndep a\n");
    EXPECT_EQ(expectEnd(), 2);
    EXPECT_THAT(output(), HasSubstr(":1: services depend on each other in a circle: a -> b -> a\n"));
    start("service a\nexec p\n", {"--set", "novalue"});
    EXPECT_EQ(expectEnd(), 2);
    EXPECT_THAT(output(), HasSubstr("\"novalue\" is not NAME=VALUE"));
}

TEST_F(Starting, CheckPrintsTheOrderAndStartsNothing) {
    start(service("b", "write DIR/up b", "dep a") + service("a", "write DIR/up a"), {"--check"});
    EXPECT_EQ(expectEnd(), 0);
    EXPECT_EQ(output(), "a\nb\n");
    EXPECT_TRUE(words("up").empty());
}

} // namespace
} // namespace xb::bootage
