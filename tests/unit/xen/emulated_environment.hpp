// SPDX-License-Identifier: Apache-2.0
// The emulator that the tests of one program share.
#pragma once

#include "tests/unit/xen/hypervisor_contract.hpp"
#include "xen/emulated/emulator_control.hpp"

namespace xb::xen::test {

/// Started when it is first asked for, ended with the program.
EmulatorControl& emulator();

} // namespace xb::xen::test
