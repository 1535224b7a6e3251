// SPDX-License-Identifier: Apache-2.0
// What the hypervisor layer tells of domains and host: plain values, a snapshot each.
#pragma once

#include "xen/domain_config.hpp"

#include <cstdint>
#include <string>

namespace xb::xen {

/// Why a domain stopped running (SHUTDOWN_* of Xen's public/sched.h).
enum class ShutdownReason { poweroff, reboot, suspend, crash, watchdog, softReset };

/// "poweroff", "reboot", ...
const char* toString(ShutdownReason reason);

/// A domain as the hypervisor sees it at one moment.
struct DomainInfo {
    DomId domid = 0;
    std::string uuid;
    std::string name;
    bool paused = false;
    bool shutdown = false; ///< stopped by itself, not destroyed yet
    bool dying = false;
    ShutdownReason reason = ShutdownReason::poweroff; ///< valid when shutdown
    std::uint64_t memoryKib = 0;
    std::uint64_t maxMemoryKib = 0;
    unsigned vcpus = 0;
    std::uint64_t cpuTimeNs = 0;
};

struct HostInfo {
    std::uint64_t totalMemoryKib = 0;
    std::uint64_t freeMemoryKib = 0;
    unsigned cpus = 0;
    std::string version;      ///< "4.17.5"
    std::string capabilities; ///< "xen-3.0-x86_64 hvm-3.0-x86_32 ..."
    bool hvm = false;
    bool directIo = false; ///< an IOMMU is there
};

} // namespace xb::xen
