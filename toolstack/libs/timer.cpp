// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/timer.hpp"

#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/timerfd.h>
#include <unistd.h>

namespace xb {

namespace {

int openTimer() {
    const int fd = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        throw systemError("cannot make a timer", errno);
    return fd;
}

// Zero disarms.
void setTimer(int fd, std::chrono::nanoseconds time) {
    itimerspec value{};
    value.it_value.tv_sec = static_cast<time_t>(time.count() / 1'000'000'000);
    value.it_value.tv_nsec = static_cast<long>(time.count() % 1'000'000'000);
    if (::timerfd_settime(fd, 0, &value, nullptr) != 0)
        throw systemError("cannot set a timer", errno);
}

} // namespace

Timer::Timer(const Executor& executor) : descriptor_(executor, openTimer()) {}

void Timer::callAfter(Clock::duration time, std::function<void()> handler) {
    time = std::max(time, Clock::duration(1));
    setTimer(descriptor_.native_handle(), time);
    deadline_ = Clock::now() + time;
    handler_ = std::move(handler);
    watch();
}

void Timer::cancel() {
    if (!handler_)
        return;
    handler_ = nullptr;
    setTimer(descriptor_.native_handle(), std::chrono::nanoseconds(0));
}

// The wait outlives cancel(): a disarmed timer is never readable.
void Timer::watch() {
    if (watching_)
        return;
    watching_ = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
                               if (error || alive.expired())
                                   return;
                               watching_ = false;
                               fire();
                           });
}

void Timer::fire() {
    std::uint64_t expirations = 0;
    const bool expired = ::read(descriptor_.native_handle(), &expirations, sizeof expirations) > 0;
    if (!handler_)
        return;
    if (!expired) { // it was set again after it had become readable
        watch();
        return;
    }
    auto handler = std::exchange(handler_, nullptr);
    handler(); // may destroy this object
}

} // namespace xb
