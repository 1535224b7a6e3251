// SPDX-License-Identifier: Apache-2.0
// Coroutines of the platform: Task<T>, how to start one that nobody waits for, and the few primitives that
// daemons need between coroutines of one thread: an event to wait for, a mutex that is held across awaits,
// and a trip to a worker thread for what blocks (fsync, checksums, libxl).
//
// Rules (GCC 12): name a value before it goes into a co_await expression instead of brace-initialising it
// there, take coroutine parameters by value, and never make a coroutine out of a capturing lambda that dies
// before it does.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <coroutine>
#include <exception>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace xb {

namespace asio = boost::asio;
using Executor = asio::any_io_executor;

/// What a coroutine of the platform returns. It starts when it is awaited or spawned.
template <class T = void>
using Task = asio::awaitable<T>;

/// Starts a coroutine that nobody awaits. A failure is logged as an error under `what`: it never vanishes.
void spawn(const Executor& executor, std::string what, Task<> task);

/// A one-thread event: coroutines wait until it is set. Setting wakes all of them, in order, on the loop.
class Event {
public:
    explicit Event(Executor executor);
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event();

    bool isSet() const { return set_; }
    void set();
    void clear() { set_ = false; }
    /// Returns at once when set, otherwise when it gets set.
    Task<> wait();
    /// As wait(), at most `limit`; false when the time ran out first.
    Task<bool> waitFor(std::chrono::milliseconds limit);

private:
    class Waiter;
    Executor executor_;
    bool set_ = false;
    std::list<std::shared_ptr<Waiter>> waiters_;
};

/// A mutex between coroutines of one thread, first come first served; held across awaits ("one per VM").
class AsyncMutex {
public:
    class Lock {
    public:
        Lock() = default;
        explicit Lock(AsyncMutex& mutex) : mutex_(&mutex) {}
        Lock(Lock&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
        Lock& operator=(Lock&& other) noexcept {
            if (this != &other) {
                release();
                mutex_ = std::exchange(other.mutex_, nullptr);
            }
            return *this;
        }
        ~Lock() { release(); }
        void release();

    private:
        AsyncMutex* mutex_ = nullptr;
    };

    explicit AsyncMutex(Executor executor) : executor_(std::move(executor)) {}
    /// Waits until the mutex is free; the result holds it until it goes out of scope.
    Task<Lock> lock();
    bool locked() const { return locked_; }

private:
    Executor executor_;
    bool locked_ = false;
    std::list<std::shared_ptr<Event>> waiters_;
};

/// Threads for what must not run on the loop. Work is posted as a function; its result or exception comes
/// back to the coroutine, which goes on on the loop.
class Workers {
public:
    explicit Workers(std::size_t threads = 1) : pool_(threads) {}

    template <class Function>
    auto run(Function function) -> Task<decltype(function())> {
        using Result = decltype(function());
        auto work = [](Function f) -> Task<Result> { co_return f(); };
        co_return co_await asio::co_spawn(pool_, work(std::move(function)), asio::use_awaitable);
    }

    void join() { pool_.join(); }

private:
    asio::thread_pool pool_;
};

/// Pauses the coroutine. For time-outs and back-off only: waiting for something to happen is an Event's job.
Task<> delay(std::chrono::milliseconds time);

} // namespace xb
