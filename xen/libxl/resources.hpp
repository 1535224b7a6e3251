// SPDX-License-Identifier: Apache-2.0
// Memory, virtual CPUs and scheduling of live domains, and what the host offers beside domains: Xen's console
// ring, its debug keys, SysRq. All block; they run on a LibxlThreads thread. Failures are xb::Error.
#pragma once

#include "xen/facts.hpp"
#include "xen/libxl/libxl_threads.hpp"
#include "xen/xenstore.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xb::xen {

/// Most bytes of Xen's console ring that are taken (its conring_size is 16 KiB to some MiB).
inline constexpr std::size_t maxConsoleRing = 4 * 1024 * 1024;

/// Without maxKib, which is in xenstore: see readMemoryTarget().
MemoryTarget queryMemoryTarget(LibxlContext& context, DomId domid);
/// As Hypervisor::memoryTarget().
Task<MemoryTarget> readMemoryTarget(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store,
                                    DomId domid);
/// Also moves what the domain may have at most along, as `xl mem-set` does: a guest that was made smaller
/// cannot take back what it gave, and one that was made larger may.
void changeMemoryTarget(LibxlContext& context, DomId domid, std::uint64_t kib);
void changeMaxMemory(LibxlContext& context, DomId domid, std::uint64_t kib);
std::vector<VcpuInfo> queryVcpus(LibxlContext& context, DomId domid);
void changeOnlineVcpus(LibxlContext& context, DomId domid, unsigned count);
/// As Hypervisor::setAffinity().
void changeAffinity(LibxlContext& context, DomId domid, unsigned vcpu,
                    const std::optional<std::vector<unsigned>>& hard,
                    const std::optional<std::vector<unsigned>>& soft);
SchedulerParameters queryScheduler(LibxlContext& context, DomId domid);
void changeScheduler(LibxlContext& context, DomId domid, SchedulerParameters parameters);

std::string readConsoleRing(LibxlContext& context);
void pressDebugKeys(LibxlContext& context, std::string keys);
void pressSysrq(LibxlContext& context, DomId domid, char key);

} // namespace xb::xen
