// SPDX-License-Identifier: Apache-2.0
// What becomes of a VM whose domain ended without anybody here asking for it: a pure function of how it ended
// and of the configuration's on_halt, on_restart and on_crash.
#pragma once

#include "toolstack/xenvm/config.hpp"
#include "xen/hypervisor.hpp"

#include <string>

namespace xb::xenvm {

/// What to do, in this order: report `error` unless empty, take the domain down (`tearDown`), go through the
/// states rebooted and shutdown as said, start again (`restart`). Without tearDown the domain is left as it
/// is.
struct Reaction {
    std::string error; ///< text for the error notification
    bool tearDown = false;
    bool rebooted = false;
    bool shutdown = false;
    bool restart = false;
};

/// The reaction to `event` of domain `domid`.
Reaction reactTo(const xen::DomainEvent& event, const Config& config, xen::DomId domid);

} // namespace xb::xenvm
