// SPDX-License-Identifier: Apache-2.0
// What only HVM guests have: Xen keeps it in HVM parameters (public/hvm/params.h), for which libxl has no
// calls.
#pragma once

#include "xen/libxl/libxl_threads.hpp"
#include "xen/xenstore.hpp"

#include <cstdint>
#include <memory>

namespace xb::xen {

/// Throws xb::Error when there is no such domain.
void requireDomain(LibxlContext& context, DomId domid);
std::uint64_t hvmParameter(LibxlContext& context, DomId domid, std::uint32_t parameter);
/// What libxl wrote down when the domain was made; its descriptions of domains take PVH for HVM. Throws
/// xb::Error when there is no such domain.
Task<bool> isHvm(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store, DomId domid);
/// As Hypervisor::hasPvDriver().
Task<bool> hasPvDriver(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store, DomId domid);

} // namespace xb::xen
