// SPDX-License-Identifier: Apache-2.0
// Devices that come and go: domain and configuration change together or not at all.
#include "vm_fixture.hpp"

#include "toolstack/xenvm/nics.hpp"

namespace xb::xenvm::test {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

class VmDevicesTest : public VmTest {
protected:
    VmDevicesTest() {
        image = (directory.path() / "image").string();
        writeFileAtomically(image, "an image");
    }
    std::string disk(const std::string& device, const std::string& type = "disk") const {
        return fmt::format("{}:file:{}:r:{}:", image, device, type);
    }
    void startWith(const std::string& config) {
        writeConfig(config);
        open();
        run(vm->start(false));
        domid = static_cast<xen::DomId>(vm->domid());
        hypervisor.calls.clear();
    }
    std::vector<std::string> configuredDisks() {
        std::vector<std::string> names;
        for (const auto& each : vm->config().latest().disks)
            names.push_back(each.device);
        return names;
    }
    std::vector<int> configuredNics() {
        std::vector<int> ids;
        for (const auto& each : vm->config().latest().nics)
            ids.push_back(each.id);
        return ids;
    }

    std::string image;
    xen::DomId domid = 0;
};

TEST_F(VmDevicesTest, ADiskComesToDomainAndConfiguration) {
    startWith("disk = " + disk("xvda") + "\n");
    run(vm->addDisk(disk("xvdb")));
    EXPECT_THAT(hypervisor.calls, ElementsAre(fmt::format("add disk {} xvdb", domid)));
    EXPECT_EQ(hypervisor.plugged[domid].at(1).path, image);
    EXPECT_THAT(configuredDisks(), ElementsAre("xvda", "xvdb"));
    run(vm->removeDisk("xvda", true));
    EXPECT_THAT(hypervisor.calls, Contains(fmt::format("remove disk {} xvda by force", domid)));
    EXPECT_THAT(configuredDisks(), ElementsAre("xvdb"));
    // And the next start has it so.
    run(vm->destroy());
    run(vm->start(false));
    ASSERT_THAT(hypervisor.built.back().disks, SizeIs(1));
    EXPECT_EQ(hypervisor.built.back().disks[0].vdev, "xvdb");
}

TEST_F(VmDevicesTest, WithoutADomainOnlyTheConfigurationChanges) {
    open();
    run(vm->addDisk(disk("xvda")));
    run(vm->addNic("bridge=br0"));
    EXPECT_THAT(hypervisor.calls, IsEmpty());
    EXPECT_THAT(configuredDisks(), ElementsAre("xvda"));
    run(vm->removeDisk("xvda", false));
    run(vm->removeNic(0, false));
    EXPECT_THAT(configuredDisks(), IsEmpty());
    EXPECT_THAT(configuredNics(), IsEmpty());
    EXPECT_THAT(outcome(vm->removeDisk("xvda", false)), HasSubstr("has no disk xvda"));
    EXPECT_THAT(outcome(vm->changeMedium("xvda", image)), HasSubstr("bad state"));
    EXPECT_THAT(outcome(vm->switchNetwork(0, "br1")), HasSubstr("bad state"));
}

TEST_F(VmDevicesTest, WhatFailsChangesNeither) {
    startWith("disk = " + disk("xvda") + "\n");
    EXPECT_THAT(outcome(vm->addDisk(disk("xvda"))), HasSubstr("has a disk xvda already"));
    EXPECT_THAT(outcome(vm->addDisk("/nowhere:file:xvdb:r:disk:")), HasSubstr("/nowhere"));
    EXPECT_THAT(outcome(vm->addDisk("/x:floppy:xvdb:r:disk:")), HasSubstr("floppy"));
    EXPECT_THAT(hypervisor.calls, IsEmpty());
    hypervisor.failAdd = "the script failed";
    EXPECT_EQ(outcome(vm->addDisk(disk("xvdb"))), "the script failed");
    hypervisor.keepsDevices = true;
    EXPECT_THAT(outcome(vm->removeDisk("xvda", false)), HasSubstr("does not let go"));
    EXPECT_THAT(configuredDisks(), ElementsAre("xvda"));
    EXPECT_THAT(hypervisor.plugged[domid], SizeIs(1));
}

TEST_F(VmDevicesTest, AMediumChangesInDomainAndConfiguration) {
    startWith("disk = :file:hdc:r:cdrom:\n");
    run(vm->changeMedium("hdc", image));
    EXPECT_THAT(hypervisor.calls, ElementsAre(fmt::format("medium {} hdc {}", domid, image)));
    EXPECT_EQ(vm->config().latest().disks.at(0).path, image);
    EXPECT_EQ(vm->config().get("disk"), image + ":file:hdc:r:cdrom:");
    EXPECT_THAT(outcome(vm->changeMedium("hdc", "/nowhere/cd")), HasSubstr("/nowhere/cd"));
    EXPECT_THAT(outcome(vm->changeMedium("hdd", image)), HasSubstr("no disk hdd"));
    run(vm->changeMedium("hdc", ""));
    EXPECT_EQ(vm->config().latest().disks.at(0).path, "");
}

TEST_F(VmDevicesTest, ANicKeepsItsNumberAndAddress) {
    startWith("nic = id=0,bridge=br0\n");
    run(vm->addNic("bridge=br1,mac=random"));
    EXPECT_THAT(hypervisor.calls, ElementsAre(fmt::format("add nic {} 1 br1 0", domid)));
    const auto live = hypervisor.cards[domid].at(1);
    EXPECT_EQ(vm->config().latest().nics.at(1).mac, live.mac);
    run(vm->addNic("bridge=br1"));
    EXPECT_EQ(hypervisor.cards[domid].at(2).mac, derivedMac(2, "", uuid));
    run(vm->removeNic(1, false));
    EXPECT_THAT(configuredNics(), ElementsAre(0, 2));
    // Of the domain, although the configuration has lost it.
    vm->config().edit([](Config& config) {
        config.nics.clear();
        return std::string();
    });
    run(vm->addNic("bridge=br3"));
    EXPECT_THAT(configuredNics(), ElementsAre(1));
    run(vm->removeNic(0, false));
    EXPECT_THAT(outcome(vm->removeNic(0, false)), HasSubstr("has no NIC 0"));
}

TEST_F(VmDevicesTest, ANicMovesToAnotherBridgeOrComesBack) {
    startWith("nic = id=3,bridge=br0,rate=1MB/s\n");
    EXPECT_EQ(hypervisor.cards[domid].at(0).rateBytes, 50000u);
    run(vm->switchNetwork(3, "br1"));
    EXPECT_THAT(hypervisor.calls,
                ElementsAre(fmt::format("remove nic {} 3", domid), fmt::format("add nic {} 3 br1 0", domid)));
    EXPECT_EQ(hypervisor.cards[domid].at(0).mac, derivedMac(3, "", uuid));
    EXPECT_EQ(hypervisor.cards[domid].at(0).rateBytes, 50000u);
    EXPECT_EQ(vm->config().latest().nics.at(0).network, "br1");
    hypervisor.failAdd = "no such bridge";
    EXPECT_EQ(outcome(vm->switchNetwork(3, "br2")), "no such bridge");
    ASSERT_THAT(hypervisor.cards[domid], SizeIs(1));
    EXPECT_EQ(hypervisor.cards[domid].at(0).bridge, "br1");
    EXPECT_EQ(vm->config().latest().nics.at(0).network, "br1");
    EXPECT_THAT(take(), Not(Contains(HasSubstr("error"))));
    hypervisor.failAddTimes = 2;
    EXPECT_EQ(outcome(vm->switchNetwork(3, "br2")), "no such bridge");
    EXPECT_THAT(take(), Contains(HasSubstr("could not be put back")));
    EXPECT_THAT(outcome(vm->switchNetwork(5, "br2")), HasSubstr("has no NIC 5"));
}

TEST_F(VmDevicesTest, ANicMovesToAnotherBackend) {
    startWith("nic = id=0,bridge=br0\n");
    const auto driverDomain = hypervisor.add("66666666-3a1a-4c39-9f7b-0d3c8c0e5a11", false);
    run(vm->setNicBackend(0, static_cast<int>(driverDomain)));
    EXPECT_EQ(hypervisor.cards[domid].at(0).backendDomid, driverDomain);
    EXPECT_EQ(vm->config().latest().nics.at(0).backendDomid, static_cast<int>(driverDomain));
    // There the network is a node that its network daemon watches.
    hypervisor.calls.clear();
    run(vm->switchNetwork(0, "/wired/1"));
    EXPECT_THAT(hypervisor.calls, IsEmpty());
    EXPECT_EQ(hypervisor.xenstore
                  .values[fmt::format("/local/domain/{}/backend/vif/{}/0/bridge", driverDomain, domid)],
              "/wired/1");
    EXPECT_THAT(outcome(vm->setNicBackend(0, 999)), HasSubstr("no domain 999"));
    EXPECT_THAT(outcome(vm->setNicBackend(0, -1)), HasSubstr("-1"));
}

TEST_F(VmDevicesTest, TheCableIsPluggedThroughTheFrontend) {
    startWith("nic = id=0,bridge=br0\n");
    const auto node = fmt::format("/local/domain/{}/device/vif/0/disconnect", domid);
    run(vm->setNicLink(0, false));
    EXPECT_EQ(hypervisor.xenstore.values[node], "1");
    run(vm->setNicLink(0, true));
    EXPECT_EQ(hypervisor.xenstore.values[node], "0");
    EXPECT_THAT(outcome(vm->setNicLink(1, true)), HasSubstr("has no NIC 1"));
}

TEST_F(VmDevicesTest, TheDevicesOfAnAdoptedDomainAreThoseThatItHas) {
    domid = hypervisor.add(uuid, false);
    hypervisor.plugged[domid].push_back({"/dev/vg/found", xen::DiskBackend::phy, "xvdx", true, false, 0});
    hypervisor.cards[domid].push_back({7, "00:16:3e:00:00:07", "br7", "", "", 0});
    writeConfig("disk = " + disk("xvda") + "\nnic = id=7,bridge=br0,model=e1000\n");
    open();
    std::vector<DiskEntry> disks;
    std::vector<NicEntry> nics;
    run([](Vm& from, std::vector<DiskEntry>& d, std::vector<NicEntry>& n) -> Task<> {
        d = co_await from.disks();
        n = co_await from.nics();
    }(*vm, disks, nics));
    ASSERT_THAT(disks, SizeIs(1));
    EXPECT_EQ(disks[0].device, "xvdx");
    EXPECT_EQ(disks[0].type, "phy");
    EXPECT_TRUE(disks[0].writable);
    ASSERT_THAT(nics, SizeIs(1));
    EXPECT_EQ(nics[0].bridge, "br7");
    EXPECT_EQ(nics[0].model, "e1000");
}

TEST_F(VmDevicesTest, ADomainThatHasStoppedTakesNoDevices) {
    startWith("on_crash = preserve\n");
    hypervisor.stop(domid, xen::ShutdownReason::crash);
    settle();
    run(vm->addDisk(disk("xvdb")));
    EXPECT_THAT(hypervisor.calls, IsEmpty());
    EXPECT_THAT(configuredDisks(), ElementsAre("xvdb"));
}

} // namespace xb::xenvm::test
