// SPDX-License-Identifier: Apache-2.0
// The device lists of the host, from a made-up machine: formats of the entries, missing hardware, malformed
// files, and paths that try to lead out of their directory.
#include "xenmgr/host_devices.hpp"

#include "fake_tree.hpp"
#include "toolstack/libs/error.hpp"
#include "xenmgr/host_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenmgr {
namespace {

using test::FakeTree;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(PciList, EntriesHaveTheClassicKeysAndFormats) {
    FakeTree tree;
    tree.pci("0000:00:1f.6", "0x020000", "0x8086", "0x15b8");
    tree.pci("0000:00:02.0", "0x030000", "0x8086", "0x191b", true);
    tree.file("/usr/share/misc/pci.ids", "# list\n8086  Intel Corporation\n\t191b  HD Graphics 530\n"
                                         "\t\t1028 06e4  A subsystem\n10de  NVIDIA\n\t15b8  Not this one\n"
                                         "C 03  Display controller\n\t00  VGA\n");
    PciNames names(tree.root());
    const auto entries = pciDeviceEntries(tree.root(), names);
    EXPECT_THAT(entries, ElementsAre(StringMap{{"addr", "0000:00:02.0"},
                                               {"name", "Intel Corporation HD Graphics 530"},
                                               {"class", "0x0300"},
                                               {"vendor-id", "0x8086"},
                                               {"device-id", "0x191B"}},
                                     StringMap{{"addr", "0000:00:1f.6"},
                                               {"name", "Intel Corporation Device 15b8"},
                                               {"class", "0x0200"},
                                               {"vendor-id", "0x8086"},
                                               {"device-id", "0x15B8"}}));
}

TEST(PciList, MalformedDevicesAreLeftOut) {
    FakeTree tree;
    tree.pci("0000:00:01.0", "0x060000", "0x8086", "0x1237");
    tree.pci("0000:00:02.0", "garbage", "0x8086", "0x1");
    tree.pci("0000:00:03.0", "0x020000", "0x18086", "0x1");
    tree.pci("not-an-address", "0x020000", "0x8086", "0x1");
    tree.file("/sys/bus/pci/devices/0000:00:04.0/vendor", "0x8086");
    const auto devices = listPciDevices(tree.root());
    ASSERT_EQ(devices.size(), 1U);
    EXPECT_EQ(devices.front().address, "0000:00:01.0");
}

TEST(PciList, NoSuchBusIsAnEmptyList) {
    FakeTree tree;
    PciNames names(tree.root());
    EXPECT_THAT(pciDeviceEntries(tree.root(), names), IsEmpty());
    EXPECT_THAT(gpuEntries(tree.root(), names), IsEmpty());
    EXPECT_EQ(bootDisplay({}), nullptr);
}

TEST(PciList, Addresses) {
    EXPECT_TRUE(isPciAddress("0000:af:1f.7"));
    EXPECT_FALSE(isPciAddress("00:1f.7"));
    EXPECT_FALSE(isPciAddress("0000:af:1f.7 "));
    EXPECT_FALSE(isPciAddress("0000/af:1f.7"));
}

TEST(PciNames, NumbersWithoutAListAndAfterNonsense) {
    FakeTree tree;
    EXPECT_EQ(PciNames(tree.root()).name(0x8086, 0x1), "8086:0001");
    tree.file("/usr/share/misc/pci.ids",
              "\t0001  A device before any vendor\nzzzz  Nobody\n8086\n\xff\xfe\n");
    EXPECT_EQ(PciNames(tree.root()).name(0x8086, 0x1), "8086:0001");
}

TEST(PciNames, ALongNameIsCut) {
    FakeTree tree;
    tree.file("/usr/share/misc/pci.ids", "8086  " + std::string(100000, 'x') + "\n");
    EXPECT_LT(PciNames(tree.root()).name(0x8086, 0x1).size(), 300U);
}

TEST(GpuList, OthersThanTheBootDisplayOnlyWhereTheFlavourHasThem) {
    FakeTree tree;
    tree.pci("0000:00:02.0", "0x038000", "0x8086", "0x1");
    tree.pci("0000:01:00.0", "0x030000", "0x10de", "0x2", true);
    tree.pci("0000:02:00.0", "0x020000", "0x10de", "0x3");
    PciNames names(tree.root());
    auto entries = gpuEntries(tree.root(), names);
    ASSERT_EQ(entries.size(), 1U);
    EXPECT_EQ(entries[0]["addr"], "0000:01:00.0");
    tree.file("/etc/caps.default", "secondary-gpu-pt=true\n");
    entries = gpuEntries(tree.root(), names);
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_EQ(entries[1]["addr"], "0000:00:02.0");
}

TEST(DiskList, OnlyHardware) {
    FakeTree tree;
    tree.file("/sys/block/sda/device/model", "Disk");
    tree.file("/sys/block/sda/device/wwid", "naa.5000 1\n");
    tree.file("/sys/block/nvme0n1/device/model", "Disk");
    tree.file("/sys/block/sr0/device/model", "DVD");
    tree.file("/sys/block/loop0/size", "0");
    tree.file("/sys/block/dm-0/size", "0");
    EXPECT_THAT(diskDeviceEntries(tree.root()),
                ElementsAre(StringMap{{"udi", "/org/freedesktop/Hal/devices/storage_nvme0n1"},
                                      {"block-device", "/dev/nvme0n1"}},
                            StringMap{{"udi", "/org/freedesktop/Hal/devices/storage_serial_naa_5000_1"},
                                      {"block-device", "/dev/sda"}}));
    EXPECT_THAT(diskDeviceEntries(FakeTree().root()), IsEmpty());
}

TEST(CdList, DrivesWithTheirUsbNumbers) {
    FakeTree tree;
    tree.file("/sys/bus/scsi/devices/0:0:0:0/type", "0\n"); // a disk
    tree.file("/sys/bus/scsi/devices/1:0:0:0/type", "5\n");
    tree.file("/sys/bus/scsi/devices/1:0:0:0/vendor", "HL-DT-ST\n");
    tree.file("/sys/bus/scsi/devices/1:0:0:0/model", "DVDRAM GH24  \n");
    tree.file("/sys/bus/scsi/devices/host1/type", "5\n");
    tree.file("/sys/devices/usb2/busnum", "2\n");
    tree.file("/sys/devices/usb2/devnum", "3\n");
    tree.file("/sys/devices/usb2/host6/6:0:0:0/type", "5\n");
    tree.link("/sys/bus/scsi/devices/6:0:0:0", "/sys/devices/usb2/host6/6:0:0:0");
    EXPECT_THAT(cdDeviceEntries(tree.root()),
                ElementsAre(StringMap{{"id", "1:0:0:0"}, {"name", "HL-DT-ST DVDRAM GH24"}, {"usb-id", ""}},
                            StringMap{{"id", "6:0:0:0"}, {"name", ""}, {"usb-id", "515"}}));
    EXPECT_THAT(cdDeviceEntries(FakeTree().root()), IsEmpty());
}

TEST(SoundList, Devices) {
    constexpr auto pcm = "00-00: ALC892 Analog : ALC892 Analog : playback 1 : capture 1\n"
                         "00-02: ALC892 Alt : ALC892 Alt : capture 1\n"
                         "12-03: HDMI 0 :  : playback 1\n"
                         "nonsense\n: : :\n1-2: a : b : playback 1\n00-0x: a : b : playback 1\n";
    EXPECT_THAT(parseSoundDevices(pcm, SoundDirection::playback),
                ElementsAre(StringMap{{"id", "00-00"}, {"name", "ALC892 Analog"}, {"card", "0"}},
                            StringMap{{"id", "12-03"}, {"name", "HDMI 0"}, {"card", "12"}}));
    EXPECT_THAT(parseSoundDevices(pcm, SoundDirection::capture),
                ElementsAre(StringMap{{"id", "00-00"}, {"name", "ALC892 Analog"}, {"card", "0"}},
                            StringMap{{"id", "00-02"}, {"name", "ALC892 Alt"}, {"card", "0"}}));
    EXPECT_THAT(soundDeviceEntries(FakeTree().root(), SoundDirection::playback), IsEmpty());
}

TEST(SoundList, Cards) {
    constexpr auto cards = " 0 [PCH            ]: HDA-Intel - HDA Intel PCH\n"
                           "                      HDA Intel PCH at 0xdf240000 irq 131\n"
                           " 1 [Dev]: odd\n x [Bad]: HDA - x\n]: [\n";
    EXPECT_THAT(parseSoundCards(cards), ElementsAre(StringMap{{"id", "0"}, {"name", "HDA Intel PCH"}},
                                                    StringMap{{"id", "1"}, {"name", "odd"}}));
    EXPECT_THAT(parseSoundCards("--- no soundcards ---\n"), IsEmpty());
    EXPECT_THAT(soundCardEntries(FakeTree().root()), IsEmpty());
}

TEST(IsoList, AllButTheEmptyDrive) {
    FakeTree tree;
    EXPECT_THAT(isoNames(tree.root(), "/storage/isos"), IsEmpty());
    tree.file("/storage/isos/b.iso", "");
    tree.file("/storage/isos/a.iso", "");
    tree.file("/storage/isos/null.iso", "");
    tree.file("/storage/isos/readme.txt", "");
    tree.file("/storage/isos/bad\xff.iso", "");
    EXPECT_THAT(isoNames(tree.root(), "/storage/isos"), ElementsAre("a.iso", "b.iso"));
}

TEST(PluginList, StaysBelowItsDirectory) {
    FakeTree tree;
    EXPECT_THAT(uiPluginNames(tree.root(), ""), IsEmpty());
    tree.file("/usr/lib/xui/plugins/menu/one.js", "");
    tree.file("/usr/lib/xui/secret/file", "");
    tree.link("/usr/lib/xui/plugins/out", "/usr/lib/xui/secret");
    EXPECT_THAT(uiPluginNames(tree.root(), ""), ElementsAre("menu", "out"));
    EXPECT_THAT(uiPluginNames(tree.root(), "menu"), ElementsAre("one.js"));
    EXPECT_THAT(uiPluginNames(tree.root(), "/menu/"), ElementsAre("one.js"));
    EXPECT_THAT(uiPluginNames(tree.root(), "nowhere"), IsEmpty());
    for (const char* escape : {"..", "../secret", "menu/../../secret", "/../secret", "out"}) {
        try {
            uiPluginNames(tree.root(), escape);
            ADD_FAILURE() << escape << " was not refused";
        } catch (const Error& e) {
            EXPECT_EQ(e.name(), errors::accessDenied) << escape;
        }
    }
}

TEST(DirectoryNames, AreBounded) {
    FakeTree tree;
    for (const char* name : {"a", "b", "c", "d"})
        tree.file(std::string("/many/") + name, "");
    EXPECT_THAT(directoryNames(tree.root() / "many"), ElementsAre("a", "b", "c", "d"));
    EXPECT_EQ(directoryNames(tree.root() / "many", 3).size(), 3U);
}

} // namespace
} // namespace xb::xenmgr
