// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/relay/deadlines.hpp"

#include <utility>

namespace xb::proxy {

void Deadlines::Deadline::cancel() {
    if (Deadlines* const all = std::exchange(all_, nullptr)) {
        all->entries_.erase(entry_);
        if (all->entries_.empty())
            all->timer_.cancel();
    }
}

void Deadlines::begin(Deadline& deadline, std::function<void()> expired) {
    deadline.cancel();
    entries_.push_back({Timer::Clock::now() + time_, std::move(expired), &deadline});
    deadline.all_ = this;
    deadline.entry_ = std::prev(entries_.end());
    if (!timer_.armed())
        arm();
}

void Deadlines::arm() {
    timer_.callAfter(entries_.front().at - Timer::Clock::now(), [this] { fire(); });
}

void Deadlines::fire() {
    const auto now = Timer::Clock::now();
    while (!entries_.empty() && entries_.front().at <= now) {
        entries_.front().owner->all_ = nullptr;
        const auto expired = std::move(entries_.front().expired);
        entries_.pop_front();
        expired();
    }
    if (!entries_.empty())
        arm();
}

} // namespace xb::proxy
