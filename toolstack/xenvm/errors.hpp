// SPDX-License-Identifier: Apache-2.0
// Names of the failures of xenvm that xenmgr tells apart; idl/xenvm.xml has the same, and service.cpp holds
// the two together.
#pragma once

#include "xen/hypervisor.hpp"

namespace xb::xenvm::errorNames {

inline constexpr const char* notEnoughMemory = xen::notEnoughMemoryError;
/// The operation makes no sense in the VM's life state.
inline constexpr const char* badState = "org.xenbroker.Error.BadState";
/// The guest did not acknowledge the request, or did not stop in time.
inline constexpr const char* didNotShutDown = "org.xenbroker.Error.DidNotShutDown";
/// A start of a VM that has a domain.
inline constexpr const char* alreadyCreated = "org.xenbroker.Error.AlreadyCreated";
/// The machine cannot run such a domain.
inline constexpr const char* missingCapability = "org.xenbroker.Error.MissingCapability";
/// The guest has no driver that could be asked.
inline constexpr const char* noPvDriver = "org.xenbroker.Error.NoPvDriver";

} // namespace xb::xenvm::errorNames
