// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/life_cycle.hpp"

#include <array>
#include <initializer_list>
#include <stdexcept>
#include <string>

namespace xb::xenvm {

namespace {

using enum LifeState;

constexpr std::array<std::string_view, lifeStateCount> words{
    "creating-domain", "creating-devices", "created",  "running",    "paused",    "shutdowning",
    "shutdown",        "rebooting",        "rebooted", "suspending", "suspended", "restoring",
};

constexpr unsigned bit(LifeState state) {
    return 1U << static_cast<unsigned>(state);
}

constexpr unsigned anyOf(std::initializer_list<LifeState> states) {
    unsigned set = 0;
    for (LifeState state : states)
        set |= bit(state);
    return set;
}

// What may follow each state, in the order of the enum. A domain may be destroyed in every state that has
// one.
constexpr std::array<unsigned, lifeStateCount> followers{
    // Back to suspended: it could not be restored.
    anyOf({creatingDevices, suspended, shutdown}),
    anyOf({created, suspended, shutdown}),
    anyOf({running, rebooting, rebooted, suspended, shutdown}),
    anyOf({paused, shutdowning, rebooted, suspending, shutdown}),
    // A guest may have stopped just before it was paused.
    anyOf({running, shutdowning, rebooted, suspending, shutdown}),
    // Back to running: the guest acknowledged and then did not go.
    anyOf({running, rebooting, rebooted, shutdown}),
    anyOf({creatingDomain, restoring}),
    anyOf({rebooted, creatingDomain, shutdown}),
    anyOf({creatingDomain, restoring, shutdown}),
    anyOf({suspended, running, shutdown}),
    anyOf({restoring, creatingDomain, shutdown}),
    anyOf({creatingDomain, suspended, shutdown}),
};

} // namespace

std::string_view toString(LifeState state) {
    return words.at(static_cast<std::size_t>(state));
}

std::optional<LifeState> lifeStateFromString(std::string_view word) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == word)
            return static_cast<LifeState>(i);
    }
    return std::nullopt;
}

bool mayFollow(LifeState from, LifeState to) {
    return (followers.at(static_cast<std::size_t>(from)) & bit(to)) != 0;
}

bool hasDomain(LifeState state) {
    return (bit(state) & anyOf({shutdown, rebooted, suspended})) == 0;
}

bool mayStart(LifeState state) {
    return mayFollow(state, creatingDomain) && !hasDomain(state);
}

bool LifeCycle::enter(LifeState next) {
    if (next == state_)
        return false;
    if (!mayFollow(state_, next))
        throw std::logic_error("life state " + std::string(toString(next)) + " cannot follow " +
                               std::string(toString(state_)));
    state_ = next;
    return true;
}

bool LifeCycle::adopt(LifeState found) {
    const bool changed = found != state_;
    state_ = found;
    return changed;
}

} // namespace xb::xenvm
