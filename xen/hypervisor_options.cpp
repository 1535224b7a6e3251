// SPDX-License-Identifier: Apache-2.0
#include "xen/hypervisor_options.hpp"

#include <CLI/CLI.hpp>

namespace xb::xen {

void addHypervisorOptions(CLI::App& app, HypervisorOptions& options) {
    app.add_option("--hypervisor", options.kind, "what runs the VMs")
        ->check(CLI::IsMember({"libxl", "emulated"}))
        ->capture_default_str();
    app.add_option("--emulator-directory", options.emulatorDirectory, "run directory of xen-emulator")
        ->type_name("DIR");
}

} // namespace xb::xen
