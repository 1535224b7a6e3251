// SPDX-License-Identifier: Apache-2.0
// A guest's configuration as people and tests read it.
#include "toolstack/xenops/guest_config.hpp"
#include "toolstack/xenops/words.hpp"

#include <fmt/format.h>

namespace xb::xenops {

namespace {

using xen::DomainType;

const char* typeText(DomainType type) {
    return type == DomainType::hvm ? "hvm" : type == DomainType::pvh ? "pvh" : "pv";
}

const char* backendText(xen::DiskBackend backend) {
    switch (backend) {
    case xen::DiskBackend::phy:
        return "phy";
    case xen::DiskBackend::file:
        return "file";
    case xen::DiskBackend::qcow2:
        return "qcow2";
    case xen::DiskBackend::vhd:
        return "vhd";
    }
    return "?";
}

} // namespace

std::string describe(const GuestConfig& config) {
    const xen::DomainConfig& domain = config.domain;
    const xen::DomainConfig usual;
    std::string out;
    const auto line = [&](std::string_view key, const std::string& value) {
        out += fmt::format("{} = {}\n", key, value);
    };
    const auto text = [&](std::string_view key, const std::string& value) {
        if (!value.empty())
            line(key, value);
    };
    const auto flag = [&](std::string_view key, bool xen::DomainConfig::*member) {
        if (domain.*member != usual.*member)
            line(key, domain.*member ? "1" : "0");
    };
    line("name", domain.name);
    line("uuid", domain.uuid);
    line("type", typeText(domain.type));
    line("memory", fmt::format("{} KiB", domain.memoryKib));
    if (domain.maxMemoryKib != 0)
        line("maxmem", fmt::format("{} KiB", domain.maxMemoryKib));
    if (domain.videoMemoryKib != 0)
        line("videoram", fmt::format("{} KiB", domain.videoMemoryKib));
    line("vcpus", fmt::format("{}", domain.vcpus));
    if (config.onlineVcpus != 0)
        line("online", fmt::format("{}", config.onlineVcpus));
    if (!config.cpus.empty())
        line("cpus", cpusText(config.cpus));
    if (!config.softCpus.empty())
        line("cpus_soft", cpusText(config.softCpus));
    if (config.weight)
        line("weight", fmt::format("{}", *config.weight));
    if (config.cap)
        line("cap", fmt::format("{}", *config.cap));
    text("kernel", domain.kernel);
    text("ramdisk", domain.ramdisk);
    text("cmdline", domain.cmdline);
    text("bootloader", domain.bootloader);
    text("boot", domain.bootOrder);
    text("bios", domain.bios);
    flag("hap", &xen::DomainConfig::hap);
    flag("acpi", &xen::DomainConfig::acpi);
    flag("apic", &xen::DomainConfig::apic);
    flag("pae", &xen::DomainConfig::pae);
    flag("nx", &xen::DomainConfig::nx);
    flag("hpet", &xen::DomainConfig::hpet);
    flag("vpt_align", &xen::DomainConfig::vptAlign);
    text("timer_mode", domain.timerMode);
    flag("viridian", &xen::DomainConfig::viridian);
    flag("nestedhvm", &xen::DomainConfig::nestedHvm);
    flag("localtime", &xen::DomainConfig::localtime);
    flag("usb", &xen::DomainConfig::usb);
    flag("vnc", &xen::DomainConfig::vnc);
    flag("vfb", &xen::DomainConfig::framebuffer);
    if (domain.timeOffsetSeconds != 0)
        line("rtc_timeoffset", fmt::format("{}", domain.timeOffsetSeconds));
    text("serial", domain.serial);
    text("soundhw", domain.sound);
    text("seclabel", domain.flaskLabel);
    if (domain.usbVersion != 0)
        line("usbversion", fmt::format("{}", domain.usbVersion));
    for (const std::string& device : domain.usbDevices)
        line("usbdevice", device);
    for (const xen::UsbControllerConfig& each : domain.usbControllers)
        line("usbctrl", fmt::format("type {}, version {}, {} ports", each.type.empty() ? "auto" : each.type,
                                    each.version, each.ports));
    for (const xen::UsbDeviceConfig& each : domain.hostUsbDevices)
        line("usbdev", fmt::format("{}.{}", each.hostBus, each.hostAddress));
    if (const auto& stub = domain.stubDomain; stub.wanted)
        line("stub domain", fmt::format("{} KiB, {}, {}, \"{}\"{}", stub.memoryKib, stub.kernel,
                                        stub.ramdisk.empty() ? "no ramdisk" : stub.ramdisk, stub.cmdline,
                                        stub.flaskLabel.empty() ? "" : ", label " + stub.flaskLabel));
    for (const std::string& argument : domain.deviceModelArguments)
        line("device-model argument", argument);
    for (const xen::DiskConfig& disk : domain.disks)
        line("disk", fmt::format("{} {} {} {} from domain {}, {}", disk.vdev, disk.cdrom ? "cdrom" : "disk",
                                 disk.writable ? "w" : "r", backendText(disk.backend), disk.backendDomid,
                                 disk.path.empty() ? "empty" : disk.path));
    for (const xen::NicConfig& nic : domain.nics)
        line("vif", fmt::format("{} {} on {} from domain {}{}{}{}{}{}", nic.devid, nic.mac,
                                nic.bridge.empty() ? "no bridge" : nic.bridge, nic.backendDomid,
                                nic.model.empty() ? "" : ", model " + nic.model,
                                nic.script.empty() ? "" : ", script " + nic.script,
                                nic.ip.empty() ? "" : ", ip " + nic.ip,
                                nic.ifname.empty() ? "" : ", called " + nic.ifname,
                                nic.rateBytes == 0
                                    ? ""
                                    : fmt::format(", {} bytes in {} us", nic.rateBytes, nic.rateIntervalUs)));
    for (const xen::PciConfig& device : domain.pciDevices)
        line("pci", pciText(device.address) + (device.permissive ? " permissive" : ""));
    return out;
}

} // namespace xb::xenops
