// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/own_name.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/guest_callers.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace xb::proxy {

std::string ownConnectionName(pid_t pid) {
    return fmt::format("com.citrix.xenclient.guest.domid_0.c{}_0", pid);
}

void takeOwnName(Bus& bus) {
    const std::string name = ownConnectionName(::getpid());
    try {
        bus.requestName(name);
    } catch (const Error& e) {
        if (e.name() != errors::accessDenied)
            throw;
        throw Error(e.name(), fmt::format("the bus refuses the name {}: install the bus policy that comes "
                                          "with this daemon, and run it as the user {}",
                                          name, defaultProxyUser));
    }
}

} // namespace xb::proxy
