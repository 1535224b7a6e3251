// SPDX-License-Identifier: Apache-2.0
// xec-vm --wait: calls a method of a VM and waits until the VM is in the state that the method is for. The
// state is followed through vm_state_changed, subscribed to before the call; nothing is polled.
#pragma once

#include "toolstack/xec/client.hpp"
#include "toolstack/xec/options.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace xb::xec {

/// Whether --wait knows what this method (as typed) leads to.
bool canWaitFor(std::string_view method);

/// Time for a change to be announced after the method has returned, where it is up to the host alone.
inline constexpr std::chrono::seconds settleTime{10};

/// State and domid of a VM at one moment.
struct VmMoment {
    std::string state;
    std::int64_t domid = -1;
};

/// Tells from a VM's states whether a method has reached what it is for. Knows no bus.
class Judge {
public:
    enum class Verdict {
        reached,
        /// On its way: wait as long as it takes.
        underWay,
        /// Nothing has happened yet that shows: a change must come within settleTime.
        unsettled,
        /// Came to rest in another state.
        failed,
    };

    Judge(std::string_view method, VmMoment before);

    /// A state that was announced after the call was sent.
    void announced(const std::string& state);
    /// How things stand, from the VM's present state; the method has returned.
    Verdict now(const VmMoment& moment);

    /// The state that is waited for.
    std::string_view goal() const;

private:
    void see(const std::string& state);

    const struct Goal* goal_;
    VmMoment before_;
    bool departed_ = false;
    bool reached_ = false;
};

/// Calls `method` on the VM `path` and returns its output once the VM is where it belongs. Throws xb::Error:
/// Failed with the reason if it ends elsewhere, Timeout, ServiceUnknown if xenmgr goes away meanwhile.
Task<std::string> callAndWait(Client& client, VmOptions options, std::string path);

} // namespace xb::xec
