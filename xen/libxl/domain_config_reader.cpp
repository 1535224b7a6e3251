// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/domain_config_reader.hpp"

#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xb::xen {

namespace {

// libxl's "not said" of amounts of memory (LIBXL_MEMKB_DEFAULT of libxl.h).
constexpr std::uint64_t memoryNotSaid = ~std::uint64_t{0};
// A path below this is a block device; libxl says phy of raw files as well, which it puts loop devices under.
constexpr std::string_view deviceDirectory = "/dev/";

[[noreturn]] void refuse(const libxl_domain_config& config, const std::string& what) {
    throw Error(
        errors::notSupported,
        fmt::format("the domain '{}' has {}, which is not supported: give the configuration file that it "
                    "is to be restored with",
                    config.c_info.name ? config.c_info.name : "", what));
}

std::string text(const char* from) {
    return from ? from : "";
}

bool flag(libxl_defbool from, bool notSaid) {
    return libxl_defbool_is_default(from) ? notSaid : libxl_defbool_val(from);
}

std::uint64_t memory(std::uint64_t kib) {
    return kib == memoryNotSaid ? 0 : kib;
}

std::vector<std::string> list(const libxl_string_list& from) {
    std::vector<std::string> result;
    for (char** each = from; each && *each; ++each)
        result.emplace_back(*each);
    return result;
}

DomainType typeOf(const libxl_domain_config& from) {
    switch (from.c_info.type) {
    case LIBXL_DOMAIN_TYPE_PV:
        return DomainType::pv;
    case LIBXL_DOMAIN_TYPE_PVH:
        return DomainType::pvh;
    case LIBXL_DOMAIN_TYPE_HVM:
        return DomainType::hvm;
    default:
        refuse(from, "a type that is none of pv, pvh and hvm");
    }
}

void requireKnownDevices(const libxl_domain_config& from) {
    const std::pair<int, const char*> others[]{
        {from.num_pcidevs, "a PCI device"},      {from.num_dtdevs, "a device-tree device"},
        {from.num_vfbs, "a frame buffer"},       {from.num_vkbs, "a virtual keyboard"},
        {from.num_vtpms, "a virtual TPM"},       {from.num_p9s, "a 9p file system"},
        {from.num_pvcallsifs, "PV calls"},       {from.num_vdispls, "a virtual display"},
        {from.num_vsnds, "a virtual sound"},     {from.num_channels, "a channel"},
        {from.num_usbctrls, "a USB controller"}, {from.num_usbdevs, "a USB device"},
    };
    for (const auto& [count, what] : others)
        if (count > 0)
            refuse(from, what);
}

void describeIdentity(const libxl_domain_create_info& from, DomainConfig& to) {
    to.name = text(from.name);
    const std::uint8_t* bytes = from.uuid.uuid;
    for (std::size_t i = 0; i < sizeof from.uuid.uuid; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            to.uuid += '-';
        to.uuid += fmt::format("{:02x}", bytes[i]);
    }
    to.hap = flag(from.hap, true);
    to.flaskLabel = text(from.ssid_label);
    const auto flat = list(from.platformdata);
    for (std::size_t i = 0; i + 1 < flat.size(); i += 2)
        to.platform.emplace_back(flat[i], flat[i + 1]);
}

void describeHvm(const libxl_domain_config& whole, DomainConfig& to) {
    const libxl_domain_build_info& from = whole.b_info;
    const auto& hvm = from.u.hvm;
    if (flag(from.device_model_stubdomain, false))
        refuse(whole, "its device model in a stub domain");
    to.videoMemoryKib = memory(from.video_memkb);
    to.bootOrder = text(hvm.boot);
    to.bios = hvm.bios == LIBXL_BIOS_TYPE_OVMF      ? "ovmf"
              : hvm.bios == LIBXL_BIOS_TYPE_SEABIOS ? "seabios"
                                                    : "";
    to.acpi = flag(from.acpi, true);
    to.apic = flag(from.apic, true);
    to.nestedHvm = flag(from.nested_hvm, false);
    if (from.timer_mode !=
        LIBXL_TIMER_MODE_UNKNOWN) // as was said, or libxl's choice, which is the same again
        to.timerMode = text(libxl_timer_mode_to_string(from.timer_mode));
    to.pae = flag(hvm.pae, true);
    to.nx = flag(hvm.nx, true);
    to.hpet = flag(hvm.hpet, true);
    to.vptAlign = flag(hvm.vpt_align, true);
    to.viridian = flag(hvm.viridian, false);
    to.vnc = flag(hvm.vnc.enable, false);
    to.usb = flag(hvm.usb, false);
    to.usbVersion = static_cast<std::uint32_t>(std::max(hvm.usbversion, 0));
    to.usbDevices = list(hvm.usbdevice_list);
    if (to.usbDevices.empty() && hvm.usbdevice)
        to.usbDevices.emplace_back(hvm.usbdevice); // as xl has a single one
    to.usb = to.usb || !to.usbDevices.empty();
    to.keyboard = flag(hvm.vkb_device, false);
    to.serial = text(hvm.serial);
    to.sound = text(hvm.soundhw);
    to.deviceModelArguments = list(from.extra);
}

void describeBuild(const libxl_domain_config& whole, DomainConfig& to) {
    const libxl_domain_build_info& from = whole.b_info;
    to.vcpus = static_cast<unsigned>(std::max(from.max_vcpus, 1));
    to.maxMemoryKib = memory(from.max_memkb);
    to.memoryKib = memory(from.target_memkb);
    if (to.memoryKib == 0)
        to.memoryKib = to.maxMemoryKib;
    if (to.maxMemoryKib == to.memoryKib)
        to.maxMemoryKib = 0;
    to.kernel = text(from.kernel);
    to.ramdisk = text(from.ramdisk);
    to.cmdline = text(from.cmdline);
    to.localtime = flag(from.localtime, false);
    to.timeOffsetSeconds = static_cast<std::int32_t>(from.rtc_timeoffset);
    if (to.type == DomainType::hvm)
        describeHvm(whole, to);
    if (to.type == DomainType::pvh) {
        to.acpi = flag(from.acpi, true);
        to.apic = flag(from.apic, true);
    }
}

DiskConfig describeDisk(const libxl_domain_config& whole, const libxl_device_disk& from) {
    DiskConfig to;
    to.path = text(from.pdev_path);
    to.vdev = text(from.vdev);
    to.writable = from.readwrite != 0;
    to.cdrom = from.is_cdrom != 0;
    to.backendDomid = from.backend_domid;
    if (from.script || from.backend_domname)
        refuse(whole, fmt::format("the disk {} with a script, or the name of a backend's domain", to.vdev));
    switch (from.format) {
    case LIBXL_DISK_FORMAT_QCOW2:
        to.backend = DiskBackend::qcow2;
        break;
    case LIBXL_DISK_FORMAT_VHD:
        to.backend = DiskBackend::vhd;
        break;
    case LIBXL_DISK_FORMAT_EMPTY:
        to.path.clear();
        break;
    case LIBXL_DISK_FORMAT_UNKNOWN:
    case LIBXL_DISK_FORMAT_RAW:
        if (from.backend == LIBXL_DISK_BACKEND_PHY && to.path.starts_with(deviceDirectory))
            to.backend = DiskBackend::phy;
        break;
    default:
        refuse(whole, fmt::format("the disk {} in a format that is none of raw, qcow2 and vhd", to.vdev));
    }
    return to;
}

NicConfig describeNic(const libxl_domain_config& whole, const libxl_device_nic& from) {
    NicConfig to;
    to.devid = from.devid;
    if (from.backend_domname)
        refuse(whole, fmt::format("the NIC {} with the name of a backend's domain", to.devid));
    to.mac = fmt::format("{:02x}", fmt::join(from.mac, ":"));
    to.bridge = text(from.bridge);
    to.model = text(from.model);
    to.script = text(from.script);
    to.backendDomid = from.backend_domid;
    to.ip = text(from.ip);
    to.ifname = text(from.ifname);
    to.rateBytes = from.rate_bytes_per_interval;
    to.rateIntervalUs = to.rateBytes == 0 ? 0 : from.rate_interval_usecs;
    return to;
}

} // namespace

DomainConfig describe(const libxl_domain_config& from) {
    DomainConfig to;
    to.type = typeOf(from);
    requireKnownDevices(from);
    describeIdentity(from.c_info, to);
    describeBuild(from, to);
    for (int i = 0; i < from.num_disks; ++i)
        to.disks.push_back(describeDisk(from, from.disks[i]));
    for (int i = 0; i < from.num_nics; ++i)
        to.nics.push_back(describeNic(from, from.nics[i]));
    return to;
}

} // namespace xb::xen
