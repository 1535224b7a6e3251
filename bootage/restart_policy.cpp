// SPDX-License-Identifier: Apache-2.0
#include "bootage/restart_policy.hpp"

#include <algorithm>

namespace xb::bootage {

std::optional<Milliseconds> RestartPolicy::next(Time now) {
    while (!granted_.empty() && now - granted_.front() >= limit_.time)
        granted_.pop_front();
    if (granted_.size() >= limit_.count)
        return std::nullopt;
    Milliseconds pause{0};
    if (!granted_.empty()) {
        pause = firstBackOff;
        for (std::size_t i = 1; i < granted_.size() && pause < longestBackOff; ++i)
            pause *= 2;
    }
    granted_.push_back(now);
    return std::min(pause, longestBackOff);
}

} // namespace xb::bootage
