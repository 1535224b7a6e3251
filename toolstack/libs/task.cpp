// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/task.hpp"

#include "toolstack/libs/log.hpp"
#include "toolstack/libs/timer.hpp"

#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/redirect_error.hpp>

namespace xb {

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
