// SPDX-License-Identifier: Apache-2.0
// What translate() made and libxl wrote as JSON is the same domain when it is read again; what has no place
// in a DomainConfig is refused.
#include "xen/libxl/domain_config_reader.hpp"

#include "toolstack/libs/error.hpp"
#include "xen/libxl/domain_config_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xen {
namespace {

using testing::HasSubstr;

// There and back. Between them libxl's JSON is read and written on real Xen alone (the contract tests):
// without a context libxl does not parse.
DomainConfig again(const DomainConfig& config) {
    LibxlDomainConfig translated;
    translate(config, translated);
    return describe(translated.value);
}

DomainConfig guest(DomainType type) {
    DomainConfig config;
    config.uuid = "12345678-9abc-def0-1234-56789abcdef0";
    config.name = "web";
    config.type = type;
    config.memoryKib = 262144;
    config.maxMemoryKib = 524288;
    config.vcpus = 10;
    config.kernel = "/boot/guest";
    config.ramdisk = "/boot/initrd";
    config.cmdline = "console=hvc0 root=/dev/xvda";
    config.timeOffsetSeconds = -3600;
    config.localtime = true;
    config.flaskLabel = "system_u:system_r:domU_t";
    config.platform = {{"a", "1"}, {"b", ""}};
    config.disks.resize(4);
    config.disks[0] = {"/dev/vg/root", DiskBackend::phy, "xvda", true, false, 0};
    config.disks[1] = {"/disks/data.img", DiskBackend::file, "xvdb", false, false, 0};
    config.disks[2] = {"/disks/data.qcow2", DiskBackend::qcow2, "xvdc", true, false, 3};
    config.disks[3] = {"/disks/data.vhd", DiskBackend::vhd, "xvdd", true, false, 0};
    config.nics.resize(2);
    config.nics[0].mac = "00:16:3e:aa:bb:0c";
    config.nics[0].bridge = "br0";
    config.nics[1].devid = 3;
    config.nics[1].mac = "00:16:3e:aa:bb:0d";
    config.nics[1].backendDomid = 3;
    config.nics[1].script = "/etc/xen/scripts/vif-route";
    config.nics[1].ip = "10.0.0.1 10.0.0.2";
    config.nics[1].ifname = "web1";
    config.nics[1].rateBytes = 62500;
    config.nics[1].rateIntervalUs = 50000;
    return config;
}

TEST(DescribeLibxlConfig, whatWasTranslatedComesBack) {
    EXPECT_EQ(again(guest(DomainType::pv)), guest(DomainType::pv));
    auto pvh = guest(DomainType::pvh);
    pvh.hap = pvh.acpi = pvh.apic = false;
    pvh.maxMemoryKib = 0;
    EXPECT_EQ(again(pvh), pvh);
    auto hvm = guest(DomainType::hvm);
    hvm.videoMemoryKib = 16384;
    hvm.bootOrder = "dc";
    hvm.bios = "ovmf";
    hvm.acpi = hvm.apic = hvm.pae = hvm.nx = hvm.hpet = hvm.vptAlign = false;
    hvm.timerMode = "no_missed_ticks_pending";
    hvm.viridian = hvm.nestedHvm = hvm.usb = hvm.vnc = true;
    hvm.serial = "pty";
    hvm.keyboard = true;
    hvm.usbDevices = {"tablet", "mouse"};
    hvm.sound = "hda";
    hvm.deviceModelArguments = {"-device", "tpm"};
    hvm.nics[0].model = "e1000";
    hvm.disks.push_back({"", DiskBackend::file, "hdc", false, true, 0});
    EXPECT_EQ(again(hvm), hvm);
    hvm.usb = false;
    hvm.usbDevices.clear();
    hvm.usbVersion = 3;
    EXPECT_EQ(again(hvm), hvm);
}

TEST(DescribeLibxlConfig, whatWouldBeGoneIsRefused) {
    LibxlDomainConfig translated;
    translate(guest(DomainType::pvh), translated);
    libxl_domain_config& config = translated.value;
    const auto refusal = [&] {
        try {
            describe(config);
        } catch (const Error& e) {
            EXPECT_EQ(e.name(), errors::notSupported);
            return std::string(e.what());
        }
        return std::string("accepted");
    };
    EXPECT_EQ(refusal(), "accepted");
    for (int* count : {&config.num_pcidevs, &config.num_vfbs, &config.num_usbdevs}) {
        *count = 1;
        EXPECT_THAT(refusal(), HasSubstr("the domain 'web' has a "));
        *count = 0;
    }
    char script[] = "block-iscsi";
    config.disks[0].script = script;
    EXPECT_THAT(refusal(), HasSubstr("the disk xvda with a script"));
    config.disks[0].script = nullptr;
    config.disks[1].format = LIBXL_DISK_FORMAT_QED;
    EXPECT_THAT(refusal(), HasSubstr("the disk xvdb in a format"));
    config.disks[1].format = LIBXL_DISK_FORMAT_RAW;
    config.c_info.type = LIBXL_DOMAIN_TYPE_INVALID;
    EXPECT_THAT(refusal(), HasSubstr("a type that is none of"));
}

// As libxl has them when nobody said.
TEST(DescribeLibxlConfig, whatIsNotSaidIsAsUsual) {
    LibxlDomainConfig empty;
    libxl_domain_config& config = empty.value;
    config.c_info.type = LIBXL_DOMAIN_TYPE_PVH;
    libxl_domain_build_info_init_type(&config.b_info, LIBXL_DOMAIN_TYPE_PVH);
    config.b_info.max_memkb = 65536;
    const auto described = describe(config);
    EXPECT_EQ(described.memoryKib, 65536U);
    EXPECT_EQ(described.maxMemoryKib, 0U);
    EXPECT_EQ(described.vcpus, 1U);
    EXPECT_TRUE(described.hap && described.acpi && described.apic && !described.localtime);
}

} // namespace
} // namespace xb::xen
