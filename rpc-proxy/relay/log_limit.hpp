// SPDX-License-Identifier: Apache-2.0
// How many lines one peer may cause in the log: some at once, then so many a second. What is left out is
// counted and told with the next line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace xb::proxy {

class LogLimit {
public:
    using Clock = std::chrono::steady_clock;

    explicit LogLimit(unsigned burst = 20, unsigned perSecond = 2)
        : burst_(burst), perSecond_(perSecond), left_(burst) {}

    /// Whether a line may be written now; if so, how many were left out before it.
    std::optional<std::uint64_t> take(Clock::time_point now = Clock::now());

private:
    unsigned burst_;
    unsigned perSecond_;
    unsigned left_;
    std::uint64_t leftOut_ = 0;
    Clock::time_point filled_{};
};

} // namespace xb::proxy
