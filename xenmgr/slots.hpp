// SPDX-License-Identifier: Apache-2.0
// Slots: the numbers 1..9 under which the switcher knows user VMs. One VM per slot.
#pragma once

#include "toolstack/libs/task.hpp"
#include "xenmgr/context.hpp"

#include <memory>
#include <optional>

namespace xb::xenmgr {

class Vm;

inline constexpr int firstSlot = 1;
inline constexpr int lastSlot = 9;

/// The lowest slot that no user VM has.
std::optional<int> freeSlot(const Db& db);

/// Gives the VM a slot; whoever has it gets the VM's old one if that was positive.
Task<> moveToSlot(Context& context, std::shared_ptr<Vm> vm, int slot);

} // namespace xb::xenmgr
