// SPDX-License-Identifier: Apache-2.0
// org.xenbroker.daemon, the interface that every daemon offers to those who run it: the log level, changeable
// at run time, and the version.
#pragma once

#include "toolstack/libs/bus.hpp"

namespace xb {

/// The object that has the interface, in every daemon's service.
inline constexpr const char* controlPath = "/org/xenbroker/daemon";

/// Puts the interface on the connection. Once per connection, before the daemon owns its name.
void exportControl(Bus& bus);

} // namespace xb
