// SPDX-License-Identifier: Apache-2.0
// What xen-emulator was told on its command line, with the defaults.
#pragma once

#include "toolstack/libs/log_rotation.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace xb::xen::emulated {

struct EmulatorOptions {
    std::string directory; ///< absolute; sockets, rings and console logs are below it
    std::uint64_t memoryMib = 8192;
    std::uint64_t controlDomainMemoryMib = 1024;
    unsigned cpus = 4;
    bool directIo = false;
    std::vector<std::string> bridges{"xenbr0", "brbridged", "brinternal"};
    std::string xenstored; ///< empty: the first of the places that Debian and upstream use
    std::string shim;      ///< empty: fakexen.so beside this program
    std::string guest;     ///< empty: xen-guest beside this program
    bool keepLogs = false; ///< console logs stay when the emulator ends
    std::chrono::milliseconds deviceLimit{10000}; ///< for a backend to get ready, as LIBXL_INIT_TIMEOUT
    std::size_t maxClients = 256;
    std::size_t maxDomains = 128;
    LogLimits consoleLimits; ///< of each domain's log
};

/// Longest directory: the names of sockets below it must fit into sun_path.
inline constexpr std::size_t longestDirectory = 64;

} // namespace xb::xen::emulated
