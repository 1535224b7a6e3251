// SPDX-License-Identifier: Apache-2.0
// Chooses the implementation of the hypervisor layer that a daemon was told to use (--hypervisor). The only
// file that knows both.
#include "toolstack/libs/error.hpp"
#include "xen/emulated/emulated_hypervisor.hpp"
#include "xen/hypervisor.hpp"
#ifdef XENBROKER_WITH_LIBXL
#include "xen/libxl/libxl_hypervisor.hpp"
#endif

namespace xb::xen {

std::unique_ptr<Hypervisor> openHypervisor(const Executor& executor, const HypervisorOptions& options) {
    if (options.kind == "emulated")
        return openEmulated(executor, options.emulatorDirectory);
    if (options.kind != "libxl")
        throw Error(errors::invalidArgs, "no hypervisor \"" + options.kind + "\": say libxl or emulated");
#ifdef XENBROKER_WITH_LIBXL
    return openLibxl(executor);
#else
    throw NotOnXen("this program was built without libxl: only --hypervisor emulated works");
#endif
}

} // namespace xb::xen
