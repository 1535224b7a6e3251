// SPDX-License-Identifier: Apache-2.0
// Questions to the hypervisor that only read: the host, the domains. All block; they run on a LibxlThreads
// thread. Failures are xb::Error.
#pragma once

#include "xen/hypervisor.hpp"
#include "xen/libxl/libxl_context.hpp"

#include <optional>
#include <string>
#include <vector>

namespace xb::xen {

/// A UUID as libxl holds it, as lower-case text.
std::string uuidText(const libxl_uuid& uuid);
/// `uuid` in lower case, as libxl writes it into xenstore. Throws xb::Error (InvalidArgs).
std::string canonicalUuid(const std::string& uuid);
/// libxl's description as ours, without the name.
DomainInfo domainInfo(const libxl_dominfo& info);

HostInfo queryHost(LibxlContext& context);
std::vector<DomainInfo> queryDomains(LibxlContext& context);
/// Nothing when there is no such domain.
std::optional<DomainInfo> queryDomain(LibxlContext& context, DomId domid);
/// As above, without its name: one hypercall.
std::optional<DomainInfo> queryDomainState(LibxlContext& context, DomId domid);
/// The domain with this UUID that is not dying.
std::optional<DomainInfo> queryDomainByUuid(LibxlContext& context, const std::string& uuid);

} // namespace xb::xen
