// SPDX-License-Identifier: Apache-2.0
// Asking a guest to stop, through control/shutdown of its xenstore home (Xen's
// docs/misc/xenstore-paths.pandoc): the toolstack writes a word, the guest's PV driver empties the node.
// libxl offers this for poweroff and reboot only, with a limit of its own; this does it for any word and
// limit.
#pragma once

#include "xen/hypervisor.hpp"
#include "xen/libxl/death_watcher.hpp"

#include <chrono>
#include <memory>

namespace xb::xen {

/// Writes `request` and waits until the guest acknowledges it or stops: true. False when `limit` passes
/// first; the request is withdrawn then, which a guest that was just reading it may miss. The domain must
/// exist.
Task<bool> requestOfGuest(Executor executor, std::shared_ptr<XenStore> store, DeathWatcher::Query query,
                          DomId domid, ShutdownRequest request, std::chrono::seconds limit);
/// The same for sleep.
Task<bool> requestSleepOfGuest(Executor executor, std::shared_ptr<XenStore> store, DeathWatcher::Query query,
                               DomId domid, SleepState state, std::chrono::seconds limit);

} // namespace xb::xen
