// SPDX-License-Identifier: Apache-2.0
// Whether dom0 itself works with a PCI device, from sysfs: taking such a one from its driver can hang dom0,
// or cut its disk off.
#pragma once

#include "xen/domain_config.hpp"

#include <filesystem>
#include <string>

namespace xb::xen {

/// What dom0 does with it ("its network interface eth0 is up", "its disk sda1 is mounted on /"); empty:
/// nothing that is known. `system` stands for /, whose sys and proc are looked into.
std::string useInControlDomain(const PciAddress& address, const std::filesystem::path& system = "/");

} // namespace xb::xen
