// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/vm_state.hpp"

#include <array>

namespace xb::xenmgr {

namespace {

struct Words {
    VmState state;
    const char* internal;
    const char* shown;
};

constexpr std::array words{
    Words{VmState::preCreate, "pre-create", "creating"},
    Words{VmState::creatingDomain, "creating-domain", "creating"},
    Words{VmState::creatingDevices, "creating-devices", "creating"},
    Words{VmState::created, "created", "creating"},
    Words{VmState::running, "running", "running"},
    Words{VmState::paused, "paused", "paused"},
    Words{VmState::suspending, "suspending", "suspending"},
    Words{VmState::suspended, "suspended", "suspended"},
    Words{VmState::restoring, "restoring", "restoring"},
    Words{VmState::shutdowning, "shutdowning", "stopping"},
    Words{VmState::rebooting, "rebooting", "rebooting"},
    Words{VmState::rebooted, "rebooted", "rebooted"},
    Words{VmState::shutdown, "shutdown", "stopped"},
};

} // namespace

std::optional<VmState> parseVmState(std::string_view word) {
    for (const auto& each : words)
        if (word == each.internal)
            return each.state;
    return std::nullopt;
}

const char* internalWord(VmState state) {
    return words[static_cast<std::size_t>(state)].internal;
}

const char* publicWord(VmState state) {
    return words[static_cast<std::size_t>(state)].shown;
}

bool isRunning(VmState state) {
    return state != VmState::shutdown && state != VmState::rebooted;
}

int acpiStateOf(VmState state, bool hibernated) {
    if (!isRunning(state))
        return hibernated ? 4 : 5;
    return state == VmState::suspended ? 3 : 0;
}

} // namespace xb::xenmgr
