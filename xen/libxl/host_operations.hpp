// SPDX-License-Identifier: Apache-2.0
// What an administrator asks of Xen beside the life of domains: details for people, rights to hardware, Xen's
// watchdogs and FLASK's mode. All block; they run on a LibxlThreads thread. Failures are xb::Error.
#pragma once

#include "xen/facts.hpp"
#include "xen/libxl/libxl_context.hpp"

namespace xb::xen {

DomainDetails queryDomainDetails(LibxlContext& context, DomId domid);
HostDetails queryHostDetails(LibxlContext& context);
/// Throws (InvalidArgs) for what is no such resource.
void permitResource(LibxlContext& context, DomId domid, const HostResource& resource, bool allowed);
void setTargetOf(LibxlContext& context, DomId stubdom, DomId target);
unsigned setOwnWatchdog(LibxlContext& context, unsigned slot, unsigned seconds);
/// Both throw NotSupported when Xen runs without FLASK.
bool queryFlaskEnforces(LibxlContext& context);
void changeFlaskEnforces(LibxlContext& context, bool enforces);

} // namespace xb::xen
