// SPDX-License-Identifier: Apache-2.0
// Who owns which well-known name on a bus, now and later.
#pragma once

#include "toolstack/libs/bus.hpp"

#include <functional>
#include <string>

namespace xb {

/// The owners are unique names; empty: nobody.
using OwnerHandler =
    std::function<void(const std::string& name, const std::string& before, const std::string& after)>;

/// Calls `handler` for every well-known name that has an owner, and for each change from then on; a name may
/// be told twice, none is missed. `nameSpace`: only this name and those below it; empty: all. Speaks with the
/// bus synchronously.
[[nodiscard]] Subscription followOwners(Bus& bus, const std::string& nameSpace, const OwnerHandler& handler);

} // namespace xb
