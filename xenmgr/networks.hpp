// SPDX-License-Identifier: Apache-2.0
// From a NIC's network (an object path such as /wired/0/bridged, or a bridge's name) to the bridge its
// backend joins. Until there is a network daemon on the bus, the table in the database says it:
// /networks/<path, '_' for '/'>/{bridge,backend-uuid}.
#pragma once

#include "xenmgr/context.hpp"

#include <string>

namespace xb::xenmgr {

/// The node of a network in that table.
std::string networkNode(const std::string& network);

/// The bridge for `network`. Throws xb::Error naming the network and where to enter it.
std::string bridgeOf(const Db& db, const std::string& network);

/// The machine's first bridge by name (from /sys/class/net); empty when there is none.
std::string firstBridge();

} // namespace xb::xenmgr
