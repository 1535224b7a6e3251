// SPDX-License-Identifier: Apache-2.0
// What the machine says about itself: firmware tables, processor, network adapters, storage, and the build of
// the platform. Every function takes the directory that stands for /, reads files there (so: not on the
// loop), and never fails: an unknown fact is "" or 0.
#pragma once

#include "toolstack/libs/message.hpp"
#include "xenmgr/host_pci.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace xb::xenmgr {

/// What does not change while the host runs.
struct MachineFacts {
    std::string vendor;
    std::string model;
    std::string serial;
    std::string biosRevision;
    bool laptop = false;
    std::string cpuModel;
    std::string gpuModel;
    bool safeGraphics = false;
    StringMap buildInfo;
};

MachineFacts readMachineFacts(const std::filesystem::path& root, PciNames& names);

/// Whether a chassis type of SMBIOS 3.6, 7.4.1, is a portable one.
bool isPortableChassis(std::uint32_t type);
/// "model name" of the first processor in the text of /proc/cpuinfo.
std::string parseCpuModel(std::string_view cpuinfo);
/// Whether the kernel command line asks for safe graphics: safe-graphics, safe_graphics or nomodeset, with a
/// value or without.
bool hasSafeGraphics(std::string_view commandLine);
/// version, build, branch, build_date_time, tools, release and edition from /etc/xenclient.conf; the version
/// is ours when the file does not say.
StringMap readBuildInfo(const std::filesystem::path& root);

/// The first wired and the first wireless physical adapter, in the order of their names.
struct NetworkFacts {
    std::string wiredMac;
    std::string wiredModel;
    std::string wirelessMac;
    std::string wirelessModel;
};

NetworkFacts readNetworkFacts(const std::filesystem::path& root, PciNames& names);

/// The file system of /storage, in MiB, cut off at INT32_MAX; 0 when there is no /storage.
struct StorageFacts {
    std::int32_t freeMib = 0;
    std::int32_t totalMib = 0;
};

/// Throws xb::Error when the file system cannot be asked.
StorageFacts readStorageFacts(const std::filesystem::path& root);

/// `value` as a property of the bus, cut off at INT32_MAX.
std::int32_t clampedInt(std::uint64_t value);

/// The flavour of the product, from /etc/xenclient.flavour; "default" unless that names one.
std::string readFlavour(const std::filesystem::path& root);
/// The capabilities of the flavour: /etc/caps.<flavour>.
StringMap readCapabilities(const std::filesystem::path& root);
/// Whether a capability is on; `fallback` when the flavour does not say.
bool hasCapability(const StringMap& capabilities, const std::string& name, bool fallback);

} // namespace xb::xenmgr
