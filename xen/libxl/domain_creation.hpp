// SPDX-License-Identifier: Apache-2.0
// Building a domain, with reports of how far it is.
#pragma once

#include "xen/hypervisor.hpp"
#include "xen/libxl/libxl_threads.hpp"

#include <memory>

namespace xb::xen {

/// As Hypervisor::create(); or, with a stream, as Hypervisor::restore().
Task<DomId> createDomain(Executor executor, std::shared_ptr<LibxlThreads> threads,
                         std::shared_ptr<XenStore> store, DomainConfig config, UniqueFd stream,
                         Hypervisor::ProgressHandler progress);

} // namespace xb::xen
