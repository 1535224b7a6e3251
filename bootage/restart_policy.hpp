// SPDX-License-Identifier: Apache-2.0
// When a service that died is started again. Knows no clock and no process: the caller says what time it is.
#pragma once

#include "bootage/config.hpp"

#include <chrono>
#include <deque>
#include <optional>

namespace xb::bootage {

/// The pause before the second restart; it doubles with each further one up to the longest.
inline constexpr Milliseconds firstBackOff{200};
inline constexpr Milliseconds longestBackOff{10'000};

/// The restarts of one service. The first one in a limit's time is at once, later ones wait longer and
/// longer, and once the limit is reached there are none. A service that ran well for that time starts afresh.
class RestartPolicy {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit RestartPolicy(RestartLimit limit) : limit_(limit) {}

    /// Asks for a restart at `now`, which must not go backwards: how long to wait first, or nothing to give
    /// up.
    std::optional<Milliseconds> next(Time now);
    const RestartLimit& limit() const { return limit_; }

private:
    RestartLimit limit_;
    // Restarts granted in the last limit_.time, oldest first; at most limit_.count.
    std::deque<Time> granted_;
};

} // namespace xb::bootage
