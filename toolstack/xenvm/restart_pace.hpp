// SPDX-License-Identifier: Apache-2.0
// How soon a VM that ended may be started by itself again: at once when it ran for long, and ever later while
// it ends soon after each start. A pure function of the times it is told.
#pragma once

#include <chrono>

namespace xb::xenvm {

class RestartPace {
public:
    using Clock = std::chrono::steady_clock;
    using Milliseconds = std::chrono::milliseconds;

    /// `least` between two starts, doubled at each of a row of restarts up to `most` (at least `least`). A
    /// run of `most` or longer ends the row.
    RestartPace(Milliseconds least, Milliseconds most);

    void started(Clock::time_point now) { lastStart_ = now; }
    /// Somebody asked for the start that follows: the row is forgotten.
    void forget() { row_ = 0; }
    /// The next restart is owed: how long it must wait from now.
    Milliseconds next(Clock::time_point now);
    /// Restarts in a row, that of the last next() included; 0 if it ran for long before.
    unsigned row() const { return row_; }

private:
    Milliseconds least_;
    Milliseconds most_;
    Clock::time_point lastStart_; ///< the epoch: not that we know
    unsigned row_ = 0;
};

} // namespace xb::xenvm
