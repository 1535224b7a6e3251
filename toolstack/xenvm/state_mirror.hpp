// SPDX-License-Identifier: Apache-2.0
// The life state in xenstore, at /state/<uuid>/state: what a xenvm that starts over a live domain knows of
// its predecessor. Beside it `pending` says what xenvm still owes (Intent), and `undo` what it has begun and
// not come to the end of. Writes are queued and made in order; a failure is logged, for the hypervisor
// remains the truth about the domain.
#pragma once

#include "toolstack/libs/task.hpp"
#include "toolstack/xenvm/life_cycle.hpp"
#include "xen/xenstore.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace xb::xenvm {

/// What will be done when the domain that is on its way down is gone.
enum class Intent {
    none,
    halt,    ///< nothing more
    reboot,  ///< stay in state rebooted
    restart, ///< build it anew
    destroy, ///< it is taken down whatever it does: half of it may be gone already
};

class StateMirror : public std::enable_shared_from_this<StateMirror> {
public:
    struct Recorded {
        std::optional<LifeState> state;
        Intent intent = Intent::none;
        std::string undo; ///< as owe() was told
    };

    StateMirror(Executor executor, xen::XenStore& store, const std::string& uuid);

    Task<Recorded> read();
    /// Queues a write.
    void put(LifeState state, Intent intent);
    /// Queues a note of what a successor has to undo if we do not come to settle().
    void owe(std::string undo);
    void settle();
    /// Queues the removal of all nodes: there is nothing for a successor to know.
    void forget();
    /// Done when everything queued so far has been written.
    Task<> flush();

private:
    void queue(xen::XenStore::Changes changes);
    static Task<> pump(std::shared_ptr<StateMirror> self);

    Executor executor_;
    xen::XenStore& store_;
    std::string statePath_;
    std::string pendingPath_;
    std::string undoPath_;
    std::deque<xen::XenStore::Changes> queue_;
    bool pumping_ = false;
    Event idle_;
};

} // namespace xb::xenvm
