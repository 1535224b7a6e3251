// SPDX-License-Identifier: Apache-2.0
// Who else uses what a disk stands on: a file system of dom0 that is mounted from it, or another domain. Two
// writers, or a writer and a reader with a cache, ruin its contents. What is found is a moment's truth: it is
// a protection against mistakes, no lock.
#pragma once

#include "toolstack/libs/task.hpp"
#include "xen/domain_config.hpp"
#include "xen/xenstore.hpp"

#include <filesystem>
#include <vector>

namespace xb::xenvm {

/// Throws xb::Error for the first disk that dom0 has mounted, or that another domain than `own` has, where
/// one of both writes; with the reason and what to do. Disks of other backend domains are theirs to look
/// after. `system` stands for / of /sys and /proc.
Task<> checkSharing(xen::XenStore& store, std::vector<xen::DiskConfig> disks, int own,
                    std::filesystem::path system = "/");

} // namespace xb::xenvm
