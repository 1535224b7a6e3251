// SPDX-License-Identifier: Apache-2.0
// What others cost a client of rpc-proxy: its slowest calls while somebody does not read, does not finish his
// handshake, or connects a thousand times a second, or while rude browsers are there, beside its slowest
// calls without them, in turns.
#pragma once

#include "figures.hpp"
#include "proxy_world.hpp"

namespace xb::bench {

void measureFloods(ProxyWorld& world, Report& report, Effort effort);

} // namespace xb::bench
