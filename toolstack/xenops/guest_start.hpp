// SPDX-License-Identifier: Apache-2.0
// From a configuration file to a domain that is ready to run: what create and restore share.
#pragma once

#include "toolstack/xenops/commands.hpp"
#include "toolstack/xenops/guest_config.hpp"
#include "xen/saved_domain.hpp"

#include <optional>
#include <string>

namespace xb::xenops {

/// Reads `file` and the KEY=VALUE operands that are left, which come after it; its warnings become the
/// context's. Throws Error with the file and line.
Task<GuestConfig> readGuestConfig(Context& context, std::string file);

/// The configuration in the header of the saved domain `file`, in whichever form it has; with `name` another
/// one of that name and with a UUID of its own. As above.
Task<GuestConfig> savedGuestConfig(Context& context, xen::SavedHeader header, std::string file,
                                   std::optional<std::string> name);

/// Makes the domain (with the memory and state of `saved`, if that is a descriptor) and does to it what the
/// file says of CPUs and shares. It is left paused. On failure everything is undone.
Task<xen::DomId> startGuest(xen::Hypervisor& hypervisor, GuestConfig config, UniqueFd saved, bool restored);

} // namespace xb::xenops
