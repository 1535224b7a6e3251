// SPDX-License-Identifier: Apache-2.0
// The real implementation of the hypervisor layer: libxenlight of Xen 4.17, with libxenctrl for what it lacks
// and the xenstore client for events.
//
// A process that uses it must keep at least one thread on which SIGCHLD is not blocked and must not handle
// SIGCHLD itself: libxl has children (hotplug scripts, device models) and reaps those, and only those. Device
// models outlive the process. Destroying the object waits for the operations that run.
#pragma once

#include "xen/hypervisor.hpp"

#include <memory>

namespace xb::xen {

/// Opens it. Throws NotOnXen, saying what is missing, when this is not a Xen control domain; xb::Error with
/// libxl's reason when it is one but xenstored or the hypervisor does not answer. Blocks for a few round
/// trips.
std::unique_ptr<Hypervisor> openLibxl(const Executor& executor);

} // namespace xb::xen
