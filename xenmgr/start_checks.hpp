// SPDX-License-Identifier: Apache-2.0
// What is looked at before a VM is started, so that a start that cannot work fails at once and says why.
#pragma once

#include "xenmgr/context.hpp"

#include <string>

namespace xb::xenmgr {

/// Throws the error of the first thing that is wrong.
void checkBeforeStart(const Context& context, const std::string& uuid);

} // namespace xb::xenmgr
