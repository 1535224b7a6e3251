// SPDX-License-Identifier: Apache-2.0
// Who a domain is, as xenstore says; only dom0 writes what is asked. Domids are used again, so it is asked
// anew for each client.
#pragma once

#include "rpc-proxy/relay/log_limit.hpp"
#include "rpc-proxy/rules/query.hpp"
#include "toolstack/libs/task.hpp"
#include "xen/domain_uuids.hpp"

namespace xb::proxy {

class Identity {
public:
    Identity(Executor executor, xen::HypervisorOptions options)
        : domains_(std::move(executor), std::move(options)) {}

    /// What cannot be found out is left out, and said in the log.
    Task<rules::Subject> of(std::uint32_t domid);

    /// Of a running domain. Throws xb::Error.
    Task<std::string> uuidOf(std::uint32_t domid) { return domains_.find(domid); }

private:
    xen::DomainUuids domains_;
    LogLimit logLimit_; // clients come as often as they like
};

} // namespace xb::proxy
