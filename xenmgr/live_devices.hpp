// SPDX-License-Identifier: Apache-2.0
// What a change of a VM's disks and NICs means for its domain, while it has one: the VM's xenvm is told at
// once. While the VM is stopped these do nothing: the next start reads the configuration.
//
// Failures are xb::Error; the domain is then as it was.
#pragma once

#include "xenmgr/context.hpp"
#include "xenmgr/devices.hpp"

#include <memory>
#include <string>

namespace xb::xenmgr {

class Vm;

/// Makes the domain follow a disk of the configuration: plugs it when it has become usable, takes it when it
/// has been disabled or lost its path, and changes the medium of a drive. A disk that the domain has stays as
/// it is otherwise, until the next start.
Task<> followDisk(Context& context, std::shared_ptr<Vm> vm, Disk disk);
Task<> unplugDisk(Context& context, std::shared_ptr<Vm> vm, Disk disk);

/// Makes the domain's NIC what `after` says; `before` is what it was. Nothing: there was, or is to be, none.
Task<> followNic(Context& context, std::shared_ptr<Vm> vm, std::optional<Nic> before,
                 std::optional<Nic> after);

} // namespace xb::xenmgr
