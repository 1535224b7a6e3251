// SPDX-License-Identifier: Apache-2.0
// What both interfaces of dbd work on: the store behind rules on who may see and change what, and who hears
// of it. Who calls is settled first; the rest of a call happens in one go, so that calls are answered in the
// order in which they came.
#pragma once

#include "dbd/guest_changes.hpp"
#include "dbd/preconditions.hpp"
#include "dbd/saver.hpp"
#include "dbd/store.hpp"
#include "dbd/view.hpp"
#include "dbd/watches.hpp"
#include "toolstack/libs/guest_callers.hpp"

#include <span>
#include <string>

namespace xb::dbd {

class Database {
public:
    /// `proxyUser`, `findUuid`: see GuestCallers. Speaks with the bus synchronously.
    Database(Bus& bus, Store& store, Saver& saver, const std::string& proxyUser,
             GuestCallers::FindUuid findUuid);

    const Tree& tree() const { return store_.tree(); }
    Store& store() { return store_; }
    Saver& saver() { return saver_; }
    Watches& watches() { return watches_; }

    /// Whether a caller surely sees the whole tree. If not, viewOf() tells what he sees, or throws.
    bool isDom0(const Caller& caller) const { return callers_.isDom0(caller.uniqueName); }
    Task<View> viewOf(Caller caller);

    /// Makes a change of a caller, whose paths these are, if all preconditions hold; done when it may be
    /// answered. Throws xb::Error; then nothing was changed, unless the disk did not take it in time.
    Task<> change(const Caller& caller, std::span<const StepView> steps,
                  std::span<const Precondition> preconditions = {});
    /// Tells of changes that came from files, not from a caller.
    void announceForeign() { watches_.made({}); }

private:
    Store& store_;
    Saver& saver_;
    Watches watches_;
    GuestCallers callers_;
    GuestChanges guestChanges_;
};

} // namespace xb::dbd
