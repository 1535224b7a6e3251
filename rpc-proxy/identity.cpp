// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/identity.hpp"

#include "rpc-proxy/rules/parser.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"

namespace xb::proxy {

Task<rules::Subject> Identity::of(std::uint32_t domid) {
    rules::Subject subject;
    subject.domid = domid;
    try {
        const std::string uuid = co_await domains_.find(domid);
        const std::string canonical = rules::canonicalUuid(uuid);
        if (!canonical.empty())
            subject.uuid = canonical;
        else if (logLimit_.take())
            log::warn("domain {}: its uuid in xenstore is none", domid);
    } catch (const Error& e) {
        if (logLimit_.take())
            log::warn("domain {}: it is not known which VM it is: {}", domid, e.what());
    }
    try {
        subject.stubdom = co_await domains_.isStubDomain(domid);
    } catch (const Error& e) {
        if (logLimit_.take())
            log::warn("domain {}: it is not known whether it is a stub domain: {}", domid, e.what());
    }
    co_return subject;
}

} // namespace xb::proxy
