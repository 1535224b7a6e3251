// SPDX-License-Identifier: Apache-2.0
// What the kernel says of a process: memory, processor time, context switches. All throw xb::Error when the
// process is gone.
#pragma once

#include <cstdint>

#include <sys/types.h>

namespace xb::test {

/// KiB, of /proc/PID/smaps_rollup.
struct Memory {
    double resident = 0;
    double proportional = 0;
    double privateDirty = 0; ///< pages of files that were written and are not on the disk yet count too
    double anonymous = 0;    ///< pages that are of no file, or not any more
};
Memory memoryOf(pid_t pid);

/// Processor time of all its threads in microseconds.
double processorTimeOf(pid_t pid);

/// How often its threads were put on a processor: each time something woke one, or it lost it to another.
struct Switches {
    std::int64_t voluntary = 0;
    std::int64_t involuntary = 0;
};
Switches switchesOf(pid_t pid);

} // namespace xb::test
