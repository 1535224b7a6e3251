// SPDX-License-Identifier: Apache-2.0
// A deadline on the loop that costs nothing while nobody waits for it: a timerfd of its own, disarmed by
// cancel(). Asio's timers share one timerfd that Asio leaves armed after the last timer was cancelled, and
// sets to five minutes after every expiry: an idle daemon would be woken for nothing.
#pragma once

#include "toolstack/libs/task.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace xb {

class Timer {
public:
    using Clock = std::chrono::steady_clock;

    /// Throws xb::Error when there are no descriptors left.
    explicit Timer(const Executor& executor);
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    /// Nothing is called any more.
    ~Timer() = default;

    /// Calls `handler` once on the loop after `time` (at once, from the loop, when it is not positive).
    /// Replaces what was set before. The handler may set the timer again and may destroy it.
    void callAfter(Clock::duration time, std::function<void()> handler);
    /// Forgets the handler.
    void cancel();
    bool armed() const { return handler_ != nullptr; }
    /// When it goes off; of use while it is armed.
    Clock::time_point deadline() const { return deadline_; }

private:
    void watch();
    void fire();

    asio::posix::stream_descriptor descriptor_;
    std::function<void()> handler_;
    Clock::time_point deadline_{};
    bool watching_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace xb
