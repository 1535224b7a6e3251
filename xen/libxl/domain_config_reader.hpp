// SPDX-License-Identifier: Apache-2.0
// The way back from libxl's description of a domain to a DomainConfig, for domains that were saved or come
// from another host. Needs no Xen and no libxl context.
#pragma once

#include "xen/domain_config.hpp"
#include "xen/libxl/libxl_headers.hpp"

namespace xb::xen {

/// What translate() (domain_config_builder.hpp) made of a DomainConfig, and what xl makes of a file as far as
/// a DomainConfig has it. Throws xb::Error (NotSupported) naming a device that it has not: the guest would
/// find it gone.
DomainConfig describe(const libxl_domain_config& from);

} // namespace xb::xen
