// SPDX-License-Identifier: Apache-2.0
// Facts about the host, read from a made-up machine in a temporary directory: a whole one, an empty one and
// one whose files are nonsense.
#include "xenmgr/host_facts.hpp"

#include "fake_tree.hpp"
#include "xenmgr/host_files.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace xb::xenmgr {
namespace {

using test::FakeTree;

TEST(BusText, KeepsUtf8AndReplacesTheRest) {
    EXPECT_EQ(busText("  Größe 9\n"), "Größe 9");
    EXPECT_EQ(busText("a\x01"
                      "b\x7f"),
              "a?b?");
    EXPECT_EQ(busText("\xff\xfex"), "??x");
    EXPECT_EQ(busText("cut \xe2\x82"), "cut ??");
    EXPECT_EQ(busText("\xed\xa0\x80"), "???"); // a surrogate
    EXPECT_EQ(busText("\xc0\xaf"), "??");      // an overlong slash
}

TEST(KeyValues, QuotesCommentsAndNoise) {
    const StringMap values =
        parseKeyValues("# a comment\nversion = 9\nLANGUAGE='de-de'\nname=\"two words\"\nno equals\n"
                       "=nothing\nodd='\nempty=\nlast=x=y");
    const StringMap wanted{{"version", "9"}, {"LANGUAGE", "de-de"}, {"name", "two words"},
                           {"odd", "'"},     {"empty", ""},         {"last", "x=y"}};
    EXPECT_EQ(values, wanted);
}

TEST(Numbers, AreTakenWholeOrNotAtAll) {
    EXPECT_EQ(parseHex("0x8086\n", 0xffff), 0x8086U);
    EXPECT_EQ(parseHex("030000", 0xffffff), 0x30000U);
    EXPECT_FALSE(parseHex("0x12345", 0xffff));
    EXPECT_FALSE(parseHex("0x", 0xffff));
    EXPECT_FALSE(parseHex("12g", 0xffff));
    EXPECT_FALSE(parseHex("-1", 0xffff));
    EXPECT_EQ(parseDecimal(" 10 "), 10U);
    EXPECT_FALSE(parseDecimal("4294967296"));
    EXPECT_FALSE(parseDecimal(""));
}

TEST(HostFacts, WholeMachine) {
    FakeTree tree;
    tree.file("/sys/class/dmi/id/sys_vendor", "Example Corp.\n");
    tree.file("/sys/class/dmi/id/product_name", "Model 7\n");
    tree.file("/sys/class/dmi/id/product_serial", "SN123\n");
    tree.file("/sys/class/dmi/id/bios_version", "1.2.3\n");
    tree.file("/sys/class/dmi/id/chassis_type", "10\n");
    tree.file("/proc/cpuinfo",
              "processor\t: 0\nvendor_id\t: X\nmodel name\t: Fast CPU @ 3GHz\n\nprocessor\t: 1\n"
              "model name\t: Another\n");
    tree.file("/proc/cmdline", "root=/dev/sda1 nomodeset quiet\n");
    tree.file("/etc/xenclient.conf",
              "version=8.1\nbuild=77\nbuild_branch=stable\nbuild_date=2026-01-02\ntools=3\n"
              "release=r1\n");
    tree.pci("0000:00:02.0", "0x030000", "0x8086", "0x1912");
    tree.pci("0000:01:00.0", "0x030000", "0x10de", "0x1c82", true);
    PciNames names(tree.root());
    const MachineFacts facts = readMachineFacts(tree.root(), names);
    EXPECT_EQ(facts.vendor, "Example Corp.");
    EXPECT_EQ(facts.model, "Model 7");
    EXPECT_EQ(facts.serial, "SN123");
    EXPECT_EQ(facts.biosRevision, "1.2.3");
    EXPECT_TRUE(facts.laptop);
    EXPECT_EQ(facts.cpuModel, "Fast CPU @ 3GHz");
    EXPECT_EQ(facts.gpuModel, "10de:1c82"); // the boot display, not the first
    EXPECT_TRUE(facts.safeGraphics);
    const StringMap build{
        {"version", "8.1"}, {"build", "77"},   {"branch", "stable"}, {"build_date_time", "2026-01-02"},
        {"tools", "3"},     {"release", "r1"}, {"edition", ""}};
    EXPECT_EQ(facts.buildInfo, build);
}

TEST(HostFacts, EmptyMachineSaysNothingButTheVersion) {
    FakeTree tree;
    PciNames names(tree.root());
    const MachineFacts facts = readMachineFacts(tree.root(), names);
    EXPECT_EQ(
        facts.vendor + facts.model + facts.serial + facts.biosRevision + facts.cpuModel + facts.gpuModel, "");
    EXPECT_FALSE(facts.laptop);
    EXPECT_FALSE(facts.safeGraphics);
    EXPECT_EQ(facts.buildInfo.size(), 7U);
    EXPECT_EQ(facts.buildInfo.at("version"), XENBROKER_VERSION);
    EXPECT_EQ(facts.buildInfo.at("edition"), "");
    const NetworkFacts network = readNetworkFacts(tree.root(), names);
    EXPECT_EQ(network.wiredMac + network.wiredModel + network.wirelessMac + network.wirelessModel, "");
}

TEST(HostFacts, NonsenseIsCleanedOrPassedOver) {
    FakeTree tree;
    tree.file("/sys/class/dmi/id/sys_vendor", "\xff\xfe bad");
    tree.file("/sys/class/dmi/id/chassis_type", "ten");
    tree.file("/sys/class/dmi/id/product_name/unexpected", ""); // a directory
    tree.file("/sys/class/dmi/id/product_serial", std::string(factFileLimit + 1, 'x'));
    tree.file("/proc/cpuinfo", "model name without colon\n");
    PciNames names(tree.root());
    const MachineFacts facts = readMachineFacts(tree.root(), names);
    EXPECT_EQ(facts.vendor, "?? bad");
    EXPECT_FALSE(facts.laptop);
    EXPECT_EQ(facts.model, "");
    EXPECT_EQ(facts.serial, "");
    EXPECT_EQ(facts.cpuModel, "");
}

TEST(HostFacts, SafeGraphicsIsAWordOfItsOwn) {
    EXPECT_TRUE(hasSafeGraphics("quiet safe-graphics"));
    EXPECT_TRUE(hasSafeGraphics("safe_graphics=1"));
    EXPECT_FALSE(hasSafeGraphics("safe_graphics=0"));
    EXPECT_FALSE(hasSafeGraphics("not-nomodeset nomodesetx i915.nomodeset"));
    EXPECT_FALSE(hasSafeGraphics(""));
}

TEST(HostFacts, PortableChassis) {
    for (const std::uint32_t portable : {8U, 9U, 10U, 14U, 31U})
        EXPECT_TRUE(isPortableChassis(portable)) << portable;
    for (const std::uint32_t other : {0U, 1U, 3U, 13U, 17U, 300U})
        EXPECT_FALSE(isPortableChassis(other)) << other;
}

TEST(HostFacts, FirstPhysicalAdapterOfEachKind) {
    FakeTree tree;
    tree.pci("0000:00:19.0", "0x020000", "0x8086", "0x15b8");
    tree.pci("0000:02:00.0", "0x028000", "0x8086", "0x24f3");
    tree.file("/usr/share/misc/pci.ids", "8086  Intel\n\t15b8  Ethernet I219\n\t24f3  Wireless 8260\n");
    tree.adapter("bridge0", "00:00:00:00:00:01", ""); // no hardware behind it
    tree.adapter("eth0", "00:16:3e:00:00:02", "/sys/bus/pci/devices/0000:00:19.0");
    tree.link("/sys/bus/pci/devices/0000:00:19.0/subsystem", "/sys/bus/pci");
    tree.adapter("eth1", "00:16:3e:00:00:03", "/sys/bus/pci/devices/0000:00:19.0");
    tree.file("/sys/devices/vif-1-0/nodename", "x");
    tree.link("/sys/devices/vif-1-0/subsystem", "/sys/bus/xen-backend");
    tree.adapter("avif1.0", "fe:ff:ff:ff:ff:ff", "/sys/devices/vif-1-0");
    tree.adapter("wlan0", "00:16:3e:00:00:04", "/sys/bus/pci/devices/0000:02:00.0");
    tree.link("/sys/bus/pci/devices/0000:02:00.0/subsystem", "/sys/bus/pci");
    tree.file("/sys/class/net/wlan0/phy80211/name", "phy0");
    tree.adapter("a-bad-one", "nonsense", "/sys/bus/pci/devices/0000:02:00.0");
    PciNames names(tree.root());
    const NetworkFacts facts = readNetworkFacts(tree.root(), names);
    EXPECT_EQ(facts.wiredMac, "00:16:3e:00:00:02");
    EXPECT_EQ(facts.wiredModel, "Intel Ethernet I219");
    EXPECT_EQ(facts.wirelessMac, "00:16:3e:00:00:04");
    EXPECT_EQ(facts.wirelessModel, "Intel Wireless 8260");
}

TEST(HostFacts, UsbAdapterIsNamedByItsProductNotByItsController) {
    FakeTree tree;
    tree.file("/sys/devices/pci0/usb1/1-1/product", "USB Ethernet\n");
    tree.link("/sys/devices/pci0/usb1/1-1/subsystem", "/sys/bus/usb");
    tree.file("/sys/devices/pci0/usb1/1-1/1-1:1.0/bInterfaceClass", "ff");
    tree.link("/sys/devices/pci0/usb1/1-1/1-1:1.0/subsystem", "/sys/bus/usb");
    tree.adapter("usb0", "00:16:3e:00:00:09", "/sys/devices/pci0/usb1/1-1/1-1:1.0");
    PciNames names(tree.root());
    EXPECT_EQ(readNetworkFacts(tree.root(), names).wiredModel, "USB Ethernet");
}

TEST(HostFacts, Storage) {
    FakeTree tree;
    const StorageFacts none = readStorageFacts(tree.root());
    EXPECT_EQ(none.totalMib, 0);
    EXPECT_EQ(none.freeMib, 0);
    tree.file("/storage/file", "x");
    const StorageFacts some = readStorageFacts(tree.root());
    EXPECT_GT(some.totalMib, 0);
    EXPECT_GE(some.totalMib, some.freeMib);
    EXPECT_EQ(clampedInt(5), 5);
    EXPECT_EQ(clampedInt(std::numeric_limits<std::uint64_t>::max()),
              std::numeric_limits<std::int32_t>::max());
}

TEST(HostFacts, FlavourNamesTheCapabilities) {
    FakeTree tree;
    EXPECT_EQ(readFlavour(tree.root()), "default");
    EXPECT_TRUE(readCapabilities(tree.root()).empty());
    tree.file("/etc/caps.default", "secondary-gpu-pt=true\nother=false\n");
    EXPECT_TRUE(hasCapability(readCapabilities(tree.root()), "secondary-gpu-pt", false));
    EXPECT_FALSE(hasCapability(readCapabilities(tree.root()), "other", true));
    EXPECT_TRUE(hasCapability(readCapabilities(tree.root()), "unheard-of", true));
    tree.file("/etc/xenclient.flavour", "special\n");
    EXPECT_EQ(readFlavour(tree.root()), "special");
    tree.file("/etc/xenclient.flavour", "../../secret\n");
    EXPECT_EQ(readFlavour(tree.root()), "default");
}

} // namespace
} // namespace xb::xenmgr
