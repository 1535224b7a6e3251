// SPDX-License-Identifier: Apache-2.0
// What the fields of disk, nic and pci entries become.
#include "toolstack/xenvm/device_entries.hpp"

#include <gtest/gtest.h>

namespace xb::xenvm {
namespace {

TEST(DeviceEntries, diskFields) {
    DiskEntry disk;
    ASSERT_EQ(parseDisk("/storage/a b.vhd:vhd:xvdb1:w:disk:temporary:backend-domid=3:key-dir=/k:key-size=512",
                        disk),
              "");
    EXPECT_EQ(disk.path, "/storage/a b.vhd");
    EXPECT_EQ(disk.type, "vhd");
    EXPECT_EQ(disk.device, "xvdb1");
    EXPECT_TRUE(disk.writable);
    EXPECT_FALSE(disk.cdrom);
    EXPECT_EQ(disk.snapshot, "temporary");
    EXPECT_EQ(disk.backendDomid, 3);
    EXPECT_EQ(disk.keyDirectory, "/k");
    EXPECT_EQ(disk.keySize, 512);
}

TEST(DeviceEntries, diskErrorsNameTheField) {
    const std::pair<const char*, const char*> wrong[]{
        {"/a:file:xvda:w:disk", "only 5"},
        {"/a:iso:xvda:w:disk:", "iso"},
        {"/a:file:disk0:w:disk:", "disk0"},
        {"/a:file:xvd:w:disk:", "xvd"},
        {"/a:file:xvdabc:w:disk:", "xvdabc"},
        {"/a:file:xvda:rw:disk:", "rw"},
        {"/a:file:xvda:w:floppy:", "floppy"},
        {"/a:file:xvda:w:disk:sometimes", "sometimes"},
        {"/a:file:xvda:w:disk::colour=red", "colour"},
        {"/a:file:xvda:w:disk::backend-domid=-1", "-1"},
        {"/a:file:xvda:w:disk::backend-domid=32752", "32752"},
        {"/a:file:xvda:w:disk::", "option \"\""},
        {":file:xvda:w:disk:", "no path"},
    };
    for (const auto& [text, part] : wrong) {
        DiskEntry disk;
        const std::string error = parseDisk(text, disk);
        EXPECT_NE(error, "") << text;
        EXPECT_NE(error.find(part), std::string::npos) << text << ": " << error;
        EXPECT_TRUE(disk.text.empty()) << "the result is untouched on error";
    }
}

TEST(DeviceEntries, nicFields) {
    NicEntry nic;
    ASSERT_EQ(
        parseNic(
            "id=2, "
            "network=/wired/0/bridged,bridge=br0,mac=random,model=e1000,wireless=true,backend-domid=4,x=y",
            nic),
        "");
    EXPECT_EQ(nic.id, 2);
    EXPECT_EQ(nic.network, "/wired/0/bridged");
    EXPECT_EQ(nic.bridge, "br0");
    EXPECT_EQ(nic.mac, "random");
    EXPECT_EQ(nic.model, "e1000");
    EXPECT_TRUE(nic.wireless);
    EXPECT_EQ(nic.backendDomid, 4);
}

TEST(DeviceEntries, pciFields) {
    PciEntry pci;
    ASSERT_EQ(parsePci("1,bind,0001:0a:1f.7,msitranslate=0,power_mgmt=1,vdevfn=40", pci), "");
    EXPECT_EQ(pci.id, 1);
    EXPECT_TRUE(pci.bind);
    EXPECT_EQ(pci.domain, 1U);
    EXPECT_EQ(pci.bus, 0x0aU);
    EXPECT_EQ(pci.slot, 0x1fU);
    EXPECT_EQ(pci.function, 7U);
    EXPECT_EQ(pci.msiTranslate, false);
    EXPECT_EQ(pci.powerManagement, true);
    EXPECT_EQ(pci.guestSlot, 5);
    EXPECT_FALSE(pci.permissive);
    ASSERT_EQ(parsePci("2,0a:1f.7,permissive=1", pci), "");
    EXPECT_EQ(pci.domain, 0U);
    EXPECT_EQ(pci.bus, 0x0aU);
    EXPECT_TRUE(pci.permissive);
    EXPECT_NE(parsePci("1,1f.7", pci), "");
    EXPECT_NE(parsePci("1,0000:00:20.0", pci), "") << "slots end at 1f";
    EXPECT_NE(parsePci("1,0000:00:02.0,msitranslate=2", pci), "");
    EXPECT_NE(parsePci("1,0000:00:02.0,x=1", pci), "");
}

TEST(DeviceEntries, aNicHasScriptNameAndRate) {
    NicEntry nic;
    ASSERT_EQ(parseNic("id=1,bridge=br0,script=/etc/s,vifname=web0,rate=10Mb/s@20ms", nic), "");
    EXPECT_EQ(nic.script, "/etc/s");
    EXPECT_EQ(nic.ifname, "web0");
    EXPECT_EQ(nic.rateBytes, 25000U); // 1.25 MB/s for 20 ms
    EXPECT_EQ(nic.rateIntervalUs, 20000U);
    ASSERT_EQ(parseNic("rate=250KB/s", nic), "");
    EXPECT_EQ(nic.rateBytes, 12500U);
    EXPECT_EQ(nic.rateIntervalUs, 50000U);
    EXPECT_NE(parseNic("rate=1000000000GB/s@4000s", nic), "") << "beyond 64 bits";
    for (const char* wrong :
         {"rate=10", "rate=Mb/s", "rate=0Mb/s", "rate=10Mb/h", "rate=10Mb/s@", "rate=10Mb/s@5h",
          "rate=1b/s@1us", "rate=1Mb/s@4000000s", "vifname=sixteen-letters-", "vifname=a/b"})
        EXPECT_NE(parseNic(wrong, nic), "") << wrong;
}

TEST(DeviceEntries, rangesIncludeTheirEnd) {
    EXPECT_EQ(checkRange("0x60-0x6f"), "");
    EXPECT_EQ(checkRange("7-7"), "");
    EXPECT_NE(checkRange("8-7"), "");
    EXPECT_NE(checkRange("-1-7"), "");
}

} // namespace
} // namespace xb::xenvm
