// SPDX-License-Identifier: Apache-2.0
// What the domain builder and libxl would refuse of a configuration, with a text that names the thing and the
// reason; and the arithmetic of memory and device numbers, as of libxl 4.17.
#pragma once

#include "xen/domain_config.hpp"

#include <cstdint>
#include <string>

namespace xb::xen::emulated {

/// Throws xb::Error.
void checkDomainConfig(const DomainConfig& config);
/// Opens the disk's file once as its backend would (throws xb::Error); its size in bytes.
std::uint64_t checkDisk(const DiskConfig& disk);
/// Throws xb::Error.
void checkNic(const NicConfig& nic);

/// What Xen takes from its free memory for the domain (libxl_domain_need_memory): the memory itself, the
/// shadow or HAP pool, and some for the domain's own structures.
std::uint64_t memoryNeededKib(const DomainConfig& config);
/// As much for its stub domain; 0 without one.
std::uint64_t stubMemoryNeededKib(const DomainConfig& config);

/// Device number of xvda, hda, sda ... (docs/man/xen-vbd-interface of Xen); throws xb::Error.
std::uint32_t diskDeviceNumber(const std::string& vdev);

const char* typeName(DomainType type);

} // namespace xb::xen::emulated
