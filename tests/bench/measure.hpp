// SPDX-License-Identifier: Apache-2.0
// The groups of measurements. Each adds its rows to the report and throws when something did not work.
#pragma once

#include "figures.hpp"
#include "platform.hpp"

#include <filesystem>

namespace xb::bench {

inline constexpr unsigned manyVms = 200;

struct Measuring {
    Platform& platform;
    Report& report;
    Effort effort;

    unsigned times(unsigned count) const { return effort.times(count); }
};

/// Start of dbd and xenmgr on an empty database and on `many`; leaves them running on the latter.
void measureStart(const Measuring& m, const std::filesystem::path& many);
/// Single calls and calls in flight: echo, xenmgr, dbd; and xec-vm.
void measureCalls(const Measuring& m);
/// VMs that start on the emulated hypervisor, memory, and what wakes an idle platform. Leaves no VM running.
void measureLife(const Measuring& m);

} // namespace xb::bench
