// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/well_known_names.hpp"

#include "toolstack/libs/guest_callers.hpp"
#include "toolstack/libs/name_owners.hpp"

#include <algorithm>

namespace xb::proxy {

WellKnownNames::WellKnownNames(Bus& bus) {
    changes_ = followOwners(bus, "",
                            [this](const std::string& name, const std::string& before,
                                   const std::string& after) { ownerChanged(name, before, after); });
}

void WellKnownNames::ownerChanged(const std::string& name, const std::string& before,
                                  const std::string& after) {
    if (guestDomainOf(name))
        return;
    if (const auto had = names_.find(before); had != names_.end()) {
        std::erase(had->second, name);
        if (had->second.empty())
            names_.erase(had);
    }
    if (after.starts_with(':')) {
        auto& has = names_[after];
        std::erase(has, name); // what is listed and what is told may overlap
        has.push_back(name);
    }
}

std::string_view WellKnownNames::of(std::string_view uniqueName) const {
    const auto found = names_.find(uniqueName);
    return found == names_.end() ? std::string_view() : found->second.back();
}

} // namespace xb::proxy
