// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/restart_pace.hpp"

#include <algorithm>

namespace xb::xenvm {

RestartPace::RestartPace(Milliseconds least, Milliseconds most)
    : least_(least), most_(std::max(least, most)) {}

RestartPace::Milliseconds RestartPace::next(Clock::time_point now) {
    if (lastStart_ == Clock::time_point() || now - lastStart_ >= most_) {
        row_ = 0;
        return Milliseconds(0);
    }
    ++row_;
    Milliseconds spacing = least_;
    for (unsigned i = 1; i < row_ && spacing < most_; ++i)
        spacing = spacing > most_ / 2 ? most_ : spacing * 2;
    return std::max(Milliseconds(0), std::chrono::ceil<Milliseconds>(lastStart_ + spacing - now));
}

} // namespace xb::xenvm
