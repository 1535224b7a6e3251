// SPDX-License-Identifier: Apache-2.0
#include "xen/vchan/quota.hpp"

#include <fmt/format.h>

namespace xb::xen::vchan {

std::shared_ptr<void> Quota::take(DomId domid, std::string& reason) {
    if (of(domid) >= perDomain_) {
        reason = fmt::format("domain {} has {} connections, the limit of a domain is {}", domid, of(domid),
                             perDomain_);
        return nullptr;
    }
    if (counts_->all >= total_) {
        reason = fmt::format("all domains have {} connections, their limit is {}", counts_->all, total_);
        return nullptr;
    }
    ++counts_->ofDomain[domid];
    ++counts_->all;
    const auto giveBack = [counts = counts_, domid](void*) {
        --counts->all;
        const auto found = counts->ofDomain.find(domid);
        if (--found->second == 0)
            counts->ofDomain.erase(found);
    };
    return {this, giveBack};
}

std::size_t Quota::of(DomId domid) const {
    const auto found = counts_->ofDomain.find(domid);
    return found == counts_->ofDomain.end() ? 0 : found->second;
}

} // namespace xb::xen::vchan
