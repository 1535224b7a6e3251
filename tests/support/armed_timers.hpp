// SPDX-License-Identifier: Apache-2.0
// What would wake this process without anything having happened: its timerfds that are set (proc(5), fdinfo).
#pragma once

#include <cstddef>

namespace xb::test {

/// How many timerfds of this process will go off.
std::size_t armedTimers();

} // namespace xb::test
