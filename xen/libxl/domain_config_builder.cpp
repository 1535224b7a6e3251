// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/domain_config_builder.hpp"

#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <new>

namespace xb::xen {

namespace {

// Most disks, NICs and other list entries of one domain: far beyond what guests can see.
constexpr std::size_t maxDevices = 256;
// vCPUs that Xen gives to a domain at most (its x86 public headers: MAX_VIRT_CPUS for PV, HVM_MAX_VCPUS).
constexpr unsigned maxVcpusPv = 8192;
constexpr unsigned maxVcpusHvm = 128;

[[noreturn]] void refuse(const DomainConfig& config, const std::string& why) {
    throw Error(errors::invalidArgs, fmt::format("domain '{}': {}", config.name, why));
}

// libxl frees what it is given: everything is malloc'ed.
template <class T>
T* allocate(std::size_t count) {
    auto* memory = static_cast<T*>(std::calloc(std::max<std::size_t>(count, 1), sizeof(T)));
    if (!memory)
        throw std::bad_alloc();
    return memory;
}

char* copy(const DomainConfig& config, const char* setting, const std::string& text) {
    if (text.find('\0') != std::string::npos)
        refuse(config, fmt::format("{} holds a NUL byte", setting));
    char* result = allocate<char>(text.size() + 1);
    std::ranges::copy(text, result); // the memory is zero
    return result;
}

char* copyUnlessEmpty(const DomainConfig& config, const char* setting, const std::string& text) {
    return text.empty() ? nullptr : copy(config, setting, text);
}

// A list of strings that ends with a null pointer. It belongs to `to` from the start, so that nothing leaks.
void copyList(const DomainConfig& config, const char* setting, const std::vector<std::string>& from,
              char**& to) {
    to = allocate<char*>(from.size() + 1);
    for (std::size_t i = 0; i < from.size(); ++i)
        to[i] = copy(config, setting, from[i]);
}

libxl_domain_type typeOf(DomainType type) {
    switch (type) {
    case DomainType::pv:
        return LIBXL_DOMAIN_TYPE_PV;
    case DomainType::pvh:
        return LIBXL_DOMAIN_TYPE_PVH;
    case DomainType::hvm:
        return LIBXL_DOMAIN_TYPE_HVM;
    }
    return LIBXL_DOMAIN_TYPE_INVALID;
}

void translateIdentity(const DomainConfig& from, libxl_domain_create_info& to) {
    if (from.name.empty() || from.name.find('/') != std::string::npos)
        refuse(from, "its name must not be empty nor hold a '/'");
    to.type = typeOf(from.type);
    to.name = copy(from, "the name", from.name);
    if (libxl_uuid_from_string(&to.uuid, from.uuid.c_str()) != 0)
        refuse(from, fmt::format("'{}' is not a UUID", from.uuid));
    // "true" leaves the choice to libxl, which takes HAP where the processor has it.
    if (from.type != DomainType::pv && !from.hap)
        libxl_defbool_set(&to.hap, false);
    to.ssid_label = copyUnlessEmpty(from, "the FLASK label", from.flaskLabel);
    if (from.platform.empty())
        return;
    std::vector<std::string> flat;
    for (const auto& [key, value] : from.platform) {
        if (key.empty() || key.find('/') != std::string::npos)
            refuse(from, fmt::format("'{}' cannot be the name of a platform node", key));
        flat.push_back(key);
        flat.push_back(value);
    }
    copyList(from, "a platform node", flat, to.platformdata);
}

void translateVcpus(const DomainConfig& from, libxl_domain_build_info& to) {
    const unsigned limit = from.type == DomainType::pv ? maxVcpusPv : maxVcpusHvm;
    if (from.vcpus < 1 || from.vcpus > limit)
        refuse(from, fmt::format("{} virtual CPUs are not within 1..{}", from.vcpus, limit));
    to.max_vcpus = static_cast<int>(from.vcpus);
    // Without this map libxl would bring only the first one up.
    to.avail_vcpus.size = (from.vcpus + 7) / 8;
    to.avail_vcpus.map = allocate<std::uint8_t>(to.avail_vcpus.size);
    for (unsigned cpu = 0; cpu < from.vcpus; ++cpu)
        to.avail_vcpus.map[cpu / 8] |= static_cast<std::uint8_t>(1U << (cpu % 8));
}

void translateMemory(const DomainConfig& from, libxl_domain_build_info& to) {
    const auto most = from.maxMemoryKib == 0 ? from.memoryKib : from.maxMemoryKib;
    if (from.memoryKib == 0)
        refuse(from, "it has no memory");
    if (most < from.memoryKib)
        refuse(from, fmt::format("its memory, {} KiB, is above its maximum, {} KiB", from.memoryKib, most));
    to.target_memkb = from.memoryKib;
    to.max_memkb = most;
}

// libxl runs it on the first disk, and takes kernel and ramdisk from what it finds; without rights, as
// openLibxl() says.
void translateBootloader(const DomainConfig& from, libxl_domain_build_info& to) {
    if (from.bootloader.empty())
        return;
    if (from.bootloader != "pygrub")
        refuse(from, fmt::format("the boot loader '{}' is not pygrub", from.bootloader));
    if (from.type == DomainType::hvm)
        refuse(from, "an HVM domain boots by its firmware, not by a boot loader in dom0");
    if (!from.kernel.empty() || !from.ramdisk.empty())
        refuse(from, "it has a boot loader, which finds the kernel, and a kernel or ramdisk as well");
    if (from.disks.empty())
        refuse(from, "it has no disk from which its boot loader could take a kernel");
    to.bootloader = copy(from, "the boot loader", from.bootloader);
}

void translateBoot(const DomainConfig& from, libxl_domain_build_info& to) {
    translateBootloader(from, to);
    if (from.type != DomainType::hvm && from.kernel.empty() && from.bootloader.empty())
        refuse(from, "a PV or PVH domain needs a kernel");
    if (from.kernel.empty() && !from.ramdisk.empty())
        refuse(from, "a ramdisk needs a kernel");
    to.kernel = copyUnlessEmpty(from, "the kernel", from.kernel);
    to.ramdisk = copyUnlessEmpty(from, "the ramdisk", from.ramdisk);
    to.cmdline = copyUnlessEmpty(from, "the command line", from.cmdline);
}

// libxl's own default for a stub domain would be the device model of old, in MiniOS: the version, which our
// caller sets, makes it Linux.
void translateStubDomain(const DomainConfig& from, libxl_domain_build_info& to) {
    const auto& stub = from.stubDomain;
    if (!stub.wanted)
        return;
    if (stub.kernel.empty())
        refuse(from, "its stub domain has no kernel");
    if (stub.memoryKib == 0)
        refuse(from, "its stub domain has no memory");
    libxl_defbool_set(&to.device_model_stubdomain, true);
    to.stubdomain_memkb = stub.memoryKib;
    to.stubdomain_kernel = copy(from, "the stub domain's kernel", stub.kernel);
    to.stubdomain_ramdisk = copyUnlessEmpty(from, "the stub domain's ramdisk", stub.ramdisk);
    to.stubdomain_cmdline = copyUnlessEmpty(from, "the stub domain's command line", stub.cmdline);
    to.device_model_ssid_label = copyUnlessEmpty(from, "the stub domain's FLASK label", stub.flaskLabel);
}

// An emulated controller of a version excludes the old one and what hangs on it (xl.cfg(5), usbversion).
void translateEmulatedUsb(const DomainConfig& from, libxl_domain_build_info& to) {
    constexpr unsigned newest = 3;
    if (from.usbVersion > newest)
        refuse(from, fmt::format("{} is not a version of USB", from.usbVersion));
    if (from.usbVersion != 0 && (from.usb || !from.usbDevices.empty()))
        refuse(from, "a USB controller of a version excludes usb and usbdevice");
    if (!from.usb && !from.usbDevices.empty())
        refuse(from, "emulated USB devices need usb");
    to.u.hvm.usbversion = static_cast<int>(from.usbVersion);
    if (from.usbVersion == 0)
        libxl_defbool_set(&to.u.hvm.usb, from.usb);
    if (!from.usbDevices.empty())
        copyList(from, "a USB device", from.usbDevices, to.u.hvm.usbdevice_list);
}

void translateHvm(const DomainConfig& from, libxl_domain_build_info& to) {
    to.device_model_version = LIBXL_DEVICE_MODEL_VERSION_QEMU_XEN;
    libxl_defbool_set(&to.acpi, from.acpi);
    libxl_defbool_set(&to.apic, from.apic);
    libxl_defbool_set(&to.nested_hvm, from.nestedHvm);
    if (!from.timerMode.empty() && libxl_timer_mode_from_string(from.timerMode.c_str(), &to.timer_mode) != 0)
        refuse(from, fmt::format("'{}' is not a timer mode", from.timerMode));
    if (from.videoMemoryKib != 0)
        to.video_memkb = from.videoMemoryKib;
    if (!from.deviceModelArguments.empty())
        copyList(from, "a device model argument", from.deviceModelArguments, to.extra);
    translateStubDomain(from, to);

    auto& hvm = to.u.hvm;
    if (from.bios == "ovmf")
        hvm.bios = LIBXL_BIOS_TYPE_OVMF;
    else if (from.bios.empty() || from.bios == "seabios")
        hvm.bios = LIBXL_BIOS_TYPE_SEABIOS;
    else
        refuse(from, fmt::format("BIOS '{}' is neither seabios nor ovmf", from.bios));
    if (from.bootOrder.find_first_not_of("cdn") != std::string::npos)
        refuse(from, fmt::format("boot order '{}' has letters other than c, d, n", from.bootOrder));
    hvm.boot = copyUnlessEmpty(from, "the boot order", from.bootOrder);
    libxl_defbool_set(&hvm.pae, from.pae);
    libxl_defbool_set(&hvm.nx, from.nx);
    libxl_defbool_set(&hvm.hpet, from.hpet);
    if (!from.vptAlign)
        libxl_defbool_set(&hvm.vpt_align, false);
    libxl_defbool_set(&hvm.viridian, from.viridian);
    libxl_defbool_set(&hvm.vnc.enable, from.vnc);
    libxl_defbool_set(&hvm.sdl.enable, false);
    translateEmulatedUsb(from, to);
    if (from.keyboard)
        libxl_defbool_set(&hvm.vkb_device, true);
    hvm.serial = copyUnlessEmpty(from, "the serial port", from.serial);
    hvm.soundhw = copyUnlessEmpty(from, "the sound card", from.sound);
}

// What only an emulated machine has.
void refuseEmulatedDevices(const DomainConfig& config) {
    const char* device = !config.serial.empty()                 ? "a serial port"
                         : !config.sound.empty()                ? "a sound card"
                         : config.usb                           ? "USB"
                         : config.usbVersion != 0               ? "an emulated USB controller"
                         : !config.usbDevices.empty()           ? "emulated USB devices"
                         : config.vnc && !config.framebuffer    ? "VNC without a framebuffer"
                         : config.stubDomain.wanted             ? "a device model in a stub domain"
                         : !config.deviceModelArguments.empty() ? "device model arguments"
                                                                : nullptr;
    if (device)
        refuse(config, fmt::format("only HVM domains have {}", device));
}

void translateBuild(const DomainConfig& from, libxl_domain_build_info& to) {
    libxl_domain_build_info_init_type(&to, typeOf(from.type));
    translateVcpus(from, to);
    translateMemory(from, to);
    translateBoot(from, to);
    libxl_defbool_set(&to.localtime, from.localtime);
    // libxl hands this on to Xen as a signed number.
    to.rtc_timeoffset = static_cast<std::uint32_t>(from.timeOffsetSeconds);
    if (from.type == DomainType::hvm) {
        translateHvm(from, to);
        return;
    }
    refuseEmulatedDevices(from);
    if (from.type == DomainType::pvh) {
        libxl_defbool_set(&to.acpi, from.acpi);
        libxl_defbool_set(&to.apic, from.apic);
    }
}

void parseMac(const DomainConfig& config, const NicConfig& nic, libxl_mac& to) {
    // "aa:bb:cc:dd:ee:ff"
    constexpr std::size_t bytes = 6;
    constexpr std::size_t textLength = 3 * bytes - 1;
    bool valid = nic.mac.size() == textLength;
    for (std::size_t i = 0; valid && i < bytes; ++i) {
        const char* begin = nic.mac.data() + 3 * i;
        const auto [end, problem] = std::from_chars(begin, begin + 2, to[i], 16);
        valid = problem == std::errc() && end == begin + 2 && (i + 1 == bytes || *end == ':');
    }
    if (!valid)
        refuse(config, fmt::format("'{}', the MAC address of NIC {}, is not of the form aa:bb:cc:dd:ee:ff",
                                   nic.mac, nic.devid));
    // libxl takes all zeroes for "choose one"; a group address cannot be a card's.
    if (std::all_of(to, to + bytes, [](auto byte) { return byte == 0; }) || (to[0] & 1) != 0)
        refuse(config, fmt::format("{} is not a MAC address that NIC {} can have", nic.mac, nic.devid));
}

void translateFramebuffer(const DomainConfig& from, libxl_domain_config& to) {
    if (!from.framebuffer)
        return;
    if (from.type == DomainType::hvm)
        refuse(from, "an HVM domain has an emulated graphics card, and no framebuffer");
    to.vfbs = allocate<libxl_device_vfb>(1);
    libxl_device_vfb_init(to.vfbs);
    to.num_vfbs = 1;
    libxl_defbool_set(&to.vfbs->vnc.enable, from.vnc);
    libxl_defbool_set(&to.vfbs->sdl.enable, false);
    to.vkbs = allocate<libxl_device_vkb>(1); // the guest's driver waits for both
    libxl_device_vkb_init(to.vkbs);
    to.num_vkbs = 1;
}

void translatePci(const DomainConfig& from, libxl_domain_config& to) {
    if (from.pciDevices.empty())
        return;
    if (from.type == DomainType::pvh)
        refuse(from, "a PVH domain cannot have PCI devices of the host");
    if (from.pciDevices.size() > maxDevices)
        refuse(from, fmt::format("it has more than {} PCI devices", maxDevices));
    // Otherwise its memory would lie where those of the devices' registers lie.
    if (from.type == DomainType::pv)
        libxl_defbool_set(&to.b_info.u.pv.e820_host, true);
    to.pcidevs = allocate<libxl_device_pci>(from.pciDevices.size());
    for (const auto& pci : from.pciDevices) {
        libxl_device_pci& device = to.pcidevs[to.num_pcidevs++];
        libxl_device_pci_init(&device);
        translatePciDevice(from, pci, device);
    }
}

libxl_usbctrl_type usbControllerType(const DomainConfig& config, const std::string& type) {
    if (type.empty())
        return LIBXL_USBCTRL_TYPE_AUTO;
    if (type == "pv")
        return LIBXL_USBCTRL_TYPE_PV;
    if (type == "qusb")
        return LIBXL_USBCTRL_TYPE_QUSB;
    if (type != "devicemodel")
        refuse(config, fmt::format("'{}' is not a type of USB controller", type));
    if (config.type != DomainType::hvm)
        refuse(config, "only HVM domains have an emulated USB controller");
    return LIBXL_USBCTRL_TYPE_DEVICEMODEL;
}

void translateUsb(const DomainConfig& from, libxl_domain_config& to) {
    if (from.usbControllers.size() > maxDevices || from.hostUsbDevices.size() > maxDevices)
        refuse(from, fmt::format("it has more than {} USB controllers or devices", maxDevices));
    if (!from.usbControllers.empty())
        to.usbctrls = allocate<libxl_device_usbctrl>(from.usbControllers.size());
    for (const auto& controller : from.usbControllers) {
        libxl_device_usbctrl& each = to.usbctrls[to.num_usbctrls];
        libxl_device_usbctrl_init(&each);
        each.devid = to.num_usbctrls++;
        each.type = usbControllerType(from, controller.type);
        each.version = static_cast<int>(controller.version);
        each.ports = static_cast<int>(controller.ports);
    }
    if (!from.hostUsbDevices.empty())
        to.usbdevs = allocate<libxl_device_usbdev>(from.hostUsbDevices.size());
    for (const auto& device : from.hostUsbDevices) {
        constexpr unsigned last = 255;
        if (device.hostBus == 0 || device.hostBus > last || device.hostAddress == 0 ||
            device.hostAddress > last)
            refuse(from,
                   fmt::format("{}.{} is not the place of a USB device", device.hostBus, device.hostAddress));
        libxl_device_usbdev& each = to.usbdevs[to.num_usbdevs++];
        libxl_device_usbdev_init(&each);
        libxl_device_usbdev_init_type(&each, LIBXL_USBDEV_TYPE_HOSTDEV);
        each.u.hostdev.hostbus = static_cast<std::uint8_t>(device.hostBus);
        each.u.hostdev.hostaddr = static_cast<std::uint8_t>(device.hostAddress);
    }
}

// The counts grow with the elements, so that what is there is freed whenever a later one is refused.
void translateDevices(const DomainConfig& from, libxl_domain_config& to) {
    if (from.disks.size() > maxDevices || from.nics.size() > maxDevices)
        refuse(from, fmt::format("it has more than {} disks or NICs", maxDevices));
    to.disks = allocate<libxl_device_disk>(from.disks.size());
    for (const auto& disk : from.disks) {
        const bool taken = std::any_of(to.disks, to.disks + to.num_disks,
                                       [&](const auto& other) { return disk.vdev == other.vdev; });
        if (taken)
            refuse(from, fmt::format("two disks are called {}", disk.vdev));
        translateDisk(from, disk, to.disks[to.num_disks++]);
    }
    to.nics = allocate<libxl_device_nic>(from.nics.size());
    for (const auto& nic : from.nics) {
        const bool taken = std::any_of(to.nics, to.nics + to.num_nics,
                                       [&](const auto& other) { return nic.devid == other.devid; });
        if (taken)
            refuse(from, fmt::format("two NICs have the number {}", nic.devid));
        translateNic(from, nic, to.nics[to.num_nics++]);
    }
}

} // namespace

void translateDisk(const DomainConfig& config, const DiskConfig& from, libxl_device_disk& to) {
    libxl_device_disk_init(&to);
    if (from.vdev.empty())
        refuse(config, fmt::format("the disk '{}' has no virtual device name", from.path));
    if (from.path.empty() && !from.cdrom)
        refuse(config, fmt::format("the disk {} has no path", from.vdev));
    // libxl would look beside whatever our working directory is.
    if (!from.path.empty() && from.path.front() != '/' && from.backendDomid == 0)
        refuse(config, fmt::format("the path of disk {}, '{}', is not absolute", from.vdev, from.path));
    to.vdev = copy(config, "a disk's device name", from.vdev);
    to.pdev_path = copyUnlessEmpty(config, "a disk's path", from.path);
    to.backend_domid = from.backendDomid;
    to.is_cdrom = from.cdrom;
    to.removable = from.cdrom;
    to.readwrite = from.writable && !from.cdrom;
    // Otherwise unknown: libxl takes blkback through a loop device for raw files and qemu for the other
    // formats.
    if (from.backend == DiskBackend::phy)
        to.backend = LIBXL_DISK_BACKEND_PHY;
    if (from.path.empty()) {
        to.format = LIBXL_DISK_FORMAT_EMPTY;
        to.backend = LIBXL_DISK_BACKEND_UNKNOWN;
    } else if (from.backend == DiskBackend::qcow2) {
        to.format = LIBXL_DISK_FORMAT_QCOW2;
    } else if (from.backend == DiskBackend::vhd) {
        to.format = LIBXL_DISK_FORMAT_VHD;
    } else {
        to.format = LIBXL_DISK_FORMAT_RAW;
    }
}

void translateNic(const DomainConfig& config, const NicConfig& from, libxl_device_nic& to) {
    libxl_device_nic_init(&to);
    if (from.devid < 0)
        refuse(config, fmt::format("{} is not the number of a NIC", from.devid));
    to.devid = from.devid;
    parseMac(config, from, to.mac);
    to.bridge = copyUnlessEmpty(config, "a NIC's bridge", from.bridge);
    to.script = copyUnlessEmpty(config, "a NIC's script", from.script);
    to.backend_domid = from.backendDomid;
    to.ip = copyUnlessEmpty(config, "a NIC's addresses", from.ip);
    to.ifname = copyUnlessEmpty(config, "the name of a NIC's interface", from.ifname);
    if (from.rateBytes != 0 && from.rateIntervalUs == 0)
        refuse(config, fmt::format("the rate of NIC {} has no interval", from.devid));
    if (from.rateBytes != 0) {
        to.rate_bytes_per_interval = from.rateBytes;
        to.rate_interval_usecs = from.rateIntervalUs;
    }
    if (config.type == DomainType::hvm) {
        to.nictype = LIBXL_NIC_TYPE_VIF_IOEMU;
        to.model = copyUnlessEmpty(config, "a NIC's model", from.model);
    } else {
        to.nictype = LIBXL_NIC_TYPE_VIF;
    }
}

void translate(const DomainConfig& from, LibxlDomainConfig& to) {
    translateIdentity(from, to.value.c_info);
    translateBuild(from, to.value.b_info);
    translateDevices(from, to.value);
    translateFramebuffer(from, to.value);
    translatePci(from, to.value);
    translateUsb(from, to.value);
}

void translatePciDevice(const DomainConfig& config, const PciConfig& from, libxl_device_pci& to) {
    constexpr unsigned lastDomain = 0xffff;
    constexpr unsigned lastBus = 0xff;
    constexpr unsigned lastSlot = 31;
    constexpr unsigned lastFunction = 7;
    const auto& [domain, bus, slot, function] = from.address;
    if (domain > lastDomain || bus > lastBus || slot > lastSlot || function > lastFunction ||
        from.guestSlot > lastSlot)
        refuse(config, fmt::format("{} is not the address of a PCI device, or its slot does not exist",
                                   toString(from.address)));
    to.domain = static_cast<int>(domain);
    to.bus = static_cast<std::uint8_t>(bus);
    to.dev = static_cast<std::uint8_t>(slot);
    to.func = static_cast<std::uint8_t>(function);
    to.vdevfn = from.guestSlot << 3; // slot and function in one byte
    to.permissive = from.permissive;
    to.seize = from.seize;
    to.msitranslate = from.msiTranslate;
    to.power_mgmt = from.powerManagement;
}

} // namespace xb::xen
