// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/loop.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <thread>

using namespace std::chrono_literals;

namespace xb {
namespace {

Task<> waitAndNote(Event& event, std::vector<int>& notes, int number) {
    co_await event.wait();
    notes.push_back(number);
}

TEST(Event, WakesAllWaitersInOrderAndLaterOnesAtOnce) {
    Loop loop;
    Event event(loop.executor());
    std::vector<int> notes;
    for (int i = 1; i <= 3; ++i)
        loop.spawn("waiter", waitAndNote(event, notes, i));
    asio::post(loop.context(), [&] { event.set(); });
    loop.context().run();
    EXPECT_EQ(notes, (std::vector<int>{1, 2, 3}));
    loop.context().restart();
    loop.spawn("late waiter", waitAndNote(event, notes, 4));
    loop.context().run();
    EXPECT_EQ(notes.back(), 4);
}

Task<> waitFor(Event& event, std::chrono::milliseconds limit, bool& result) {
    result = co_await event.waitFor(limit);
}

TEST(Event, WaitForTellsTimeoutFromEvent) {
    Loop loop;
    Event never(loop.executor());
    Event soon(loop.executor());
    bool neverCame = true;
    bool soonCame = false;
    loop.spawn("never", waitFor(never, 20ms, neverCame));
    loop.spawn("soon", waitFor(soon, 10s, soonCame));
    asio::post(loop.context(), [&] { soon.set(); });
    loop.context().run();
    EXPECT_FALSE(neverCame);
    EXPECT_TRUE(soonCame);
}

Task<> lockTwice(AsyncMutex& mutex, std::string& log, char name) {
    auto lock = co_await mutex.lock();
    log += name;
    co_await delay(1ms);
    log += name;
}

TEST(AsyncMutex, IsHeldAcrossAwaitsAndGivenInOrder) {
    Loop loop;
    AsyncMutex mutex(loop.executor());
    std::string log;
    for (char name : {'a', 'b', 'c'})
        loop.spawn("locker", lockTwice(mutex, log, name));
    loop.context().run();
    EXPECT_EQ(log, "aabbcc");
    EXPECT_FALSE(mutex.locked());
}

Task<> compute(Workers& workers, std::thread::id& there, std::thread::id& back, int& result,
               std::string& failure) {
    result = co_await workers.run([&there] {
        there = std::this_thread::get_id();
        return 42;
    });
    back = std::this_thread::get_id();
    try {
        co_await workers.run([] { throw std::runtime_error("no disk"); });
    } catch (const std::exception& e) {
        failure = e.what();
    }
}

TEST(Workers, RunElsewhereAndComeBackWithResultOrException) {
    Loop loop;
    Workers workers;
    std::thread::id there;
    std::thread::id back;
    int result = 0;
    std::string failure;
    loop.spawn("compute", compute(workers, there, back, result, failure));
    loop.context().run();
    EXPECT_EQ(result, 42);
    EXPECT_EQ(failure, "no disk");
    EXPECT_NE(there, std::this_thread::get_id());
    EXPECT_EQ(back, std::this_thread::get_id());
}

// Its end lets the slow work go on.
class LoopEnds final : public asio::execution_context::service {
public:
    static asio::execution_context::id id; // NOLINT(readability-identifier-naming): asio's name
    explicit LoopEnds(asio::execution_context& context) : asio::execution_context::service(context) {}
    std::function<void()> tell;

private:
    void shutdown() override { tell(); }
};
asio::execution_context::id LoopEnds::id;

struct SlowWork {
    std::promise<void> begun;
    std::promise<void> mayEnd;
    std::promise<void> loopEnded;
    std::atomic<bool> loopWaited = false;
};

Task<> slow(Workers& workers, SlowWork& work, std::shared_ptr<int> held) {
    co_await workers.run([&work] {
        work.begun.set_value();
        work.mayEnd.get_future().wait();
        work.loopWaited = work.loopEnded.get_future().wait_for(50ms) == std::future_status::timeout;
    });
    ++*held;
}

TEST(Workers, ALoopThatEndsWaitsForWhatItsCoroutinesHaveUnderWay) {
    Workers workers; // outlives the loop
    SlowWork work;
    auto held = std::make_shared<int>(0);
    const std::weak_ptr<int> seen = held;
    {
        Loop loop;
        loop.spawn("slow", slow(workers, work, std::move(held)));
        loop.context().poll();
        work.begun.get_future().wait();
        // Services end in the reverse order of their making: this one before any that a trip has made.
        asio::use_service<LoopEnds>(loop.context()).tell = [&work] { work.mayEnd.set_value(); };
    }
    work.loopEnded.set_value();
    EXPECT_TRUE(work.loopWaited);
    EXPECT_TRUE(seen.expired()) << "the coroutine is still there, and its loop is not";
}

} // namespace
} // namespace xb
