// SPDX-License-Identifier: Apache-2.0
// Which well-known name a connection of the bus has: kept up to date by the bus's signals, so that nothing
// has to be asked when a message comes.
#pragma once

#include "toolstack/libs/bus.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace xb::proxy {

class WellKnownNames {
public:
    /// Speaks with the bus synchronously.
    explicit WellKnownNames(Bus& bus);

    /// The name that this connection took last; empty: none. Usable until the loop goes on.
    std::string_view of(std::string_view uniqueName) const;

private:
    void ownerChanged(const std::string& name, const std::string& before, const std::string& after);

    Subscription changes_;
    std::map<std::string, std::vector<std::string>, std::less<>> names_; // by unique name
};

} // namespace xb::proxy
