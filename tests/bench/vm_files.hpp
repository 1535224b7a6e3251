// SPDX-License-Identifier: Apache-2.0
// A database of many VMs as dbd keeps it on disk, for measurements.
#pragma once

#include <filesystem>

namespace xb::bench {

/// Writes `count` VMs of some 40 keys each to DIRECTORY/vms: two disks, a NIC, slot 0. Named "bench-1" and so
/// on.
void writeVmFiles(const std::filesystem::path& directory, unsigned count);

} // namespace xb::bench
