// SPDX-License-Identifier: Apache-2.0
// How many connections of a listener there are, of each domain and of all. A lease is one of them; it
// outlives neither its connection nor, if need be, this object's owner.
#pragma once

#include "xen/domain_config.hpp"
#include "xen/vchan.hpp"

#include <map>
#include <memory>
#include <string>

namespace xb::xen::vchan {

class Quota {
public:
    explicit Quota(const VchanLimits& limits)
        : counts_(std::make_shared<Counts>()), perDomain_(limits.connectionsPerDomain),
          total_(limits.connections) {}

    /// Nothing, and the reason, when a limit is reached.
    std::shared_ptr<void> take(DomId domid, std::string& reason);
    std::size_t of(DomId domid) const;

private:
    struct Counts {
        std::map<DomId, std::size_t> ofDomain;
        std::size_t all = 0;
    };

    std::shared_ptr<Counts> counts_;
    std::size_t perDomain_;
    std::size_t total_;
};

} // namespace xb::xen::vchan
