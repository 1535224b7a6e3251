// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/task.hpp"

#include "toolstack/libs/log.hpp"
#include "toolstack/libs/timer.hpp"

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/redirect_error.hpp>

#include <condition_variable>
#include <mutex>

namespace xb {

namespace {

/// What the coroutines of a loop have under way on threads; its end waits for them. Without, a coroutine that
/// waits for a thread is nobody's: it would go on, with all it holds, on a loop that is no more.
class TripsOfLoop final : public asio::execution_context::service {
public:
    static asio::execution_context::id id; // NOLINT(readability-identifier-naming): asio's name

    explicit TripsOfLoop(asio::execution_context& loop) : asio::execution_context::service(loop) {}

    class Trip {
    public:
        explicit Trip(TripsOfLoop& trips) : trips_(&trips) {
            const std::lock_guard lock(trips.mutex_);
            ++trips.underWay_;
        }
        Trip(Trip&& other) noexcept : trips_(std::exchange(other.trips_, nullptr)) {}
        Trip& operator=(Trip&&) = delete;
        ~Trip() {
            if (!trips_)
                return;
            // Notified under the lock: whoever waits may free it right after.
            const std::lock_guard lock(trips_->mutex_);
            --trips_->underWay_;
            trips_->ended_.notify_all();
        }

    private:
        TripsOfLoop* trips_;
    };

private:
    void shutdown() override {
        std::unique_lock lock(mutex_);
        ended_.wait(lock, [this] { return underWay_ == 0; });
    }

    // Threads come back here: one of the few places where the platform needs a lock.
    std::mutex mutex_;
    std::condition_variable ended_;
    std::size_t underWay_ = 0;
};

asio::execution_context::id TripsOfLoop::id;

using LoopWork = decltype(asio::prefer(std::declval<Executor>(), asio::execution::outstanding_work.tracked));

/// What runs on the thread. The members end in reverse order: the loop counts on the trip until nothing here
/// touches it any more.
template <class Handler>
struct Journey {
    TripsOfLoop::Trip trip;
    LoopWork loop;
    std::function<void()> work;
    Handler handler;

    void operator()() {
        work();
        work = nullptr;
        asio::post(loop, std::move(handler));
    }
};

} // namespace

Task<> Workers::there(std::function<void()> work) {
    const Executor executor = co_await asio::this_coro::executor;
    auto& trips = asio::use_service<TripsOfLoop>(asio::query(executor, asio::execution::context));
    auto initiate = [this, &executor, &trips, &work]<class Handler>(Handler&& handler) {
        asio::post(pool_, Journey<std::decay_t<Handler>>{
                              TripsOfLoop::Trip(trips),
                              asio::prefer(executor, asio::execution::outstanding_work.tracked),
                              std::move(work), std::forward<Handler>(handler)});
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(initiate, asio::use_awaitable);
}

void spawn(const Executor& executor, std::string what, Task<> task) {
    auto report = [what = std::move(what)](const std::exception_ptr& failure) {
        if (!failure)
            return;
        try {
            std::rethrow_exception(failure);
        } catch (const std::exception& e) {
            log::error("{}: {}", what, e.what());
        }
    };
    asio::co_spawn(executor, std::move(task), std::move(report));
}

// A coroutine that waits, held by the reactor (a channel that nothing is ever sent through), so that it ends
// with it.
class Event::Waiter {
public:
    explicit Waiter(const Executor& executor) : channel_(executor) {}

    Task<> wait() {
        boost::system::error_code closed;
        co_await channel_.async_receive(asio::redirect_error(asio::use_awaitable, closed));
    }
    void wake() { channel_.close(); }

private:
    asio::experimental::channel<void(boost::system::error_code)> channel_;
};

Event::Event(Executor executor) : executor_(std::move(executor)) {}
Event::~Event() = default;

void Event::set() {
    set_ = true;
    auto waiters = std::exchange(waiters_, {});
    for (auto& waiter : waiters)
        waiter->wake();
}

Task<> Event::wait() {
    if (set_)
        co_return;
    auto waiter = std::make_shared<Waiter>(executor_);
    waiters_.push_back(waiter);
    co_await waiter->wait();
}

Task<bool> Event::waitFor(std::chrono::milliseconds limit) {
    if (set_)
        co_return true;
    auto waiter = std::make_shared<Waiter>(executor_);
    waiters_.push_back(waiter);
    Timer timer(executor_);
    bool late = false;
    auto giveUp = [this, waiter, &late] {
        late = true;
        waiters_.remove(waiter);
        waiter->wake();
    };
    timer.callAfter(limit, giveUp);
    co_await waiter->wait();
    co_return !late || set_;
}

Task<AsyncMutex::Lock> AsyncMutex::lock() {
    if (locked_) {
        auto turn = std::make_shared<Event>(executor_);
        waiters_.push_back(turn);
        co_await turn->wait(); // ownership is handed over: locked_ stays true
    }
    locked_ = true;
    co_return Lock(*this);
}

void AsyncMutex::Lock::release() {
    auto* mutex = std::exchange(mutex_, nullptr);
    if (!mutex)
        return;
    if (mutex->waiters_.empty()) {
        mutex->locked_ = false;
        return;
    }
    auto next = mutex->waiters_.front();
    mutex->waiters_.pop_front();
    next->set();
}

Task<> delay(std::chrono::milliseconds time) {
    Event never(co_await asio::this_coro::executor);
    co_await never.waitFor(time);
}

} // namespace xb
