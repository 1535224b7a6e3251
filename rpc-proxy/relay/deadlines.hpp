// SPDX-License-Identifier: Apache-2.0
// One time-out for many connections, on one timer: all have the same time, so that whoever began first ends
// first. Nothing is set while nobody has a deadline.
#pragma once

#include "toolstack/libs/timer.hpp"

#include <chrono>
#include <functional>
#include <list>

namespace xb::proxy {

class Deadlines {
public:
    Deadlines(const Executor& executor, std::chrono::milliseconds time) : timer_(executor), time_(time) {}

    /// A deadline; without one after it was called, or from the beginning.
    class Deadline {
    public:
        Deadline() = default;
        Deadline(const Deadline&) = delete;
        Deadline& operator=(const Deadline&) = delete;
        ~Deadline() { cancel(); }
        void cancel();

    private:
        friend class Deadlines;
        struct Entry {
            Timer::Clock::time_point at;
            std::function<void()> expired;
            Deadline* owner;
        };
        Deadlines* all_ = nullptr;
        std::list<Entry>::iterator entry_;
    };

    /// Calls `expired` once when the time is over; `deadline` must not outlive this object.
    void begin(Deadline& deadline, std::function<void()> expired);
    std::chrono::milliseconds time() const { return time_; }

private:
    void arm();
    void fire();

    Timer timer_;
    std::chrono::milliseconds time_;
    std::list<Deadline::Entry> entries_;
};

} // namespace xb::proxy
