// SPDX-License-Identifier: Apache-2.0
// Which PCI devices can be given away, on a /sys of the test's own.
#include "vm_fixture.hpp"

#include "toolstack/xenvm/pci_assignment.hpp"
#include "toolstack/xenvm/start_checks.hpp"

namespace xb::xenvm::test {

using testing::AllOf;
using testing::HasSubstr;

class PciAssignmentTest : public VmTest {
protected:
    PciAssignmentTest() {
        system = directory.path() / "system";
        bus = system / "sys/bus/pci";
        makeDirectories(bus / "drivers/pciback");
        makeDirectories(bus / "drivers/e1000e");
        makeDirectories(bus / "devices");
        device("0000:02:00.0", "0x020000", "pciback");
        options.system = system;
    }
    void device(const std::string& address, const std::string& kind, const std::string& driver) {
        const auto path = bus / "devices" / address;
        std::filesystem::remove_all(path);
        makeDirectories(path);
        writeFileAtomically(path / "class", kind + "\n");
        if (!driver.empty())
            std::filesystem::create_symlink("../../drivers/" + driver, path / "driver");
    }
    std::string verdict(bool seize = false, int own = -1) {
        xen::PciConfig pci;
        pci.address = {0, 2, 0, 0};
        pci.seize = seize;
        std::vector<xen::PciConfig> devices{pci};
        return outcome(checkPciDevices(hypervisor.xenstore, devices, own, system));
    }

    std::filesystem::path system;
    std::filesystem::path bus;
};

TEST_F(PciAssignmentTest, WhatPcibackHasMayBeHad) {
    EXPECT_EQ(verdict(), "");
    EXPECT_EQ(verdict(true), "");
}

TEST_F(PciAssignmentTest, WhatIsNotThereIsRefused) {
    std::filesystem::remove_all(bus / "devices/0000:02:00.0");
    EXPECT_THAT(verdict(), AllOf(HasSubstr("0000:02:00.0"), HasSubstr("the host has no such device")));
    EXPECT_THAT(verdict(true), HasSubstr("the host has no such device"));
}

TEST_F(PciAssignmentTest, WhatADriverOfDom0HasIsTakenOnlyIfSaid) {
    device("0000:02:00.0", "0x020000", "e1000e");
    EXPECT_THAT(verdict(),
                AllOf(HasSubstr("belongs to the driver e1000e"), HasSubstr("xenops pci-bind 0000:02:00.0")));
    EXPECT_EQ(verdict(true), "");
    device("0000:02:00.0", "0x020000", "");
    EXPECT_THAT(verdict(), HasSubstr("was not made assignable"));
    EXPECT_EQ(verdict(true), "");
}

TEST_F(PciAssignmentTest, BridgesAndHostsWithoutPcibackAreRefused) {
    device("0000:02:00.0", "0x060400", "pciback");
    EXPECT_THAT(verdict(true), HasSubstr("it is a bridge"));
    device("0000:02:00.0", "0x020000", "");
    std::filesystem::remove_all(bus / "drivers/pciback");
    EXPECT_THAT(verdict(true), HasSubstr("modprobe xen-pciback"));
}

TEST_F(PciAssignmentTest, WhatAnotherDomainHasIsRefused) {
    const std::string node = "/local/domain/0/backend/pci/7/0";
    hypervisor.xenstore.values[node + "/num_devs"] = "2";
    hypervisor.xenstore.values[node + "/dev-0"] = "0000:03:00.0";
    EXPECT_EQ(verdict(), "");
    hypervisor.xenstore.values[node + "/dev-1"] = "0000:02:00.0";
    EXPECT_THAT(verdict(), HasSubstr("domain 7 has it"));
    EXPECT_EQ(verdict(false, 7), "") << "its own";
}

TEST_F(PciAssignmentTest, AVmDoesNotStartWithoutItsDevice) {
    writeConfig("type = hvm\npci = 0,ffff:ff:1f.7\n");
    open();
    EXPECT_THAT(outcome(vm->start(false)), HasSubstr("PCI device ffff:ff:1f.7 cannot be given to the VM"));
    EXPECT_EQ(vm->state(), LifeState::shutdown);
    EXPECT_TRUE(hypervisor.built.empty());
}

TEST_F(PciAssignmentTest, AVmWithADeviceNeedsAnIommu) {
    xen::DomainConfig domain;
    domain.type = xen::DomainType::hvm;
    domain.pciDevices.push_back({{0, 2, 0, 0}});
    hypervisor.host.hvm = true;
    hypervisor.host.directIo = false;
    EXPECT_THAT(outcome(checkHost(hypervisor, domain, false)),
                HasSubstr("missing host capability: directio"));
    domain.type = xen::DomainType::pv;
    EXPECT_THAT(outcome(checkHost(hypervisor, domain, false)), HasSubstr("directio"));
    hypervisor.host.directIo = true;
    EXPECT_EQ(outcome(checkHost(hypervisor, domain, false)), "");
}

// Its driver would be taken from under it.
TEST_F(PciAssignmentTest, WhatDom0WorksWithIsNotTaken) {
    device("0000:02:00.0", "0x020000", "e1000e");
    const auto interface = bus / "devices/0000:02:00.0/net/eth0";
    makeDirectories(interface);
    writeFileAtomically(interface / "flags", "0x1002\n"); // broadcast, multicast
    EXPECT_EQ(verdict(true), "");
    writeFileAtomically(interface / "flags", "0x1003\n");
    EXPECT_THAT(verdict(true),
                AllOf(HasSubstr("0000:02:00.0"), HasSubstr("its network interface eth0 is up")));
}

TEST_F(PciAssignmentTest, DisksThatAreMountedSwappedToOrPartOfOthersAreInUse) {
    device("0000:02:00.0", "0x010601", "ahci");
    const auto disk = bus / "devices/0000:02:00.0/ata1/host0/target0:0:0/0:0:0:0/block/sda";
    makeDirectories(disk / "sda1/holders");
    makeDirectories(system / "proc/self");
    writeFileAtomically(disk / "dev", "8:0\n");
    writeFileAtomically(disk / "sda1/dev", "8:1\n");
    const auto mounts = system / "proc/self/mountinfo";
    const auto swaps = system / "proc/swaps";
    writeFileAtomically(mounts, "24 1 8:16 / / rw - ext4 /dev/sdb rw\n");
    EXPECT_EQ(verdict(true), "");
    writeFileAtomically(mounts,
                        "24 1 8:16 / / rw - ext4 /dev/sdb rw\n30 24 8:1 / /srv rw - ext4 /dev/sda1 rw\n");
    EXPECT_THAT(verdict(true), HasSubstr("its disk sda1 is mounted on /srv"));
    writeFileAtomically(mounts, "");
    writeFileAtomically(swaps, "Filename\tType\n/dev/sda1 partition 1 0 -2\n");
    EXPECT_THAT(verdict(true), HasSubstr("its disk sda1 is swapped to"));
    writeFileAtomically(swaps, "");
    std::filesystem::create_symlink("../../../dm-0", disk / "sda1/holders/dm-0");
    EXPECT_THAT(verdict(true), HasSubstr("its disk sda1 is part of dm-0"));
}

class PciHotPlugTest : public PciAssignmentTest {
protected:
    PciHotPlugTest() {
        hypervisor.host.directIo = true;
        device("0000:03:00.0", "0x028000", "pciback");
        writeConfig("pci = 0,0000:02:00.0\n");
        open();
    }
    std::vector<std::string> configured() {
        std::vector<std::string> list;
        for (const auto& each : vm->config().latest().pcis)
            list.push_back(each.text);
        return list;
    }
};

TEST_F(PciHotPlugTest, WithoutADomainOnlyTheConfigurationChanges) {
    run(vm->addPci("1,bind,0000:03:00.0"));
    EXPECT_THAT(configured(), testing::ElementsAre("0,0000:02:00.0", "1,bind,0000:03:00.0"));
    EXPECT_THAT(outcome(vm->addPci("2,0000:03:00.0")), HasSubstr("has PCI device 0000:03:00.0 already"));
    run(vm->removePci("0000:02:00.0", false));
    EXPECT_THAT(configured(), testing::ElementsAre("1,bind,0000:03:00.0"));
    EXPECT_THAT(outcome(vm->removePci("0000:02:00.0", false)), HasSubstr("has no PCI device 0000:02:00.0"));
    EXPECT_THAT(outcome(vm->removePci("02:00", false)), HasSubstr("no address of the form"));
    EXPECT_THAT(hypervisor.calls, testing::IsEmpty());
}

TEST_F(PciHotPlugTest, ADomainGetsAndLosesItAtOnce) {
    run(vm->start(false));
    hypervisor.calls.clear();
    run(vm->addPci("1,0000:03:00.0"));
    hypervisor.keepsDevices = true;
    EXPECT_NE(outcome(vm->removePci("0000:02:00.0", false)), "");
    EXPECT_THAT(configured(), testing::ElementsAre("0,0000:02:00.0", "1,0000:03:00.0")) << "it is as it was";
    run(vm->removePci("0000:02:00.0", true));
    const auto domid = vm->domid();
    EXPECT_THAT(hypervisor.calls,
                testing::ElementsAre(fmt::format("add pci {} 0000:03:00.0", domid),
                                     fmt::format("remove pci {} 0000:02:00.0", domid),
                                     fmt::format("remove pci {} 0000:02:00.0 by force", domid)));
    EXPECT_THAT(configured(), testing::ElementsAre("1,0000:03:00.0"));
}

TEST_F(PciHotPlugTest, WhatCannotBeHadChangesNothing) {
    run(vm->start(false));
    device("0000:03:00.0", "0x028000", "ath10k");
    EXPECT_THAT(outcome(vm->addPci("1,0000:03:00.0")), HasSubstr("belongs to the driver ath10k"));
    hypervisor.failAdd = "libxl says no";
    EXPECT_THAT(outcome(vm->addPci("1,bind,0000:03:00.0")), HasSubstr("libxl says no"));
    EXPECT_THAT(configured(), testing::ElementsAre("0,0000:02:00.0"));
}

} // namespace xb::xenvm::test
