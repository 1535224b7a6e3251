// SPDX-License-Identifier: Apache-2.0
// One emulated ring on the loop (emulated_rings.hpp). Owns its sockets.
#pragma once

#include "xen/vchan/ring.hpp"

#include <boost/asio/local/stream_protocol.hpp>

namespace xb::xen::vchan {

using HubSocket = asio::local::stream_protocol::socket;

/// One that was offered on this connection to the emulator.
RingPtr makeOfferedRing(const Executor& executor, HubSocket control, DomId peer);
/// One that was opened.
RingPtr makeOpenedRing(const Executor& executor, HubSocket data, DomId peer);

} // namespace xb::xen::vchan
