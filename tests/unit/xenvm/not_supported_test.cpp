// SPDX-License-Identifier: Apache-2.0
// Every key of a configuration does something, is refused, or is in docs/not-supported.md.
#include "tests/support/documented.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/xenvm/config_parser.hpp"
#include "toolstack/xenvm/domain_builder.hpp"
#include "toolstack/xenvm/nics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace xb::xenvm {
namespace {

const std::string uuid = "10b33a4e-3a1a-4c39-9f7b-0d3c8c0e5a11";
const std::string hvm = "type = hvm\nmemory = 64\n";
const std::string pv = "memory = 64\nkernel = /k\n";

/// Of the monitor itself; tests of their own show what they do.
const std::set<std::string> ofTheMonitor{"uuid",           "startup",           "debug",      "no_mem_check",
                                         "notify",         "on_halt",           "on_restart", "on_crash",
                                         "extra-vm-watch", "extra-local-watch", "enable-dump"};

/// A value for each key that is not the default.
const std::map<std::string, std::string> samples{
    {"name", "web"},
    {"output", "/tmp/log"},
    {"hvm", "true"},
    {"type", "pvh"},
    {"hap", "false"},
    {"kernel", "/boot/k"},
    {"initrd", "/boot/i"},
    {"cmdline", "ro"},
    {"bios", "ovmf"},
    {"bootloader", "pygrub"},
    {"root", "/dev/xvda1"},
    {"extra", "quiet"},
    {"dhcp", "dhcp"},
    {"ip", "10.0.0.2"},
    {"netmask", "255.0.0.0"},
    {"gateway", "10.0.0.1"},
    {"hostname", "web"},
    {"nfs_server", "10.0.0.1"},
    {"nfs_root", "/srv/web"},
    {"memory", "128"},
    {"memory-max", "128"},
    {"extra-maxmem", "5"},
    {"vcpus", "2"},
    {"cores-per-socket", "2"},
    {"cpus-affinity", "0:1"},
    {"cpu-weight", "512"},
    {"cpu-cap", "50"},
    {"cpuid", "1:eax=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
    {"pae", "true"},
    {"apic", "true"},
    {"acpi", "true"},
    {"nx", "true"},
    {"acpi-pt", "true"},
    {"smbios-pt", "true"},
    {"smbios-oem-types-pt", "129"},
    {"diskinfo-pt", "true"},
    {"viridian", "true"},
    {"nested", "true"},
    {"xci-cpuid-signature", "true"},
    {"timer-mode", "1"},
    {"hpet", "0"},
    {"vpt-align", "0"},
    {"time-offset", "60"},
    {"localtime", "true"},
    {"boot", "d"},
    {"videoram", "16"},
    {"display", "vnc"},
    {"serial", "none"},
    {"sound", "ac97"},
    {"usb", "false"},
    {"usbversion", "3"},
    {"usbdevice", "tablet"},
    {"usbctrl", "version=2"},
    {"usbdev", "hostbus=1,hostaddr=2"},
    {"vsnd", "true"},
    {"vkbd", "true"},
    {"vfb", "true"},
    {"v4v", "true"},
    {"qemu-pv", "false"},
    {"device-model-version", "qemu-xen-traditional"},
    {"qemu-dm-path", "/qemu"},
    {"qemu-dm-timeout", "60"},
    {"extra-hvm", "cpu=qemu64"},
    {"cdrom-pt", "/dev/bsg/0:0:0:0"},
    {"power-management", "2"},
    {"oem-features", "1"},
    {"inject-sci", "1"},
    {"platform", "a=b"},
    {"flask-label", "a_u:b_r:c_t"},
    {"stubdom", uuid},
    {"stubdom-memory", "64"},
    {"stubdom-kernel", "/k"},
    {"stubdom-initrd", "/i"},
    {"stubdom-cmdline", "x"},
    {"stubdom-flask-label", "a_u:b_r:c_t"},
    {"vtpm-backend", "1"},
    {"vtpm-instance", "1"},
    {"pci-msitranslate", "0"},
    {"pci-power-management", "0"},
    {"pci-script", "x"},
    {"passthrough-io", "100-200"},
    {"passthrough-mmio", "100-200"},
    {"xci-service", "true"},
    {"disable-migrate", "true"},
    {"disk", "/d:file:hda:w:disk:"},
    {"nic", "bridge=br0"},
    {"vif", "bridge=br0"},
    {"pci", "0,0000:00:02.0"},
};

/// What a key needs beside it to say anything.
std::string baseOf(const std::string& key) {
    const std::set<std::string> ofKernels{"hvm", "type",    "kernel",  "vfb",      "root", "extra",
                                          "ip",  "gateway", "netmask", "hostname", "dhcp", "nfs_server"};
    if (key == "netmask" || key == "gateway" || key == "nfs_server")
        return pv + "dhcp = dhcp\n";
    if (key == "nfs_root")
        return pv + "dhcp = dhcp\nnfs_server = 10.0.0.1\n";
    if (key == "bootloader")
        return "memory = 64\ndisk = /d:file:xvda:w:disk:\n";
    if (key.starts_with("stubdom-"))
        return hvm + "stubdom = " + uuid + "\n";
    if (key.starts_with("pci-") && key != "pci-script")
        return hvm + "pci = 0,0000:00:02.0\n";
    return ofKernels.contains(key) ? pv : hvm;
}

Translation translate(const std::string& text) {
    auto parsed = parseConfig(text);
    EXPECT_TRUE(parsed.errors.empty()) << describe(parsed.errors, "test");
    EXPECT_EQ(assignNics(parsed.config, uuid), "");
    return toDomainConfig(parsed.config, uuid, {"/", {"br0"}});
}

TEST(NotSupported, TheDocumentListsTheKeysThatAreRefusedAndThoseWithoutEffect) {
    std::set<std::string> refused;
    std::set<std::string> ignored;
    for (const std::string_view name : keyNames()) {
        const std::string key(name);
        if (ofTheMonitor.contains(key))
            continue;
        SCOPED_TRACE(key);
        ASSERT_TRUE(samples.contains(key)) << "a new key needs a sample here";
        const std::string base = baseOf(key);
        const Translation before =
            key == "bootloader" ? Translation() : translate(base); // without it nothing boots
        try {
            const Translation made = translate(base + key + " = " + samples.at(key) + "\n");
            if (made.domain != before.domain || made.cpus != before.cpus)
                continue;
            ignored.insert(key);
            if (key != "output") { // reported when xenvm comes up
                EXPECT_THAT(made.ignored, testing::ElementsAre(key)) << "without effect, and nobody says so";
            }
        } catch (const Error& e) {
            EXPECT_EQ(e.name(), errors::notSupported) << e.what();
            refused.insert(key);
        }
    }
    EXPECT_EQ(test::complaint(refused, test::documented(NOT_SUPPORTED, "xenvm-refused")), "");
    EXPECT_EQ(test::complaint(ignored, test::documented(NOT_SUPPORTED, "xenvm-ignored")), "");
}

} // namespace
} // namespace xb::xenvm
