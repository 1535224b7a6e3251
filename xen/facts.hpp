// SPDX-License-Identifier: Apache-2.0
// What the hypervisor layer tells of domains and host: plain values, a snapshot each.
#pragma once

#include "xen/domain_config.hpp"

#include <cstdint>
#include <string>
#include <vector>

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

/// How much memory a domain has and is to have.
struct MemoryTarget {
    std::uint64_t targetKib = 0;  ///< the guest's balloon driver is asked to come to this
    std::uint64_t currentKib = 0; ///< what it has now
    std::uint64_t maxKib = 0;     ///< static maximum, fixed when it was built
};

/// A virtual CPU.
struct VcpuInfo {
    unsigned number = 0;
    bool online = false;
    bool blocked = false;
    bool running = false;
    unsigned cpu = 0; ///< that it runs on, or ran last
    std::uint64_t timeNs = 0;
    std::vector<unsigned> hardAffinity; ///< CPUs that it may run on; empty: all
    std::vector<unsigned> softAffinity; ///< CPUs that it should run on; empty: all
};

/// A domain's share of the CPUs, as credit and credit2 have it.
struct SchedulerParameters {
    std::uint16_t weight = 256; ///< 1 to 65535; twice as much is twice the time
    std::uint16_t cap = 0;      ///< at most so many hundredths of a CPU; 0: no limit

    bool operator==(const SchedulerParameters&) const = default;
};

/// A device of a live domain: what it was made with, and how far it is.
template <class Config>
struct DeviceInfo {
    Config config;
    int state = 0; ///< of its backend, XenbusState* of public/io/xenbus.h: 4 is connected
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
