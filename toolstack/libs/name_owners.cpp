// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/name_owners.hpp"

#include "toolstack/libs/error.hpp"

#include <string_view>
#include <vector>

namespace xb {

namespace {

bool isWithin(std::string_view name, std::string_view nameSpace) {
    return nameSpace.empty() || (name.starts_with(nameSpace) &&
                                 (name.size() == nameSpace.size() || name[nameSpace.size()] == '.'));
}

} // namespace

Subscription followOwners(Bus& bus, const std::string& nameSpace, const OwnerHandler& handler) {
    SignalMatch match;
    match.sender = Bus::driverName;
    match.path = Bus::driverPath;
    match.interface = Bus::driverName;
    match.member = "NameOwnerChanged";
    match.arg0Namespace = nameSpace;
    // First this, then who is there already: nobody is missed.
    Subscription subscription = bus.onSignal(match, [handler](Message message) {
        const auto [name, before, after] = readBody<std::string, std::string, std::string>(message);
        if (!name.starts_with(':'))
            handler(name, before, after);
    });
    Message reply =
        bus.callBlocking(bus.newCall(Bus::driverName, Bus::driverPath, Bus::driverName, "ListNames"));
    std::vector<std::string> names;
    reply >> names;
    for (const std::string& name : names) {
        if (name.starts_with(':') || !isWithin(name, nameSpace))
            continue;
        try {
            Message call = bus.newCall(Bus::driverName, Bus::driverPath, Bus::driverName, "GetNameOwner");
            call << name;
            Message answer = bus.callBlocking(std::move(call));
            std::string owner;
            answer >> owner;
            handler(name, "", owner);
        } catch (const Error& e) {
            if (e.name() != errors::nameHasNoOwner) // it is gone meanwhile
                throw;
        }
    }
    return subscription;
}

} // namespace xb
