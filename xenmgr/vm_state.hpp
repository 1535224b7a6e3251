// SPDX-License-Identifier: Apache-2.0
// The life states of a VM: the words that xenvm uses and the public ones of the VM_STATE enumeration.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace xb::xenmgr {

/// As xenvm reports them; preCreate is ours, from a start request until xenvm's first word.
enum class VmState {
    preCreate,
    creatingDomain,
    creatingDevices,
    created,
    running,
    paused,
    suspending,
    suspended,
    restoring,
    shutdowning,
    rebooting,
    rebooted,
    shutdown,
};

/// The state named by a word such as "creating-devices"; nothing for an unknown word.
std::optional<VmState> parseVmState(std::string_view word);
/// The internal word, as in the notify signal "vm:state:<word>".
const char* internalWord(VmState state);
/// The public word: creating, running, stopping, stopped, ...
const char* publicWord(VmState state);
/// Whether the VM counts as running: anything but stopped or between a stop and the next start.
bool isRunning(VmState state);
/// The acpi_state argument of vm_state_changed: 5 off, 4 off and hibernated, 3 asleep, 0 otherwise.
int acpiStateOf(VmState state, bool hibernated);

} // namespace xb::xenmgr
