// SPDX-License-Identifier: Apache-2.0
// The program as a function: which sub-command is meant, the hypervisor it works on, and what its failures
// come to.
#pragma once

#include "toolstack/xenops/arguments.hpp"

#include <string_view>

namespace xb::xenops {

/// `program` is the name by which it was called, `words` those after it. Returns the exit status.
int runXenops(std::string_view program, const Words& words);

} // namespace xb::xenops
