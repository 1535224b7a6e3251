// SPDX-License-Identifier: Apache-2.0
// One description of a domain, from which every implementation of the hypervisor layer builds it. Plain
// values, no behaviour. Memory is in KiB, paths are paths in dom0.
#pragma once

#include <fmt/format.h>

#include <array>
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

/// A PCI device of the host (DDDD:BB:SS.F).
struct PciAddress {
    unsigned domain = 0;
    unsigned bus = 0;
    unsigned device = 0;
    unsigned function = 0;

    bool operator==(const PciAddress&) const = default;
};

/// "0000:02:00.0"
inline std::string toString(const PciAddress& address) {
    return fmt::format("{:04x}:{:02x}:{:02x}.{:x}", address.domain, address.bus, address.device,
                       address.function);
}

/// A PCI device as it is handed to a domain.
struct PciConfig {
    PciAddress address;
    bool permissive = false;   ///< the guest may write all of its configuration space
    bool msiTranslate = false; ///< MSI looks like INTx to the guest
    bool powerManagement = false;
    bool seize = false;     ///< taken from the driver of dom0 that has it
    unsigned guestSlot = 0; ///< 0: any

    bool operator==(const PciConfig&) const = default;
};

/// A controller for USB devices of the host.
struct UsbControllerConfig {
    std::string
        type; ///< pv: a backend in dom0's kernel, qusb: one in qemu, devicemodel: an emulated one; empty: any
    unsigned version = 0; ///< of USB, 1 to 3; 0: any
    unsigned ports = 0;   ///< 0: as many as it comes with

    bool operator==(const UsbControllerConfig&) const = default;
};

/// A USB device of the host, by its place.
struct UsbDeviceConfig {
    unsigned hostBus = 0;
    unsigned hostAddress = 0;

    bool operator==(const UsbDeviceConfig&) const = default;
};

/// Where the device model runs when not in dom0: a small Linux domain (docs/misc/stubdom.txt of Xen).
struct StubDomainConfig {
    bool wanted = false;
    std::string kernel;
    std::string ramdisk;
    std::string cmdline;
    std::uint64_t memoryKib = 0;
    std::string flaskLabel; ///< empty: Xen's default for such domains

    bool operator==(const StubDomainConfig&) const = default;
};

/// What becomes of timer ticks that an HVM guest missed: libxl's words, each at its number
/// (HVMPTM_* of Xen's public/hvm/params.h).
inline constexpr std::array timerModes{"delay_for_missed_ticks", "no_delay_for_missed_ticks",
                                       "no_missed_ticks_pending", "one_missed_tick_pending"};

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
    std::string bootloader; ///< PV and PVH, instead of a kernel: pygrub, which finds one on the first disk
    std::string bootOrder;  ///< HVM: letters of c, d, n
    std::string bios;       ///< HVM: seabios (default) or ovmf

    bool hap = true;
    bool acpi = true;
    bool apic = true;
    bool pae = true;
    bool nx = true;
    bool viridian = false;
    bool nestedHvm = false;
    bool hpet = true;
    bool vptAlign = true;  ///< HVM: Xen moves the ticks of virtual timers together
    std::string timerMode; ///< HVM: one of timerModes; empty: libxl's choice
    bool localtime = false;
    std::int32_t timeOffsetSeconds = 0;
    std::string serial; ///< HVM: qemu's -serial; empty: none
    std::string sound;  ///< HVM: emulated card; empty: none
    bool usb = false;
    std::uint32_t usbVersion = 0;        ///< HVM: of the emulated controller; 0: the device model's default
    std::vector<std::string> usbDevices; ///< HVM: emulated ones, and host:... as qemu names them
    bool vnc = false;                    ///< HVM: of the screen; PV and PVH: of the framebuffer
    bool keyboard = false;               ///< HVM: keyboard and pointer of Xen's own besides the emulated ones
    bool framebuffer = false;            ///< PV and PVH: screen, keyboard and pointer
    std::string flaskLabel;              ///< empty: default
    std::vector<std::pair<std::string, std::string>> platform; ///< nodes below <domain>/platform
    std::vector<std::string> deviceModelArguments;
    StubDomainConfig stubDomain; ///< HVM

    std::vector<DiskConfig> disks;
    std::vector<NicConfig> nics;
    std::vector<PciConfig> pciDevices;
    std::vector<UsbControllerConfig> usbControllers;
    std::vector<UsbDeviceConfig> hostUsbDevices;

    bool operator==(const DomainConfig&) const = default;
};

} // namespace xb::xen
