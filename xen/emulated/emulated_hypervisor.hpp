// SPDX-License-Identifier: Apache-2.0
// The Hypervisor interface as a client of a xen-emulator process (control_protocol.hpp). One connection
// carries the requests of a daemon, several at a time, and the events of all domains. When the emulator goes,
// every call fails with xb::Error (Disconnected): like Xen, it takes the domains with it.
#pragma once

#include "xen/hypervisor.hpp"

#include <memory>
#include <string>

namespace xb::xen {

/// `directory`: the emulator's run directory. Throws xb::Error when no emulator serves it.
std::unique_ptr<Hypervisor> openEmulated(const Executor& executor, const std::string& directory);

} // namespace xb::xen
