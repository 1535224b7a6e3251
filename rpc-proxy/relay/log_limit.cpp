// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/relay/log_limit.hpp"

#include <algorithm>
#include <utility>

namespace xb::proxy {

std::optional<std::uint64_t> LogLimit::take(Clock::time_point now) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now - filled_).count();
    if (seconds > 0) {
        const std::int64_t more = seconds > burst_ ? burst_ : seconds * perSecond_;
        left_ = static_cast<unsigned>(std::min<std::int64_t>(burst_, left_ + more));
        filled_ = now;
    }
    if (left_ == 0) {
        ++leftOut_;
        return std::nullopt;
    }
    --left_;
    return std::exchange(leftOut_, 0);
}

} // namespace xb::proxy
