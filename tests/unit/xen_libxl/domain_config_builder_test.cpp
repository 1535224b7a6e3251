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

// What only tunes an emulated machine says nothing to the others, and PV has no HAP.
TEST(Translate, IgnoresWhatATypeDoesNotHave) {
    for (const auto type : {DomainType::pv, DomainType::pvh}) {
        const auto plain = linuxGuest(type);
        auto tuned = plain;
        tuned.bootOrder = "cd";
        tuned.bios = "ovmf";
        tuned.pae = tuned.nx = tuned.hpet = false;
        tuned.viridian = tuned.nestedHvm = true;
        tuned.videoMemoryKib = 16384;
        tuned.hap = type == DomainType::pvh;
        EXPECT_EQ(json(tuned), json(plain));
    }
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
        config = linuxGuest(type);
        config.deviceModelArguments = {"-x"};
        EXPECT_THAT(refusal(config), HasSubstr("device model arguments"));
    }
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
