// SPDX-License-Identifier: Apache-2.0
// What libxl is told for each type of domain, as libxl itself prints it (only what differs from its
// defaults), and what is refused.
#include "toolstack/libs/error.hpp"
#include "xen/libxl/domain_config_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace xb::xen {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string json(const DomainConfig& config) {
    LibxlDomainConfig translated;
    translate(config, translated);
    char* text = libxl_domain_config_to_json(nullptr, &translated.value);
    std::string result = text ? text : "";
    std::free(text);
    return result;
}

std::string refusal(const DomainConfig& config) {
    LibxlDomainConfig translated;
    try {
        translate(config, translated);
    } catch (const Error& e) {
        EXPECT_EQ(e.name(), errors::invalidArgs);
        EXPECT_THAT(e.what(), HasSubstr("domain 'web'"));
        return e.what();
    }
    return "accepted";
}

DomainConfig linuxGuest(DomainType type) {
    DomainConfig config;
    config.uuid = "12345678-9ABC-def0-1234-56789abcdef0";
    config.name = "web";
    config.type = type;
    config.memoryKib = 262144;
    config.vcpus = 2;
    config.kernel = "/boot/guest";
    config.ramdisk = "/boot/initrd";
    config.cmdline = "console=hvc0 root=/dev/xvda";
    return config;
}

DomainConfig windowsGuest() {
    DomainConfig config;
    config.uuid = "12345678-9abc-def0-1234-56789abcdef0";
    config.name = "web";
    config.type = DomainType::hvm;
    config.memoryKib = 1048576;
    config.maxMemoryKib = 2097152;
    config.videoMemoryKib = 16384;
    config.vcpus = 10;
    config.bootOrder = "dc";
    config.bios = "ovmf";
    return config;
}

DiskConfig disk(const std::string& path, DiskBackend backend, const std::string& vdev, bool writable) {
    DiskConfig result;
    result.path = path;
    result.backend = backend;
    result.vdev = vdev;
    result.writable = writable;
    return result;
}

NicConfig nic(int devid, const std::string& mac) {
    NicConfig result;
    result.devid = devid;
    result.mac = mac;
    result.bridge = "br0";
    return result;
}

// The file golden/<name>.json.
std::string golden(const std::string& name) {
    std::ifstream file(std::string(XEN_LIBXL_GOLDEN_DIRECTORY) + "/" + name + ".json");
    EXPECT_TRUE(file.is_open()) << name;
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Translate, Pv) {
    auto config = linuxGuest(DomainType::pv);
    config.disks = {disk("/dev/vg/root", DiskBackend::phy, "xvda", true),
                    disk("/disks/data.img", DiskBackend::file, "xvdb", false)};
    config.nics = {nic(0, "00:16:3e:AA:bb:0c")};
    config.nics[0].script = "/etc/xen/scripts/vif-route";
    config.platform = {{"a", "1"}, {"b", ""}};
    config.timeOffsetSeconds = -3600;
    config.flaskLabel = "system_u:system_r:domU_t";
    EXPECT_EQ(json(config), golden("pv"));
}

TEST(Translate, Pvh) {
    auto config = linuxGuest(DomainType::pvh);
    config.localtime = true;
    config.hap = false;
    config.acpi = false;
    EXPECT_EQ(json(config), golden("pvh"));
}

TEST(Translate, Hvm) {
    auto config = windowsGuest();
    config.disks = {disk("/disks/c.qcow2", DiskBackend::qcow2, "hda", true),
                    disk("/disks/d.vhd", DiskBackend::vhd, "hdb", true),
                    disk("remote", DiskBackend::phy, "hdd", true)};
    config.disks[2].backendDomid = 5;
    DiskConfig drive; // empty, and "writable" by mistake
    drive.vdev = "hdc";
    drive.cdrom = true;
    drive.writable = true;
    config.disks.push_back(drive);
    config.nics = {nic(1, "00:16:3e:00:00:01"), nic(3, "00:16:3e:00:00:03")};
    config.nics[1].model = "e1000";
    config.nics[1].backendDomid = 5;
    config.serial = "pty";
    config.sound = "hda";
    config.usb = true;
    config.vnc = true;
    config.viridian = true;
    config.nestedHvm = true;
    config.deviceModelArguments = {"-global", "x=y"};
    EXPECT_EQ(json(config), golden("hvm"));
}

// The device model is Linux's QEMU in a domain of its own, which gets the disks and cards of the guest from
// libxl.
TEST(Translate, DeviceModelInAStubDomain) {
    auto config = windowsGuest();
    config.disks = {disk("/disks/c.img", DiskBackend::file, "hda", true)};
    config.nics = {nic(0, "00:16:3e:00:00:01")};
    config.deviceModelArguments = {"-global", "x=y"};
    config.stubDomain = {true, "/stub/kernel", "/stub/ramdisk", "init=/init", 131072, "a_u:b_r:c_t"};
    EXPECT_EQ(json(config), golden("stubdom"));
    config.stubDomain = {true, "/stub/kernel", "", "", 131072, ""};
    EXPECT_THAT(json(config), Not(HasSubstr("stubdomain_ramdisk")));
    EXPECT_THAT(json(config), Not(HasSubstr("label")));
}

// A boot loader in dom0; one that runs in the guest is its kernel.
TEST(Translate, BootLoaders) {
    auto config = linuxGuest(DomainType::pv);
    config.kernel = config.ramdisk = "";
    config.bootloader = "pygrub";
    config.disks = {disk("/dev/vg/root", DiskBackend::phy, "xvda", true)};
    EXPECT_EQ(json(config), golden("pygrub"));
    config.type = DomainType::pvh;
    EXPECT_THAT(json(config), HasSubstr("\"bootloader\": \"pygrub\""));
    config.bootloader = "";
    config.kernel = "/usr/lib/grub-xen/grub-i386-xen_pvh.bin";
    EXPECT_THAT(json(config), HasSubstr("\"kernel\": \"/usr/lib/grub-xen/grub-i386-xen_pvh.bin\""));
}

TEST(Translate, DevicesOfPv) {
    auto config = linuxGuest(DomainType::pv);
    config.framebuffer = config.vnc = true;
    PciConfig card;
    card.address = {0, 2, 0x1f, 7};
    card.seize = card.permissive = true;
    config.pciDevices = {card};
    config.usbControllers = {{"pv", 2, 4}, {"", 0, 0}};
    config.hostUsbDevices = {{1, 12}};
    EXPECT_EQ(json(config), golden("pv-devices"));
    config.vnc = false;
    EXPECT_THAT(json(config), HasSubstr("\"enable\": \"False\"")) << "libxl would open a port";
}

TEST(Translate, DevicesOfHvm) {
    auto config = windowsGuest();
    config.keyboard = true;
    config.usb = true;
    config.usbDevices = {"tablet", "keyboard"};
    config.serial = "none";
    config.sound = "ac97";
    PciConfig one;
    one.address = {1, 3, 0, 0};
    one.msiTranslate = one.powerManagement = true;
    one.guestSlot = 5;
    config.pciDevices = {one};
    config.usbControllers = {{"devicemodel", 3, 15}, {"qusb", 1, 0}};
    EXPECT_EQ(json(config), golden("hvm-devices"));
    config.usb = false;
    config.usbDevices.clear();
    config.usbVersion = 3;
    EXPECT_THAT(json(config), HasSubstr("\"usbversion\": 3"));
    EXPECT_THAT(json(config), Not(HasSubstr("\"usb\": "))) << "libxl takes one of both";
}

// What only tunes an emulated machine says nothing to the others, and PV has no HAP.
TEST(Translate, IgnoresWhatATypeDoesNotHave) {
    for (const auto type : {DomainType::pv, DomainType::pvh}) {
        const auto plain = linuxGuest(type);
        auto tuned = plain;
        tuned.bootOrder = "cd";
        tuned.bios = "ovmf";
        tuned.pae = tuned.nx = tuned.hpet = tuned.vptAlign = false;
        tuned.timerMode = "no_missed_ticks_pending";
        tuned.viridian = tuned.nestedHvm = true;
        tuned.videoMemoryKib = 16384;
        tuned.hap = type == DomainType::pvh;
        EXPECT_EQ(json(tuned), json(plain));
    }
}

TEST(Translate, TimersOfHvm) {
    auto config = windowsGuest();
    config.vptAlign = false;
    config.timerMode = "one_missed_tick_pending";
    EXPECT_THAT(json(config), HasSubstr("\"vpt_align\": \"False\""));
    EXPECT_THAT(json(config), HasSubstr("\"timer_mode\": \"one_missed_tick_pending\""));
    config.timerMode = "punctual";
    EXPECT_THAT(refusal(config), HasSubstr("'punctual' is not a timer mode"));
}

TEST(Translate, DirectBootOfHvm) {
    auto config = windowsGuest();
    config.kernel = "/boot/guest";
    config.ramdisk = "/boot/initrd";
    config.cmdline = "quiet";
    EXPECT_THAT(json(config), HasSubstr("\"kernel\": \"/boot/guest\""));
    EXPECT_THAT(json(config), HasSubstr("\"ramdisk\": \"/boot/initrd\""));
    EXPECT_THAT(json(config), HasSubstr("\"cmdline\": \"quiet\""));
}

TEST(TranslateRefuses, WhatNoDomainCanHave) {
    auto config = linuxGuest(DomainType::pv);
    config.uuid = "12345678";
    EXPECT_THAT(refusal(config), HasSubstr("'12345678' is not a UUID"));
    config = linuxGuest(DomainType::pv);
    config.memoryKib = 0;
    EXPECT_THAT(refusal(config), HasSubstr("no memory"));
    config = linuxGuest(DomainType::pv);
    config.maxMemoryKib = config.memoryKib - 4;
    EXPECT_THAT(refusal(config), HasSubstr("above its maximum"));
    config = linuxGuest(DomainType::pvh);
    config.vcpus = 0;
    EXPECT_THAT(refusal(config), HasSubstr("0 virtual CPUs"));
    config.vcpus = 129;
    EXPECT_THAT(refusal(config), HasSubstr("129 virtual CPUs"));
    config = linuxGuest(DomainType::pv);
    config.kernel.clear();
    EXPECT_THAT(refusal(config), HasSubstr("needs a kernel"));
    config = windowsGuest();
    config.ramdisk = "/boot/initrd";
    EXPECT_THAT(refusal(config), HasSubstr("a ramdisk needs a kernel"));
    config = windowsGuest();
    config.bios = "rombios";
    EXPECT_THAT(refusal(config), HasSubstr("'rombios'"));
    config = windowsGuest();
    config.bootOrder = "cx";
    EXPECT_THAT(refusal(config), HasSubstr("boot order 'cx'"));
    config = linuxGuest(DomainType::pv);
    config.cmdline = std::string("a\0b", 3);
    EXPECT_THAT(refusal(config), HasSubstr("NUL"));
    config = linuxGuest(DomainType::pv);
    config.platform = {{"a/b", "1"}};
    EXPECT_THAT(refusal(config), HasSubstr("'a/b'"));
}

TEST(TranslateRefuses, EmulatedDevicesWithoutEmulation) {
    for (const auto type : {DomainType::pv, DomainType::pvh}) {
        auto config = linuxGuest(type);
        config.serial = "pty";
        EXPECT_THAT(refusal(config), HasSubstr("a serial port"));
        config = linuxGuest(type);
        config.sound = "hda";
        EXPECT_THAT(refusal(config), HasSubstr("a sound card"));
        config = linuxGuest(type);
        config.usb = true;
        EXPECT_THAT(refusal(config), HasSubstr("USB"));
        config = linuxGuest(type);
        config.vnc = true;
        EXPECT_THAT(refusal(config), HasSubstr("VNC"));
        config.framebuffer = true;
        EXPECT_EQ(refusal(config), "accepted");
        config = linuxGuest(type);
        config.usbDevices = {"tablet"};
        EXPECT_THAT(refusal(config), HasSubstr("emulated USB devices"));
        config = linuxGuest(type);
        config.usbVersion = 2;
        EXPECT_THAT(refusal(config), HasSubstr("an emulated USB controller"));
        config = linuxGuest(type);
        config.usbControllers = {{"devicemodel", 2, 0}};
        EXPECT_THAT(refusal(config), HasSubstr("an emulated USB controller"));
        config = linuxGuest(type);
        config.stubDomain.wanted = true;
        EXPECT_THAT(refusal(config), HasSubstr("a device model in a stub domain"));
        config = linuxGuest(type);
        config.deviceModelArguments = {"-x"};
        EXPECT_THAT(refusal(config), HasSubstr("device model arguments"));
    }
}

TEST(TranslateRefuses, BootLoadersThatCannotBe) {
    auto config = linuxGuest(DomainType::pv);
    config.disks = {disk("/a", DiskBackend::phy, "xvda", true)};
    config.bootloader = "pygrub";
    EXPECT_THAT(refusal(config), HasSubstr("a kernel or ramdisk as well"));
    config.kernel = config.ramdisk = "";
    EXPECT_EQ(refusal(config), "accepted");
    config.bootloader = "/tmp/pygrub";
    EXPECT_THAT(refusal(config), HasSubstr("'/tmp/pygrub' is not pygrub"));
    config.bootloader = "pygrub";
    config.disks.clear();
    EXPECT_THAT(refusal(config), HasSubstr("no disk"));
    config = windowsGuest();
    config.bootloader = "pygrub";
    EXPECT_THAT(refusal(config), HasSubstr("boots by its firmware"));
}

TEST(TranslateRefuses, StubDomainsThatCannotBe) {
    auto config = windowsGuest();
    config.stubDomain = {true, "", "", "", 131072, ""};
    EXPECT_THAT(refusal(config), HasSubstr("has no kernel"));
    config.stubDomain = {true, "/k", "", "", 0, ""};
    EXPECT_THAT(refusal(config), HasSubstr("has no memory"));
}

TEST(TranslateRefuses, DevicesThatCannotBe) {
    auto config = windowsGuest();
    config.framebuffer = true;
    EXPECT_THAT(refusal(config), HasSubstr("emulated graphics card"));
    config = windowsGuest();
    config.usbDevices = {"tablet"};
    EXPECT_THAT(refusal(config), HasSubstr("need usb"));
    config.usb = true;
    config.usbVersion = 2;
    EXPECT_THAT(refusal(config), HasSubstr("excludes usb and usbdevice"));
    config = windowsGuest();
    config.usbVersion = 4;
    EXPECT_THAT(refusal(config), HasSubstr("4 is not a version"));
    config = windowsGuest();
    config.usbControllers = {{"ehci", 2, 0}};
    EXPECT_THAT(refusal(config), HasSubstr("'ehci'"));
    config = windowsGuest();
    config.hostUsbDevices = {{1, 2}, {256, 2}};
    EXPECT_THAT(refusal(config), HasSubstr("256.2"));
    auto with = [](const PciAddress& address) {
        auto wrong = windowsGuest();
        PciConfig pci;
        wrong.pciDevices = {pci, pci};
        wrong.pciDevices[1].address = address;
        return refusal(wrong);
    };
    EXPECT_EQ(with({0xffff, 0xff, 31, 7}), "accepted");
    EXPECT_THAT(with({0x10000, 0, 0, 0}), HasSubstr("is not the address of a PCI device"));
    EXPECT_THAT(with({0, 256, 0, 0}), HasSubstr("0000:100:00.0"));
    EXPECT_THAT(with({0, 0, 32, 0}), HasSubstr("0000:00:20.0"));
    EXPECT_THAT(with({0, 0, 0, 8}), HasSubstr("0000:00:00.8"));
    config = linuxGuest(DomainType::pvh);
    config.pciDevices = {PciConfig()};
    EXPECT_THAT(refusal(config), HasSubstr("a PVH domain cannot"));
}

TEST(TranslateRefuses, DisksThatCannotBe) {
    auto with = [](const DiskConfig& wrong) {
        auto config = linuxGuest(DomainType::pv);
        // What precedes the refused one must not leak (seen with the sanitizer).
        config.disks = {disk("/a", DiskBackend::phy, "xvdz", true), wrong};
        return refusal(config);
    };
    EXPECT_THAT(with(disk("/x", DiskBackend::file, "", true)), HasSubstr("no virtual device name"));
    EXPECT_THAT(with(disk("", DiskBackend::file, "xvda", true)), HasSubstr("has no path"));
    EXPECT_THAT(with(disk("x.img", DiskBackend::file, "xvda", true)), HasSubstr("not absolute"));
    EXPECT_THAT(with(disk("/x", DiskBackend::file, "xvdz", true)), HasSubstr("two disks are called xvdz"));
}

TEST(TranslateRefuses, NicsThatCannotBe) {
    auto with = [](const NicConfig& wrong) {
        auto config = linuxGuest(DomainType::pv);
        config.nics = {nic(0, "00:16:3e:00:00:01"), wrong};
        return refusal(config);
    };
    for (const auto* mac :
         {"", "00:16:3e:00:00", "00:16:3e:00:00:0", "00:16:3e:00:00:001", "00:16:3e:00:00:0g",
          "00-16-3e-00-00-01", "+0:16:3e:00:00:01", "00:16:3e:00:00:01:02"})
        EXPECT_THAT(with(nic(1, mac)), HasSubstr("is not of the form")) << mac;
    EXPECT_THAT(with(nic(1, "00:00:00:00:00:00")), HasSubstr("is not a MAC address that"));
    EXPECT_THAT(with(nic(1, "01:16:3e:00:00:01")), HasSubstr("is not a MAC address that"));
    EXPECT_THAT(with(nic(0, "00:16:3e:00:00:02")), HasSubstr("two NICs have the number 0"));
    EXPECT_THAT(with(nic(-1, "00:16:3e:00:00:02")), HasSubstr("-1 is not the number"));
}

} // namespace
} // namespace xb::xen
