// SPDX-License-Identifier: Apache-2.0
// The name of the proxy's own connection to the bus, over which it asks xenmgr and dbd about VMs. Services
// refuse connections of the proxy's user that stand for nobody (toolstack/libs/guest_callers.hpp); this one
// stands for dom0, and says so with a name that is like those of guests' connections: the same bus policy
// keeps others from it, and guests neither get nor see it.
#pragma once

#include "toolstack/libs/bus.hpp"

#include <string>

#include <sys/types.h>

namespace xb::proxy {

/// com.citrix.xenclient.guest.domid_0.c<pid>_0; clients are numbered from 1.
std::string ownConnectionName(pid_t pid);

/// Before anything is asked over it. Speaks with the bus synchronously. Throws xb::Error if the bus refuses
/// the name.
void takeOwnName(Bus& bus);

} // namespace xb::proxy
