// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/domain_builder.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/xenvm/boot_parameters.hpp"
#include "toolstack/xenvm/device_entries.hpp"
#include "toolstack/xenvm/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace xb::xenvm {

namespace {

constexpr std::uint64_t kibPerMib = 1024;

[[noreturn]] void refuse(std::string text) {
    throw Error(errors::notSupported, text);
}

std::string pathOnMachine(const std::string& configured, const MachineFacts& machine) {
    if (machine.root == "/" || configured.starts_with("/dev/"))
        return configured;
    return below(machine.root, configured).string();
}

std::string bridgeOf(const NicEntry& entry, const MachineFacts& machine) {
    if (!entry.bridge.empty())
        return entry.bridge;
    // Another domain's network daemon looks the network up by itself.
    if (entry.backendDomid != 0)
        return entry.network;
    if (entry.network.starts_with('/'))
        refuse(fmt::format(
            "NIC {}: network {} is not a bridge and there is no network daemon to ask; say bridge=NAME",
            entry.id, entry.network));
    if (!entry.network.empty())
        return entry.network;
    if (machine.bridges.empty())
        throw Error(errors::invalidArgs,
                    fmt::format("NIC {}: no bridge is configured and this machine has none", entry.id));
    return machine.bridges.front();
}

/// Builds one description step by step.
class Translator {
public:
    Translator(const Config& config, const std::string& uuid, const MachineFacts& machine)
        : config_(config), machine_(machine) {
        result_.domain.uuid = uuid;
        result_.domain.name = config.name.value_or(uuid);
    }

    Translation run() {
        refuseUnsupported();
        result_.domain.type = domainType();
        memory();
        cpuShare();
        software();
        if (isHvm())
            hvmMachine();
        else
            pvMachine();
        for (const DiskEntry& disk : config_.disks)
            addDisk(disk);
        for (const NicEntry& nic : config_.nics)
            addNic(nic);
        for (const PciEntry& pci : config_.pcis)
            addPci(pci);
        for (const UsbControllerEntry& controller : config_.usbControllers)
            result_.domain.usbControllers.push_back({controller.type, controller.version, controller.ports});
        for (const UsbDeviceEntry& device : config_.hostUsbDevices)
            result_.domain.hostUsbDevices.push_back({device.hostBus, device.hostAddress});
        listIgnored();
        return std::move(result_);
    }

private:
    bool isHvm() const { return result_.domain.type == xen::DomainType::hvm; }

    // Without these the guest would not be what was asked for: less isolated, without its devices or its data
    // unread.
    void refuseUnsupported() const {
        if (config_.vtpmInstance)
            refuse("vtpm-instance: virtual TPMs are not supported yet");
        if (!config_.passthroughIo.empty() || !config_.passthroughMmio.empty())
            refuse("passthrough-io, passthrough-mmio: pass-through of I/O ranges is not supported yet");
        if (config_.acpiPassthrough || config_.smbiosPassthrough)
            refuse("acpi-pt, smbios-pt: pass-through of firmware tables is not supported yet");
        if (!config_.cpuid.empty())
            refuse("cpuid: masks are not supported yet");
        if (config_.cdromPassthrough)
            refuse("cdrom-pt: pass-through of CD drives is not supported yet");
    }

    xen::DomainType domainType() const {
        const std::string type = config_.type.value_or(config_.hvm ? "hvm" : "pv");
        if (config_.hvm && type != "hvm")
            throw Error(errors::invalidArgs,
                        "type = " + type + " contradicts hvm = true; remove one of the two lines");
        if (type == "hvm")
            return xen::DomainType::hvm;
        return type == "pvh" ? xen::DomainType::pvh : xen::DomainType::pv;
    }

    void memory() {
        if (!config_.memory)
            throw Error(errors::invalidArgs,
                        "the configuration does not say how much memory (MiB) the VM has");
        const std::int64_t maximum = config_.memoryMax.value_or(*config_.memory);
        if (maximum < *config_.memory)
            throw Error(errors::invalidArgs, fmt::format("memory-max ({} MiB) is less than memory ({} MiB)",
                                                         maximum, *config_.memory));
        auto& domain = result_.domain;
        domain.memoryKib = static_cast<std::uint64_t>(*config_.memory) * kibPerMib;
        domain.maxMemoryKib = static_cast<std::uint64_t>(maximum) * kibPerMib;
        if (isHvm())
            domain.videoMemoryKib = static_cast<std::uint64_t>(config_.videoram.value_or(0)) * kibPerMib;
        domain.vcpus = static_cast<unsigned>(config_.vcpus);
    }

    void cpuShare() {
        for (const std::string& entry : config_.cpuAffinity) {
            auto [vcpu, cpus] = parseAffinity(entry);
            if (vcpu >= result_.domain.vcpus)
                throw Error(errors::invalidArgs,
                            fmt::format("cpus-affinity = {}: the VM has virtual CPUs 0 to {}", entry,
                                        result_.domain.vcpus - 1));
            if (!result_.cpus.affinity.emplace(vcpu, std::move(cpus)).second)
                throw Error(errors::invalidArgs,
                            fmt::format("two cpus-affinity lines are of virtual CPU {}", vcpu));
        }
        if (config_.cpuWeight)
            result_.cpus.weight = static_cast<std::uint16_t>(*config_.cpuWeight);
        if (config_.cpuCap)
            result_.cpus.cap = static_cast<std::uint16_t>(*config_.cpuCap);
    }

    void software() {
        auto& domain = result_.domain;
        // The firmware of HVM guests was once named as their kernel; the hypervisor layer brings its own.
        const bool firmware = isHvm() && std::filesystem::path(config_.kernel).filename() == "hvmloader";
        if (!config_.kernel.empty() && !firmware)
            domain.kernel = path(config_.kernel);
        bootloader();
        if (domain.kernel.empty() && domain.bootloader.empty() && !isHvm())
            throw Error(errors::invalidArgs, "the configuration names no kernel, which a PV or PVH VM needs");
        if (config_.initrd)
            domain.ramdisk = path(*config_.initrd);
        commandLine();
        domain.hap = config_.hap;
        domain.flaskLabel = config_.flaskLabel.value_or("");
        domain.platform = config_.platform;
        domain.localtime = config_.localtime;
        if (config_.timeOffset)
            domain.timeOffsetSeconds =
                static_cast<std::int32_t>(parseInteger(*config_.timeOffset).value_or(0));
    }

    void bootloader() {
        if (config_.bootloader.empty())
            return;
        if (isHvm())
            throw Error(errors::invalidArgs,
                        "bootloader = " + config_.bootloader +
                            " is for PV and PVH VMs; an HVM VM boots by its firmware (bios)");
        if (!config_.kernel.empty() || config_.initrd)
            throw Error(errors::invalidArgs,
                        "bootloader = " + config_.bootloader +
                            " finds kernel and initrd on the first disk; remove it, or kernel "
                            "and initrd");
        if (config_.disks.empty())
            throw Error(errors::invalidArgs, "bootloader = " + config_.bootloader +
                                                 " needs a disk with a kernel, and the VM has none");
        result_.domain.bootloader = config_.bootloader;
    }

    void commandLine() {
        // Of PV guests (MAX_GUEST_CMDLINE of Xen's public headers, with a NUL); more is cut off without a
        // word.
        constexpr std::size_t maxPvCommandLine = 1023;
        auto& domain = result_.domain;
        const std::string_view parameter = bootParameterOf(config_);
        if (isHvm() && domain.kernel.empty() && !parameter.empty())
            throw Error(
                errors::invalidArgs,
                fmt::format(
                    "{} is for a kernel's command line, and this HVM VM boots by its firmware; remove "
                    "it, or name a kernel",
                    parameter));
        domain.cmdline = kernelCommandLine(config_);
        if (domain.type == xen::DomainType::pv && domain.cmdline.size() > maxPvCommandLine)
            throw Error(errors::invalidArgs,
                        fmt::format("the kernel's command line has {} bytes; a PV VM takes {}",
                                    domain.cmdline.size(), maxPvCommandLine));
    }

    // A device model of Linux in a domain of its own; libxl gives it the disks and cards of the VM.
    void stubDomain() {
        if (config_.deviceModelVersion != "qemu-xen")
            refuse("device-model-version = " + config_.deviceModelVersion +
                   ": the only device model that is supported is qemu-xen");
        if (!config_.stubdom)
            return;
        auto& stub = result_.domain.stubDomain;
        stub.wanted = true;
        stub.kernel = path(config_.stubdomKernel);
        if (!config_.stubdomInitrd.empty())
            stub.ramdisk = path(config_.stubdomInitrd);
        stub.cmdline = config_.stubdomCmdline;
        stub.memoryKib = static_cast<std::uint64_t>(config_.stubdomMemory) * kibPerMib;
        stub.flaskLabel = config_.stubdomFlaskLabel.value_or("");
    }

    void pvMachine() {
        auto& domain = result_.domain;
        if (config_.stubdom)
            throw Error(errors::invalidArgs,
                        "stubdom is for HVM VMs: a PV or PVH VM has no device model that could run in one");
        domain.framebuffer = config_.vfb;
        domain.vnc = config_.vfb && config_.display.starts_with("vnc");
    }

    void hvmMachine() {
        stubDomain();
        auto& domain = result_.domain;
        domain.bootOrder = config_.boot;
        domain.bios = config_.bios.value_or("");
        domain.pae = config_.pae;
        domain.apic = config_.apic;
        domain.acpi = config_.acpi;
        domain.nx = config_.nx;
        domain.viridian = config_.viridian;
        domain.nestedHvm = config_.nested;
        domain.hpet = config_.hpet.value_or(1) != 0;
        domain.vptAlign = config_.vptAlign.value_or(1) != 0;
        if (config_.timerMode)
            domain.timerMode = xen::timerModes.at(static_cast<std::size_t>(*config_.timerMode));
        domain.serial = config_.serial == "none" ? "" : config_.serial.empty() ? "pty" : config_.serial;
        domain.sound = config_.sound.value_or("");
        emulatedUsb();
        domain.keyboard = config_.vkbd;
        domain.vnc = config_.display.starts_with("vnc");
        for (const auto& [key, value] : config_.extraHvm)
            addDeviceModelArgument(key, value);
    }

    // A controller of a version takes the place of the one that there is otherwise.
    void emulatedUsb() {
        auto& domain = result_.domain;
        domain.usb = config_.usb && !config_.usbVersion;
        domain.usbVersion = static_cast<std::uint32_t>(config_.usbVersion.value_or(0));
        domain.usbDevices = config_.usbDevices;
        if (!domain.usbDevices.empty() && !domain.usb)
            throw Error(errors::invalidArgs,
                        fmt::format("usbdevice = {} needs the emulated USB controller; remove {}",
                                    domain.usbDevices.front(), config_.usb ? "usbversion" : "usb = false"));
    }

    void addPci(const PciEntry& entry) {
        auto pci = toPciConfig(config_, entry);
        if (result_.domain.type == xen::DomainType::pvh)
            throw Error(errors::invalidArgs, "pci = " + entry.text + ": a PVH VM cannot have PCI devices");
        const auto& devices = result_.domain.pciDevices;
        if (std::ranges::find(devices, pci.address, &xen::PciConfig::address) != devices.end())
            throw Error(errors::invalidArgs, "two pci lines name " + toString(pci.address));
        result_.domain.pciDevices.push_back(pci);
    }

    void addDeviceModelArgument(const std::string& key, const std::string& value) {
        // Marks for another device model, of which QEMU would know none.
        constexpr std::array<std::string_view, 6> marks{"std-vga",      "xengfx",  "vgpu",
                                                        "gfx_passthru", "surfman", "disable-audio-rec"};
        if (std::ranges::find(marks, key) != marks.end() || key.starts_with("cdrom-pt")) {
            result_.ignored.push_back("extra-hvm=" + key);
            return;
        }
        result_.domain.deviceModelArguments.push_back("-" + key);
        if (!value.empty())
            result_.domain.deviceModelArguments.push_back(value);
    }

    void addDisk(const DiskEntry& entry) {
        auto disk = toDiskConfig(entry, machine_);
        const auto& disks = result_.domain.disks;
        if (std::ranges::find(disks, disk.vdev, &xen::DiskConfig::vdev) != disks.end())
            throw Error(errors::invalidArgs, fmt::format("two disks have the device name {}", disk.vdev));
        result_.domain.disks.push_back(std::move(disk));
    }

    void addNic(const NicEntry& entry) {
        result_.domain.nics.push_back(toNicConfig(entry, machine_));
        if (entry.wireless)
            result_.ignored.push_back(fmt::format("wireless of NIC {}", entry.id));
    }

    std::string path(const std::string& configured) const { return pathOnMachine(configured, machine_); }

    // Set, checked, and without effect on what the guest sees here.
    void listIgnored() {
        const auto note = [this](bool set, const char* key) {
            if (set)
                result_.ignored.emplace_back(key);
        };
        const Config defaults;
        note(config_.extraMaxMemory != 0, "extra-maxmem");
        note(config_.coresPerSocket.has_value(), "cores-per-socket");
        note(config_.diskInfoPassthrough, "diskinfo-pt");
        note(config_.cpuidSignature, "xci-cpuid-signature");
        note(config_.timerMode && !isHvm(), "timer-mode");
        note(config_.vptAlign && !isHvm(), "vpt-align");
        note(config_.vsnd, "vsnd");
        note(config_.vkbd && !isHvm(), "vkbd"); // comes with vfb
        note(config_.vfb && isHvm(), "vfb");
        note(config_.v4v, "v4v");
        note(!config_.deviceModelPath.empty(), "qemu-dm-path");
        note(config_.powerManagement != 0, "power-management");
        note(config_.oemFeatures != 0, "oem-features");
        note(config_.injectSci != 0, "inject-sci");
        note(config_.pciScript.has_value(), "pci-script");
        note(config_.xciService, "xci-service");
        note(config_.disableMigrate, "disable-migrate");
        note(config_.qemuPv != defaults.qemuPv, "qemu-pv");
        note(config_.deviceModelTimeout != defaults.deviceModelTimeout, "qemu-dm-timeout");
        note(config_.smbiosOemTypes != defaults.smbiosOemTypes, "smbios-oem-types-pt");
        note(config_.vtpmBackend != defaults.vtpmBackend, "vtpm-backend");
    }

    const Config& config_;
    const MachineFacts& machine_;
    Translation result_;
};

} // namespace

xen::DiskConfig toDiskConfig(const DiskEntry& entry, const MachineFacts& machine) {
    if (!entry.snapshot.empty() && entry.snapshot != "none")
        refuse(fmt::format("disk {}: snapshot mode {} is not supported yet", entry.device, entry.snapshot));
    if (!entry.keyDirectory.empty() || !entry.keyFile.empty())
        refuse(fmt::format("disk {}: encrypted disks are not supported yet", entry.device));
    xen::DiskConfig disk;
    if (entry.type == "phy")
        disk.backend = xen::DiskBackend::phy;
    else if (entry.type == "file" || entry.type == "aio")
        disk.backend = xen::DiskBackend::file;
    else if (entry.type == "qcow")
        disk.backend = xen::DiskBackend::qcow2;
    else if (entry.type == "vhd")
        disk.backend = xen::DiskBackend::vhd;
    else
        refuse(fmt::format("disk {}: type {} is not supported", entry.device, entry.type));
    disk.path = entry.path.empty() ? "" : pathOnMachine(entry.path, machine);
    disk.vdev = entry.device;
    disk.writable = entry.writable && !entry.cdrom;
    disk.cdrom = entry.cdrom;
    disk.backendDomid = static_cast<xen::DomId>(entry.backendDomid);
    return disk;
}

xen::NicConfig toNicConfig(const NicEntry& entry, const MachineFacts& machine) {
    xen::NicConfig nic;
    nic.devid = entry.id;
    nic.mac = entry.mac;
    nic.bridge = bridgeOf(entry, machine);
    nic.model = entry.model;
    nic.script = entry.script;
    nic.ip = entry.ip;
    nic.ifname = entry.ifname;
    nic.rateBytes = entry.rateBytes;
    nic.rateIntervalUs = entry.rateIntervalUs;
    nic.backendDomid = static_cast<xen::DomId>(entry.backendDomid);
    return nic;
}

xen::PciConfig toPciConfig(const Config& config, const PciEntry& entry) {
    xen::PciConfig pci;
    pci.address = {entry.domain, entry.bus, entry.slot, entry.function};
    pci.seize = entry.bind;
    pci.permissive = entry.permissive;
    pci.msiTranslate = entry.msiTranslate.value_or(config.pciMsiTranslate != 0);
    pci.powerManagement = entry.powerManagement.value_or(config.pciPowerManagement != 0);
    pci.guestSlot = static_cast<unsigned>(entry.guestSlot.value_or(0));
    return pci;
}

Translation toDomainConfig(const Config& config, const std::string& uuid, const MachineFacts& machine) {
    return Translator(config, uuid, machine).run();
}

std::vector<NeededFile> neededFiles(const xen::DomainConfig& domain) {
    std::vector<NeededFile> files;
    if (!domain.kernel.empty())
        files.push_back({"kernel", domain.kernel});
    if (!domain.ramdisk.empty())
        files.push_back({"initrd", domain.ramdisk});
    if (domain.stubDomain.wanted) {
        files.push_back({"kernel of the stub domain", domain.stubDomain.kernel});
        if (!domain.stubDomain.ramdisk.empty())
            files.push_back({"initrd of the stub domain", domain.stubDomain.ramdisk});
    }
    for (const xen::DiskConfig& disk : domain.disks) {
        if (disk.backendDomid == 0 && !disk.path.empty())
            files.push_back({"disk " + disk.vdev, disk.path, disk.writable});
    }
    return files;
}

std::vector<std::string> bridgesOfHost() {
    std::vector<std::string> bridges;
    std::error_code ignored; // no /sys/class/net: no bridges
    for (const auto& interface : std::filesystem::directory_iterator("/sys/class/net", ignored)) {
        if (std::filesystem::exists(interface.path() / "bridge", ignored))
            bridges.push_back(interface.path().filename().string());
    }
    std::ranges::sort(bridges);
    return bridges;
}

} // namespace xb::xenvm
