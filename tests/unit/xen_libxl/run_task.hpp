// SPDX-License-Identifier: Apache-2.0
// Runs coroutines of a test on a loop, with a deadline.
#pragma once

#include "toolstack/libs/loop.hpp"

#include <functional>
#include <optional>

namespace xb::xen {

/// Longest that a test waits for anything.
inline constexpr std::chrono::seconds testLimit{20};

/// Runs the loop until `task` ends, and rethrows its failure. Fails the test at the deadline.
void runTask(Loop& loop, Task<> task);

} // namespace xb::xen
