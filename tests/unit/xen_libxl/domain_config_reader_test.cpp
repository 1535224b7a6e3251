// SPDX-License-Identifier: Apache-2.0
// What translate() made and libxl wrote as JSON is the same domain when it is read again; what has no place
// in a DomainConfig is refused.
#include "xen/libxl/domain_config_reader.hpp"

#include "toolstack/libs/error.hpp"
#include "xen/libxl/domain_config_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

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

DomainConfig read(const std::string& text) {
    LibxlDomainConfig parsed;
    // libxl wants the context for its complaints only.
    EXPECT_EQ(libxl_domain_config_from_json(nullptr, &parsed.value, text.c_str()), 0) << text;
    return describe(parsed.value);
}

std::string refusal(const std::string& text) {
    try {
        read(text);
    } catch (const Error& e) {
        EXPECT_EQ(e.name(), errors::notSupported);
        return e.what();
    }
    return "accepted";
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
    EXPECT_EQ(read(json(guest(DomainType::pv))), guest(DomainType::pv));
    auto pvh = guest(DomainType::pvh);
    pvh.hap = pvh.acpi = pvh.apic = false;
    pvh.maxMemoryKib = 0;
    EXPECT_EQ(read(json(pvh)), pvh);
    auto hvm = guest(DomainType::hvm);
    hvm.videoMemoryKib = 16384;
    hvm.bootOrder = "dc";
    hvm.bios = "ovmf";
    hvm.acpi = hvm.apic = hvm.pae = hvm.nx = hvm.hpet = false;
    hvm.viridian = hvm.nestedHvm = hvm.usb = hvm.vnc = true;
    hvm.serial = "pty";
    hvm.sound = "hda";
    hvm.deviceModelArguments = {"-device", "tpm"};
    hvm.nics[0].model = "e1000";
    hvm.disks.push_back({"", DiskBackend::file, "hdc", false, true, 0});
    EXPECT_EQ(read(json(hvm)), hvm);
}

TEST(DescribeLibxlConfig, whatWouldBeGoneIsRefused) {
    const std::string begin =
        R"({"c_info":{"type":"pvh","name":"web"},"b_info":{"max_vcpus":1,"type.pvh":{}})";
    EXPECT_EQ(refusal(begin + "}"), "accepted");
    EXPECT_THAT(refusal(begin + R"(,"pcidevs":[{"func":0,"dev":1,"bus":2,"domain":0}]})"),
                HasSubstr("'web' has a PCI device"));
    EXPECT_THAT(refusal(begin + R"(,"vfbs":[{}]})"), HasSubstr("a frame buffer"));
    EXPECT_THAT(refusal(begin + R"(,"disks":[{"vdev":"xvda","format":"raw","script":"block-iscsi"}]})"),
                HasSubstr("the disk xvda with a script"));
    EXPECT_THAT(refusal(R"({"c_info":{"name":"web"}})"), HasSubstr("a type that is none of"));
}

} // namespace
} // namespace xb::xen
