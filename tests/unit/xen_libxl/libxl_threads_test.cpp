// SPDX-License-Identifier: Apache-2.0
// Operations run side by side, each with a context of its own, and come back to the loop. None of these
// touches Xen: a context connects only when it is used.
#include "tests/unit/xen_libxl/run_task.hpp"
#include "xen/libxl/libxl_threads.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <gtest/gtest.h>

#include <future>
#include <set>

namespace xb::xen {
namespace {

class LibxlThreadsTest : public testing::Test {
public:
    Loop loop;
    LibxlThreads threads{loop.executor()};
};

TEST_F(LibxlThreadsTest, ResultAndFailureComeBackOnTheLoop) {
    auto body = [](LibxlThreadsTest& t) -> Task<> {
        const auto here = std::this_thread::get_id();
        auto where = [](LibxlContext&) { return std::this_thread::get_id(); };
        const auto there = co_await t.threads.run(where);
        EXPECT_NE(there, here);
        EXPECT_EQ(std::this_thread::get_id(), here);
        auto fails = [](LibxlContext&) { throw Error("it broke"); };
        std::string text;
        try {
            co_await t.threads.run(fails);
        } catch (const Error& e) {
            text = e.what();
        }
        EXPECT_EQ(text, "it broke");
        EXPECT_EQ(std::this_thread::get_id(), here);
    };
    runTask(loop, body(*this));
}

TEST_F(LibxlThreadsTest, ALongOperationHoldsNobodyUp) {
    auto body = [](LibxlThreadsTest& t) -> Task<> {
        using namespace asio::experimental::awaitable_operators;
        std::promise<void> release;
        auto released = release.get_future().share();
        LibxlContext* longContext = nullptr;
        auto lasting = [&](LibxlContext& context) {
            longContext = &context;
            return released.wait_for(testLimit / 2) == std::future_status::ready;
        };
        auto quick = [](LibxlContext& context) { return &context; };
        auto others = [](LibxlThreads& all, decltype(quick) function,
                         std::promise<void>& promise) -> Task<LibxlContext*> {
            LibxlContext* used = nullptr;
            for (int i = 0; i < 10; ++i)
                used = co_await all.run(function);
            promise.set_value();
            co_return used;
        };
        auto both = t.threads.run(lasting) && others(t.threads, quick, release);
        const auto [wasReleased, used] = co_await std::move(both);
        EXPECT_TRUE(wasReleased);
        EXPECT_NE(used, longContext);
    };
    runTask(loop, body(*this));
}

TEST_F(LibxlThreadsTest, AboveTheLimitTheyTakeTurns) {
    auto body = [](LibxlThreadsTest& t) -> Task<> {
        LibxlThreads two(t.loop.executor(), 2);
        std::atomic<int> running = 0;
        std::atomic<int> most = 0;
        std::atomic<int> done = 0;
        Event allDone(t.loop.executor());
        constexpr int count = 50;
        auto count1 = [&](LibxlContext&) {
            const int now = ++running;
            int seen = most;
            while (now > seen && !most.compare_exchange_weak(seen, now)) {
            }
            std::this_thread::yield();
            --running;
        };
        auto one = [](LibxlThreads& all, decltype(count1) function, std::atomic<int>& ended,
                      Event& finished) -> Task<> {
            co_await all.run(function);
            if (++ended == count)
                finished.set();
        };
        for (int i = 0; i < count; ++i)
            spawn(t.loop.executor(), "test", one(two, count1, done, allDone));
        const bool ended = co_await allDone.waitFor(testLimit / 2);
        EXPECT_TRUE(ended);
        EXPECT_LE(most, 2);
    };
    runTask(loop, body(*this));
}

TEST_F(LibxlThreadsTest, NothingStartsOnceStopped) {
    auto body = [](LibxlThreadsTest& t) -> Task<> {
        t.threads.stop();
        auto nothing = [](LibxlContext&) {};
        EXPECT_THROW(co_await t.threads.run(nothing), Error);
    };
    runTask(loop, body(*this));
}

} // namespace
} // namespace xb::xen
