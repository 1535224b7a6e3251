// SPDX-License-Identifier: Apache-2.0
// Which VM a domain is, for daemons that have nothing else to do with the hypervisor: xenstore alone is
// asked, and only once somebody wants to know. A machine without xenstore has no domains: asking fails then.
#pragma once

#include "xen/hypervisor.hpp"

#include <memory>
#include <string>

namespace xb::xen {

class DomainUuids {
public:
    DomainUuids(Executor executor, HypervisorOptions options)
        : executor_(std::move(executor)), options_(std::move(options)) {}

    /// The uuid of a running domain, as xenstore has it. Throws xb::Error.
    Task<std::string> find(DomId domid);
    /// The running domain with this uuid; 0 for that of the control domain, which is all zeros. Looks at all
    /// domains, which only the control domain may. Throws xb::Error.
    Task<DomId> domidOf(std::string uuid);
    /// Whether it is the device model of another domain. Throws xb::Error.
    Task<bool> isStubDomain(DomId domid);

private:
    std::shared_ptr<XenStore> connected();

    Executor executor_;
    HypervisorOptions options_;
    std::shared_ptr<XenStore> store_; ///< once it is needed; nullptr again after a failure
};

} // namespace xb::xen
