// SPDX-License-Identifier: Apache-2.0
// Values as people write them on the command line: numbers, amounts of memory, sets of CPUs, PCI addresses.
// All throw UsageError naming the argument and what would be right.
#pragma once

#include "xen/facts.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xenops {

/// CPUs are numbered below this (more than any Xen takes).
inline constexpr unsigned cpuLimit = 4096;
/// Most memory that anything here takes, in KiB: 1 PiB.
inline constexpr std::uint64_t memoryLimitKib = std::uint64_t{1} << 40;

/// A whole number, decimal or 0x, within the bounds.
std::uint64_t numberWithin(std::string_view text, std::string_view argument, std::uint64_t least,
                           std::uint64_t most);
/// An amount of memory in KiB: a number of `unitKib` KiB, or with one of the letters k, m, g, t.
std::uint64_t parseMemory(std::string_view text, std::string_view argument, std::uint64_t unitKib);
/// "0-3,^2,8"; "all" is the empty set, which means all.
std::vector<unsigned> parseCpus(std::string_view text, std::string_view argument);
/// Empty: "all".
std::string cpusText(const std::vector<unsigned>& cpus);
/// "0101": character i is CPU i.
std::vector<unsigned> parseCpuBitmap(std::string_view text, std::string_view argument);
/// For `cpus` CPUs; the empty set is all of them.
std::string cpuBitmapText(const std::vector<unsigned>& set, unsigned cpus);
/// "DDDD:BB:SS.F" or "BB:SS.F".
xen::PciAddress parsePciAddress(std::string_view text, std::string_view argument);
std::string pciText(const xen::PciAddress& address);
/// The parts between the separators, without white space around them.
std::vector<std::string> splitWords(std::string_view text, char separator);
std::string_view trimmed(std::string_view text);

} // namespace xb::xenops
