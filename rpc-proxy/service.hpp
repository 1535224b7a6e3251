// SPDX-License-Identifier: Apache-2.0
// com.citrix.xenclient.rpc_proxy on the bus: the rules in force, what they say, and what came of them. For
// dom0 alone: a guest that could ask would learn what to try, and one that could add would need no rules any
// more.
#pragma once

#include "rpc-proxy/identity.hpp"
#include "rpc-proxy/relay/relay.hpp"
#include "rpc-proxy/relay/vm_properties.hpp"
#include "rpc-proxy/rules_in_force.hpp"
#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/guest_callers.hpp"

namespace xb::proxy {

inline constexpr auto serviceName = "com.citrix.xenclient.rpc_proxy";

class Service {
public:
    /// Everything but the name. `properties` may be null; all must outlive it. Speaks with the bus
    /// synchronously.
    Service(Bus& bus, RulesInForce& rules, Identity& identity, VmProperties* properties, const Relay& relay);

private:
    GuestCallers callers_;
};

} // namespace xb::proxy
