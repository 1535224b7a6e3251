// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/well_known_names.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/guest_callers.hpp"

#include <algorithm>

namespace xb::proxy {

WellKnownNames::WellKnownNames(Bus& bus) {
    SignalMatch match;
    match.sender = Bus::driverName;
    match.interface = Bus::driverName;
    match.member = "NameOwnerChanged";
    // First this, then who is there already: nobody is missed.
    changes_ = bus.onSignal(match, [this](Message message) {
        const auto [name, before, after] = readBody<std::string, std::string, std::string>(message);
        ownerChanged(name, before, after);
    });
    Message reply =
        bus.callBlocking(bus.newCall(Bus::driverName, Bus::driverPath, Bus::driverName, "ListNames"));
    std::vector<std::string> names;
    reply >> names;
    for (const std::string& name : names) {
        if (name.starts_with(':'))
            continue;
        try {
            Message call = bus.newCall(Bus::driverName, Bus::driverPath, Bus::driverName, "GetNameOwner");
            call << name;
            Message answer = bus.callBlocking(std::move(call));
            std::string owner;
            answer >> owner;
            ownerChanged(name, "", owner);
        } catch (const Error& e) {
            if (e.name() != errors::nameHasNoOwner) // it is gone meanwhile
                throw;
        }
    }
}

void WellKnownNames::ownerChanged(const std::string& name, const std::string& before,
                                  const std::string& after) {
    if (name.starts_with(':') || guestDomainOf(name))
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
