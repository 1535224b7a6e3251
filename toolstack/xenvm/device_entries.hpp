// SPDX-License-Identifier: Apache-2.0
// The list entries of a configuration file that have a syntax of their own. Each parser returns an error text
// (empty: fine) and fills in its result only on success. Pure.
#pragma once

#include "toolstack/xenvm/config.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xb::xenvm {

/// physpath:phystype:virtpath:mode:devtype:snapshot[:k=v...]; paths cannot contain ':'.
std::string parseDisk(std::string_view text, DiskEntry& disk);
/// Comma-separated k=v, possibly none; keys that are not known are ignored.
std::string parseNic(std::string_view text, NicEntry& nic);
/// id[,bind],[DDDD:]BB:SS.F[,msitranslate=0|1][,power_mgmt=0|1][,permissive=0|1][,guest_slot=N][,vdevfn=N],
/// hex address.
std::string parsePci(std::string_view text, PciEntry& pci);
/// type=auto|pv|qusb|devicemodel, version=1..3, ports=1..31, separated by commas, possibly none.
std::string parseUsbController(std::string_view text, UsbControllerEntry& controller);
/// hostbus=N,hostaddr=N: a USB device of the host.
std::string parseUsbDevice(std::string_view text, UsbDeviceEntry& device);
/// The name of an emulated USB device (qemu's -usbdevice).
std::string checkUsbDevice(std::string_view text);
/// leaf[+subleaf]:reg=<32 of 0 1 x s k>,...
std::string checkCpuid(std::string_view text);
/// vcpu:pcpu,pcpu,...
std::string checkAffinity(std::string_view text);
/// Such an entry, checked before: the virtual CPU and the CPUs that it may run on.
std::pair<unsigned, std::vector<unsigned>> parseAffinity(std::string_view text);
/// start-end, end included.
std::string checkRange(std::string_view text);
/// A xenstore path relative to the domain's: no leading or doubled slash, only the characters xenstore has.
std::string checkRelativePath(std::string_view text);

} // namespace xb::xenvm
