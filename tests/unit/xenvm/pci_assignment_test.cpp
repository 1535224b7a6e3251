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
    EXPECT_THAT(verdict(), AllOf(HasSubstr("belongs to the driver e1000e"),
                                 HasSubstr("xl pci-assignable-add 0000:02:00.0")));
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

TEST_F(PciAssignmentTest, HvmNeedsAnIommu) {
    xen::DomainConfig domain;
    domain.type = xen::DomainType::hvm;
    domain.pciDevices.push_back({{0, 2, 0, 0}});
    hypervisor.host.hvm = true;
    hypervisor.host.directIo = false;
    EXPECT_THAT(outcome(checkHost(hypervisor, domain, false)),
                HasSubstr("missing host capability: directio"));
    hypervisor.host.directIo = true;
    EXPECT_EQ(outcome(checkHost(hypervisor, domain, false)), "");
}

} // namespace xb::xenvm::test
