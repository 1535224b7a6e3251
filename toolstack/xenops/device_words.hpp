// SPDX-License-Identifier: Apache-2.0
// Disks and network cards as configuration files and the command line have them: phy:PATH,VDEV,MODE and its
// kin, key=value lists, and the positional form TARGET,FORMAT,VDEV,ACCESS. Pure. What cannot be read, or asks
// for what cannot be done, throws UsageError.
#pragma once

#include "xen/domain_config.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xenops {

/// Domains by name, for backends.
using DomainNames = std::map<std::string, xen::DomId>;
using Warnings = std::vector<std::string>;

xen::DiskConfig parseDisk(std::string_view text, const DomainNames& names, Warnings& warnings);
/// A card without an address gets generatedMac(); without a bridge it gets xenbr0, unless the backend is
/// another domain's.
xen::NicConfig parseNic(std::string_view text, int devid, const std::string& uuid, const DomainNames& names);

/// type=auto|pv|qusb|devicemodel, version=1..3, ports=1..31, separated by commas.
xen::UsbControllerConfig parseUsbController(std::string_view text);
/// hostbus=N,hostaddr=N, with or without type=hostdev.
xen::UsbDeviceConfig parseUsbDevice(std::string_view text);
/// key=value,... of a framebuffer: whether it is on VNC. What else it says is warned of.
bool parseFramebuffer(std::string_view text, Warnings& warnings);
/// DDDD:BB:SS.F[,permissive=0|1][,msitranslate=0|1][,power_mgmt=0|1][,seize=0|1]
xen::PciConfig parsePci(std::string_view text);

/// "phy", "file", "aio", "raw", "tap", "qcow2", "qcow", "vhd".
xen::DiskBackend diskBackend(std::string_view word, std::string_view argument);
/// An address of the range 00:16:3e that is for Xen's guests, always the same for the same VM and card.
std::string generatedMac(const std::string& uuid, int devid);

} // namespace xb::xenops
