// SPDX-License-Identifier: Apache-2.0
// The life states of a VM and which may follow which: pure, no I/O. The words are those that clients see on
// the bus and in /state/<uuid>/state. An illegal step is a programming error and throws std::logic_error.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace xb::xenvm {

enum class LifeState {
    creatingDomain,
    creatingDevices,
    created, ///< built and never unpaused
    running,
    paused,
    shutdowning, ///< the guest has been told and is on its way down
    shutdown,
    rebooting,
    rebooted, ///< down after a reboot, to be started again by somebody
    suspending,
    suspended,
    restoring,
};

inline constexpr std::size_t lifeStateCount = 12;

/// "creating-domain", "running", ...
std::string_view toString(LifeState state);
/// The state with this word; nothing for any other text.
std::optional<LifeState> lifeStateFromString(std::string_view word);
/// Whether `to` may follow `from`.
bool mayFollow(LifeState from, LifeState to);
/// Whether a domain exists in this state (it may be one that is being built).
bool hasDomain(LifeState state);
/// Whether start is possible from this state.
bool mayStart(LifeState state);

/// The current state, moved only along legal steps.
class LifeCycle {
public:
    LifeState state() const { return state_; }
    /// Goes to `next`. False if that is the state already.
    bool enter(LifeState next);
    /// Takes over what was found at start-up, whatever was before. False if that is the state already.
    bool adopt(LifeState found);

private:
    LifeState state_ = LifeState::shutdown;
};

} // namespace xb::xenvm
