// SPDX-License-Identifier: Apache-2.0
// The command-line options that say which hypervisor a daemon is to use.
#pragma once

#include "xen/hypervisor.hpp"

namespace CLI {
class App;
}

namespace xb::xen {

/// Adds --hypervisor and --emulator-directory.
void addHypervisorOptions(CLI::App& app, HypervisorOptions& options);

} // namespace xb::xen
