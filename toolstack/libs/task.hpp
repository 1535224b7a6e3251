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
#include <type_traits>
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
/// back to the coroutine, which goes on on the loop. A loop that ends waits for what its coroutines have
/// under way here (they may hold what the work needs, and it comes back to the loop), so `this` may outlive
/// it.
class Workers {
public:
    explicit Workers(std::size_t threads = 1) : pool_(threads) {}

    template <class Function>
    auto run(Function function) -> Task<decltype(function())> {
        using Result = decltype(function());
        // Shared: std::function copies, and what it calls need not be copyable.
        auto job = std::make_shared<Job<Function, Result>>(std::move(function));
        std::function<void()> work = [job] { job->call(); };
        co_await there(std::move(work));
        if (job->failure)
            std::rethrow_exception(job->failure);
        if constexpr (!std::is_void_v<Result>)
            co_return std::move(*job->result);
    }
    /// Work that nobody waits for; it must not throw.
    void post(std::function<void()> work) { asio::post(pool_, std::move(work)); }

    /// Waits for all work; none may follow.
    void join() { pool_.join(); }

private:
    struct Nothing {};
    template <class Function, class Result>
    struct Job {
        explicit Job(Function&& work) : function(std::move(work)) {}
        void call() {
            try {
                if constexpr (std::is_void_v<Result>)
                    function();
                else
                    result.emplace(function());
            } catch (...) {
                failure = std::current_exception();
            }
        }

        Function function;
        std::optional<std::conditional_t<std::is_void_v<Result>, Nothing, Result>> result;
        std::exception_ptr failure;
    };

    /// Runs `work`, which does not throw, on a thread.
    Task<> there(std::function<void()> work);

    asio::thread_pool pool_;
};

/// Pauses the coroutine. For time-outs and back-off only: waiting for something to happen is an Event's job.
Task<> delay(std::chrono::milliseconds time);

} // namespace xb
