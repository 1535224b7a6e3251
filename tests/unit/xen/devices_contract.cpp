// SPDX-License-Identifier: Apache-2.0
// Contract: disks and network cards that come and go while the domain runs.
#include "tests/unit/xen/hypervisor_contract.hpp"

#include "toolstack/libs/files.hpp"

#include <algorithm>

namespace xb::xen::test {

class DevicesContract : public HypervisorTest {
protected:
    DiskConfig disk(const std::string& vdev) {
        return {contractEnvironment().disk, DiskBackend::file, vdev, false, false, 0};
    }
    NicConfig nic(int devid) {
        return {devid, "00:16:3e:01:02:0" + std::to_string(devid), contractEnvironment().bridge, "", "", 0};
    }
    /// Runs a guest until it says that it is up.
    DomId boot(DomainConfig wanted) {
        const DomId domid = start(std::move(wanted));
        console_ = std::make_unique<ConsoleReader>(loop_.executor(), await(hypervisor().consoleTty(domid)));
        runUntil(
            [&] { return console_->text().find(contractEnvironment().bootMessage) != std::string::npos; },
            "the guest to boot");
        return domid;
    }
    static std::string frontend(DomId domid, const std::string& device) {
        return "/local/domain/" + std::to_string(domid) + "/device/" + device;
    }
    static std::string backend(DomId domid, const std::string& kind, const std::string& devid) {
        return "/local/domain/0/backend/" + kind + "/" + std::to_string(domid) + "/" + devid;
    }
    void expectNoDevice(DomId domid, const std::string& kind, const std::string& devid) {
        EXPECT_EQ(node(frontend(domid, kind + "/" + devid) + "/state"), "(none)");
        EXPECT_EQ(node(backend(domid, kind, devid) + "/state"), "(none)");
        EXPECT_EQ(node("/libxl/" + std::to_string(domid) + "/device/" + kind + "/" + devid + "/backend"),
                  "(none)");
    }

    std::unique_ptr<ConsoleReader> console_;
};

// xvdb of Xen's docs/man/xen-vbd-interface.
const std::string xvdb = "51728";

TEST_F(DevicesContract, ADiskComesAndGoesWhileTheGuestRuns) {
    auto wanted = config();
    wanted.disks.push_back(disk("xvda"));
    const DomId domid = boot(wanted);
    ASSERT_EQ(await(hypervisor().disks(domid)).size(), 1u);
    for (int round = 0; round < 2; ++round) {
        await(hypervisor().addDisk(domid, disk("xvdb")));
        waitForNode(frontend(domid, "vbd/" + xvdb) + "/state", "4");
        waitForNode(backend(domid, "vbd", xvdb) + "/state", "4");
        const auto during = await(hypervisor().disks(domid));
        ASSERT_EQ(during.size(), 2u);
        EXPECT_EQ(during[0].config, disk("xvda"));
        EXPECT_EQ(during[1].config, disk("xvdb"));
        EXPECT_EQ(during[1].state, 4);
        await(hypervisor().removeDisk(domid, "xvdb", false));
        const auto after = await(hypervisor().disks(domid));
        ASSERT_EQ(after.size(), 1u);
        EXPECT_EQ(after[0].config.vdev, "xvda");
        expectNoDevice(domid, "vbd", xvdb);
    }
    // With force too, and the first disk stays.
    await(hypervisor().addDisk(domid, disk("xvdb")));
    waitForNode(frontend(domid, "vbd/" + xvdb) + "/state", "4");
    await(hypervisor().removeDisk(domid, "xvdb", true));
    expectNoDevice(domid, "vbd", xvdb);
    EXPECT_EQ(node(frontend(domid, "vbd/51712") + "/state"), "4");
}

TEST_F(DevicesContract, WhatIsWrongWithADiskIsSaidAndNothingIsLeft) {
    auto wanted = config();
    wanted.disks.push_back(disk("xvda"));
    const DomId domid = create(wanted);
    auto missing = disk("xvdb");
    missing.path = "/nowhere/disk";
    EXPECT_NE(failure(hypervisor().addDisk(domid, missing)).find("/nowhere/disk"), std::string::npos);
    EXPECT_NE(failure(hypervisor().addDisk(domid, disk("xvda"))).find("xvda already"), std::string::npos);
    EXPECT_NE(failure(hypervisor().removeDisk(domid, "xvdb", false)).find("no disk xvdb"), std::string::npos);
    EXPECT_NE(failure(hypervisor().addDisk(30000, disk("xvdb"))).find("30000"), std::string::npos);
    EXPECT_NE(failure(hypervisor().disks(30000)).find("30000"), std::string::npos);
    EXPECT_EQ(await(hypervisor().disks(domid)).size(), 1u);
    expectNoDevice(domid, "vbd", xvdb);
}

TEST_F(DevicesContract, ACardComesAndGoesWhileTheGuestRuns) {
    const DomId domid = boot(config());
    auto first = nic(0);
    first.rateBytes = 125000;
    first.rateIntervalUs = 50000;
    await(hypervisor().addNic(domid, first));
    await(hypervisor().addNic(domid, nic(1)));
    waitForNode(backend(domid, "vif", "0") + "/state", "4");
    waitForNode(frontend(domid, "vif/1") + "/state", "4");
    const auto during = await(hypervisor().nics(domid));
    ASSERT_EQ(during.size(), 2u);
    EXPECT_EQ(during[0].config.mac, first.mac);
    EXPECT_EQ(during[0].config.bridge, first.bridge);
    EXPECT_EQ(during[0].config.rateBytes, first.rateBytes);
    EXPECT_EQ(during[0].config.rateIntervalUs, first.rateIntervalUs);
    EXPECT_EQ(during[1].config.devid, 1);
    EXPECT_EQ(during[1].config.rateBytes, 0u);
    EXPECT_NE(failure(hypervisor().addNic(domid, nic(1))).find("1 already"), std::string::npos);
    await(hypervisor().removeNic(domid, 0, false));
    expectNoDevice(domid, "vif", "0");
    const auto after = await(hypervisor().nics(domid));
    ASSERT_EQ(after.size(), 1u);
    EXPECT_EQ(after[0].config.devid, 1);
    await(hypervisor().removeNic(domid, 1, true));
    EXPECT_NE(failure(hypervisor().removeNic(domid, 1, false)).find("no network card 1"), std::string::npos);
}

TEST_F(DevicesContract, ACardWhoseScriptFailsIsUndone) {
    const DomId domid = boot(config());
    auto wrong = nic(0);
    wrong.bridge = "no-such-bridge";
    EXPECT_NE(failure(hypervisor().addNic(domid, wrong)), "");
    expectNoDevice(domid, "vif", "0");
    EXPECT_TRUE(await(hypervisor().nics(domid)).empty());
    await(hypervisor().addNic(domid, nic(0)));
    waitForNode(backend(domid, "vif", "0") + "/state", "4");
}

TEST_F(DevicesContract, TheMediumOfADriveChanges) {
    auto wanted = config();
    wanted.disks.push_back({contractEnvironment().disk, DiskBackend::file, "xvdb", false, true, 0});
    wanted.disks.push_back(disk("xvdc"));
    const DomId domid = boot(wanted);
    waitForNode(frontend(domid, "vbd/" + xvdb) + "/state", "4");
    const std::string other = contractEnvironment().disk + ".second";
    writeFileAtomically(other, std::string("the other medium").append(64 * 1024 - 16, '\0'));
    await(hypervisor().changeMedium(domid, "xvdb", other));
    waitForNode(frontend(domid, "vbd/" + xvdb) + "/state", "4");
    auto now = await(hypervisor().disks(domid));
    ASSERT_EQ(now.size(), 2u);
    EXPECT_EQ(now[0].config.path, other);
    EXPECT_TRUE(now[0].config.cdrom);
    EXPECT_NE(failure(hypervisor().changeMedium(domid, "xvdb", "/nowhere/cd")).find("/nowhere/cd"),
              std::string::npos);
    EXPECT_EQ(await(hypervisor().disks(domid))[0].config.path, other);
    EXPECT_NE(failure(hypervisor().changeMedium(domid, "xvdc", other)).find("not a CD"), std::string::npos);
    EXPECT_NE(failure(hypervisor().changeMedium(domid, "xvdd", other)).find("no disk xvdd"),
              std::string::npos);
    await(hypervisor().changeMedium(domid, "xvdb", ""));
    now = await(hypervisor().disks(domid));
    ASSERT_EQ(now.size(), 2u);
    EXPECT_EQ(now[0].config.path, "");
}

} // namespace xb::xen::test
