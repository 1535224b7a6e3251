// SPDX-License-Identifier: Apache-2.0
// What is looked at before a domain is built, so that the reason for a failure is named in words that a user
// understands, before anything has been changed.
#pragma once

#include "toolstack/libs/task.hpp"
#include "toolstack/xenvm/domain_builder.hpp"
#include "xen/hypervisor.hpp"

#include <string>
#include <vector>

namespace xb::xenvm {

/// Each file exists, is no directory and can be opened as it will be. Throws xb::Error naming the first that
/// does not and what cannot be done for that. The files are looked at on a thread: storage may hang.
Task<> checkFiles(std::vector<NeededFile> files, std::string operation = "start");

/// Accounts of which libxl takes one for what it runs without rights (Xen's docs/features/qemu-deprivilege).
std::vector<std::string> restrictedAccounts();

/// libxl can run `bootloader` (empty: nothing to do) as one of `accounts`. Throws xb::Error.
Task<> checkBootloader(std::string bootloader, std::vector<std::string> accounts);

/// The host can run such a domain and, with `memory`, has the memory for it now. Throws xb::Error.
Task<> checkHost(xen::Hypervisor& hypervisor, xen::DomainConfig domain, bool memory);

} // namespace xb::xenvm
