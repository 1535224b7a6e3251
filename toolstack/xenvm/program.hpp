// SPDX-License-Identifier: Apache-2.0
// The xenvm program: its command line, and the order in which it comes up and goes. It owns the loop, the bus
// connection, the hypervisor and the Vm. A lock file decides which of two xenvms for one UUID looks after the
// domain.
#pragma once

#include "toolstack/libs/options.hpp"
#include "toolstack/xenvm/vm.hpp"
#include "xen/hypervisor.hpp"

#include <filesystem>
#include <string>

namespace xb::xenvm {

/// Exit statuses beside those of toolstack/libs (exitBusLost, exitNotOnXen).
inline constexpr int exitAlreadyServed = 1;
inline constexpr int exitBadConfig = 3;
/// Something that should work did not (EX_SOFTWARE of sysexits.h).
inline constexpr int exitInternal = 70;

struct Settings {
    CommonOptions common;
    VmOptions vm;
    xen::HypervisorOptions hypervisor;
    /// Holds the lock files; empty: /run/xenbroker/xenvm below the root.
    std::filesystem::path stateDirectory;
};

/// Parses the command line and serves the VM until told to stop. The exit status.
int runXenvm(int argc, char** argv);

/// Serves a VM with settings that are complete.
int serve(Settings settings);

} // namespace xb::xenvm
