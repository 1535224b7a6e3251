// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/task.hpp"

#include "toolstack/libs/log.hpp"

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

void Event::set() {
    set_ = true;
    auto waiters = std::exchange(waiters_, {});
    for (auto& waiter : waiters)
        waiter->cancel();
}

Task<> Event::wait() {
    if (set_)
        co_return;
    auto timer = std::make_shared<asio::steady_timer>(executor_, asio::steady_timer::time_point::max());
    waiters_.push_back(timer);
    boost::system::error_code cancelled;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

Task<bool> Event::waitFor(std::chrono::milliseconds limit) {
    if (set_)
        co_return true;
    auto timer = std::make_shared<asio::steady_timer>(executor_, limit);
    waiters_.push_back(timer);
    boost::system::error_code result;
    co_await timer->async_wait(asio::redirect_error(asio::use_awaitable, result));
    if (result == asio::error::operation_aborted)
        co_return true;
    waiters_.remove(timer);
    co_return set_;
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
    asio::steady_timer timer(co_await asio::this_coro::executor, time);
    co_await timer.async_wait(asio::use_awaitable);
}

} // namespace xb
