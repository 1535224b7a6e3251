// SPDX-License-Identifier: Apache-2.0
// Saving domains, letting them go on, core dumps and waking: the operations of xen/hypervisor.hpp of these
// names on libxl. Restoring is a way of making a domain: domain_creation.hpp.
#pragma once

#include "toolstack/libs/unique_fd.hpp"
#include "xen/hypervisor.hpp"
#include "xen/libxl/libxl_threads.hpp"

#include <memory>
#include <string>

namespace xb::xen {

Task<> saveDomain(std::shared_ptr<LibxlThreads> threads, DomId domid, UniqueFd stream, SaveMode mode);
Task<> resumeDomain(std::shared_ptr<LibxlThreads> threads, DomId domid);
Task<> dumpDomainCore(std::shared_ptr<LibxlThreads> threads, DomId domid, std::string path);
std::string configurationJson(LibxlContext& context, DomId domid);
DomainConfig parseConfiguration(LibxlContext& context, const std::string& json);
Task<> wakeDomain(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store, DomId domid);

} // namespace xb::xen
