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

/// What Xen keeps of a domain beyond DomainInfo, for administrators.
struct DomainDetails {
    bool hvm = false;     ///< Xen runs it with hardware support: HVM and PVH
    bool running = false; ///< one of its virtual CPUs is on a CPU now
    bool blocked = false; ///< all of them wait for something
    unsigned shutdownCode = 0;
    std::uint64_t sharedInfoFrame = 0;
    unsigned onlineVcpus = 0;
    unsigned highestVcpu = 0;
    std::uint32_t securityId = 0; ///< ssidref of FLASK
    std::string label;            ///< its security label; empty without FLASK
};

/// The host's processors and memory as Xen counts them.
struct HostDetails {
    unsigned cpus = 0;
    unsigned threadsPerCore = 0;
    unsigned coresPerSocket = 0;
    unsigned cpuKhz = 0;
    std::uint64_t totalPages = 0; ///< of 4 KiB, as the others
    std::uint64_t freePages = 0;
    std::uint64_t scrubPages = 0;      ///< free, to be cleaned
    std::vector<std::uint64_t> idleNs; ///< of each CPU since Xen started
};

/// Something of the host that a domain may be allowed to use.
struct HostResource {
    enum class Kind {
        ports, ///< I/O ports
        pages, ///< of 4 KiB of memory-mapped I/O, by number
        irq,   ///< one interrupt: count is 1
    };
    Kind kind = Kind::ports;
    std::uint64_t first = 0;
    std::uint64_t count = 1;
};

} // namespace xb::xen
