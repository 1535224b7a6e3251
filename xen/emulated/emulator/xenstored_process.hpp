// SPDX-License-Identifier: Apache-2.0
// The real C xenstored as a child of the emulator, with the shim preloaded (fakexen.c). Owns the process and
// the fifo of its event channels. It dies with the emulator.
#pragma once

#include "toolstack/libs/child.hpp"
#include "toolstack/libs/unique_fd.hpp"
#include "xen/emulated/emulator/options.hpp"

#include <memory>

namespace xb::xen::emulated {

class XenstoredProcess {
public:
    /// Starts it and waits until it serves its socket. Throws xb::Error with what it printed.
    Task<> start(EmulatorOptions options);
    /// Waits for its end, which nobody wants before stop().
    Task<ExitStatus> wait();
    /// Kills it; wait() tells when it is gone.
    void kill();
    /// VIRQ_DOM_EXC: it looks at its domains again, and fires @releaseDomain for those that have gone.
    void raiseDomainVirq();

private:
    std::unique_ptr<Child> child_;
    UniqueFd events_;
};

} // namespace xb::xen::emulated
