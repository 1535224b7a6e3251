// SPDX-License-Identifier: Apache-2.0
#include "tests/support/armed_timers.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/timer.hpp"

#include <gtest/gtest.h>

using namespace std::chrono_literals;

namespace xb {
namespace {

TEST(Timer, CallsOnceAfterItsTime) {
    Loop loop;
    Timer timer(loop.executor());
    int calls = 0;
    const auto start = Timer::Clock::now();
    timer.callAfter(20ms, [&] { ++calls; });
    EXPECT_TRUE(timer.armed());
    loop.context().run();
    EXPECT_EQ(calls, 1);
    EXPECT_GE(Timer::Clock::now() - start, 20ms);
    EXPECT_FALSE(timer.armed());
    EXPECT_EQ(test::armedTimers(), 0U);
}

TEST(Timer, TimeThatIsOverCallsFromTheLoop) {
    Loop loop;
    Timer timer(loop.executor());
    bool called = false;
    timer.callAfter(-5s, [&] { called = true; });
    EXPECT_FALSE(called);
    loop.context().run();
    EXPECT_TRUE(called);
}

TEST(Timer, CancelledOneIsSilentAndDisarmed) {
    Loop loop;
    Timer timer(loop.executor());
    Timer other(loop.executor());
    bool called = false;
    timer.callAfter(1ms, [&] { called = true; });
    timer.cancel();
    EXPECT_EQ(test::armedTimers(), 0U);
    other.callAfter(30ms, [&] { loop.stop(); });
    loop.run();
    EXPECT_FALSE(called);
}

TEST(Timer, LastSettingCountsAlsoAfterTheFirstExpired) {
    Loop loop;
    Timer timer(loop.executor());
    std::string calls;
    timer.callAfter(1ns, [&] { calls += 'a'; });
    while (Timer::Clock::now() < timer.deadline() + 1ms) { // readable, not handled yet
    }
    timer.callAfter(20ms, [&] { calls += 'b'; });
    loop.context().run();
    EXPECT_EQ(calls, "b");
}

TEST(Timer, HandlerMaySetAgainAndMayDestroy) {
    Loop loop;
    auto timer = std::make_unique<Timer>(loop.executor());
    int calls = 0;
    timer->callAfter(1ms, [&] {
        ++calls;
        timer->callAfter(1ms, [&] {
            ++calls;
            timer.reset();
        });
    });
    loop.context().run();
    EXPECT_EQ(calls, 2);
}

TEST(Timer, DestroyedWhileArmedIsSilent) {
    Loop loop;
    auto timer = std::make_unique<Timer>(loop.executor());
    timer->callAfter(1ms, [] { FAIL(); });
    timer.reset();
    loop.context().run();
}

TEST(Event, WaitingArmsNothingAndATimeoutDisarmsAfterwards) {
    Loop loop;
    Event event(loop.executor());
    auto wait = [](Event& e) -> Task<> { co_await e.wait(); };
    auto waitFor = [](Event& e) -> Task<> { static_cast<void>(co_await e.waitFor(10s)); };
    loop.spawn("wait", wait(event));
    loop.context().run_for(10ms);
    EXPECT_EQ(test::armedTimers(), 0U);
    loop.spawn("waitFor", waitFor(event));
    loop.context().restart();
    loop.context().run_for(10ms);
    EXPECT_EQ(test::armedTimers(), 1U);
    event.set();
    loop.context().restart();
    loop.context().run();
    EXPECT_EQ(test::armedTimers(), 0U);
}

} // namespace
} // namespace xb
