// SPDX-License-Identifier: Apache-2.0
// One description of a domain, from which every implementation of the hypervisor layer builds it. Plain
// values, no behaviour. Memory is in KiB, paths are paths in dom0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xb::xen {

/// Number of a domain; 0 is the control domain. As domid_t of Xen's public headers.
using DomId = std::uint32_t;

enum class DomainType { pv, pvh, hvm };

/// How a disk's data is reached.
enum class DiskBackend {
    phy,  ///< a block device of dom0
    file, ///< a raw file
    qcow2,
    vhd,
};

struct DiskConfig {
    std::string path; ///< empty: a CD drive without a medium
    DiskBackend backend = DiskBackend::file;
    std::string vdev; ///< xvda, hda, sda ...
    bool writable = false;
    bool cdrom = false;
    DomId backendDomid = 0;

    bool operator==(const DiskConfig&) const = default;
};

struct NicConfig {
    int devid = 0;
    std::string mac; ///< aa:bb:cc:dd:ee:ff; must be given
    std::string bridge;
    std::string model;  ///< of the emulated card (HVM); empty: rtl8139
    std::string script; ///< hotplug script; empty: vif-bridge
    DomId backendDomid = 0;
    std::string ip = {};         ///< addresses of the guest, separated by blanks; for scripts that want them
    std::string ifname = {};     ///< of the backend's device; empty: vif<domid>.<devid>
    std::uint64_t rateBytes = 0; ///< the guest may send so much in each interval; 0: without limit
    std::uint32_t rateIntervalUs = 0; ///< the interval in microseconds; with a rate: must be given

    bool operator==(const NicConfig&) const = default;
};

/// Everything that decides how a domain is built. Options that an implementation cannot honour make create()
/// fail.
struct DomainConfig {
    std::string uuid;
    std::string name;
    DomainType type = DomainType::pv;
    std::uint64_t memoryKib = 0;
    std::uint64_t maxMemoryKib = 0; ///< 0: as memoryKib
    std::uint64_t videoMemoryKib = 0;
    unsigned vcpus = 1;

    std::string kernel; ///< PV and PVH: needed; HVM: direct boot when given
    std::string ramdisk;
    std::string cmdline;
    std::string bootOrder; ///< HVM: letters of c, d, n
    std::string bios;      ///< HVM: seabios (default) or ovmf

    bool hap = true;
    bool acpi = true;
    bool apic = true;
    bool pae = true;
    bool nx = true;
    bool viridian = false;
    bool nestedHvm = false;
    bool hpet = true;
    bool localtime = false;
    std::int32_t timeOffsetSeconds = 0;
    std::string serial; ///< HVM: qemu's -serial; empty: none
    std::string sound;  ///< HVM: emulated card; empty: none
    bool usb = false;
    bool vnc = false;
    std::string flaskLabel;                                    ///< empty: default
    std::vector<std::pair<std::string, std::string>> platform; ///< nodes below <domain>/platform
    std::vector<std::string> deviceModelArguments;

    std::vector<DiskConfig> disks;
    std::vector<NicConfig> nics;

    bool operator==(const DomainConfig&) const = default;
};

} // namespace xb::xen
