// SPDX-License-Identifier: Apache-2.0
// One line on a terminal that shows what is being waited for. Nothing at all is written when stderr is no
// terminal (or a dumb one); NO_COLOR switches colours off.
#pragma once

#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/timer.hpp"

#include <chrono>
#include <string>

namespace xb::xec {

class Progress {
public:
    /// `what` is shown before the state: "web: start".
    Progress(Loop& loop, std::string what);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    /// Removes the line.
    ~Progress();

    void show(std::string state);

private:
    void draw();
    void tick();

    Timer timer_;
    std::string what_;
    std::string state_;
    std::chrono::steady_clock::time_point start_;
    std::size_t frame_ = 0;
    bool enabled_;
    bool colours_;
};

} // namespace xb::xec
