// SPDX-License-Identifier: Apache-2.0
// A second process for --die-with-supervisor. The guard starts the supervisor as its child and does nothing
// but wait. A supervisor that is killed leaves its services to the guard, which ends them; a guard that is
// killed takes the supervisor along, which stops in order. Only a machine that kills both at once can leave
// something running.
#pragma once

#include <optional>

namespace xb::bootage {

/// Splits the process. The child, which is to be the supervisor, gets nothing and goes on; the parent returns
/// once all is over, with the exit status for the program. Call before any thread is started. Throws
/// xb::Error.
std::optional<int> splitOffGuard();

} // namespace xb::bootage
