// SPDX-License-Identifier: Apache-2.0
// Memory, virtual CPUs and scheduling of a running VM: what is in bounds reaches the hypervisor, and nothing
// else does.
#include "vm_fixture.hpp"

namespace xb::xenvm::test {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class VmResourcesTest : public VmTest {
protected:
    VmResourcesTest() {
        open();
        run(vm->start(false));
        domid = static_cast<xen::DomId>(vm->domid());
        auto& info = hypervisor.alive.at(domid);
        info.memoryKib = 64 * 1024;
        info.maxMemoryKib = 128 * 1024;
        info.vcpus = 2;
        hypervisor.calls.clear();
    }

    xen::DomId domid = 0;
};

TEST_F(VmResourcesTest, WhatIsInBoundsReachesTheHypervisor) {
    run(vm->setMemoryTarget(128));
    run(vm->setMemoryTarget(17));
    run(vm->setOnlineVcpus(1));
    run(vm->setOnlineVcpus(2));
    run(vm->setScheduling(65535, 50));
    EXPECT_THAT(hypervisor.calls,
                ElementsAre(fmt::format("memory target {} 131072", domid),
                            fmt::format("memory target {} 17408", domid),
                            fmt::format("online vcpus {} 1", domid), fmt::format("online vcpus {} 2", domid),
                            fmt::format("scheduling {} 65535 50", domid)));
}

TEST_F(VmResourcesTest, WhatIsOutOfBoundsSaysTheBounds) {
    EXPECT_THAT(outcome(vm->setMemoryTarget(129)), HasSubstr("at most 128"));
    EXPECT_THAT(outcome(vm->setMemoryTarget(16)), HasSubstr("above 16"));
    EXPECT_THAT(outcome(vm->setMemoryTarget(-1)), HasSubstr("-1 MiB"));
    EXPECT_THAT(outcome(vm->setOnlineVcpus(0)), HasSubstr("1 to 2 virtual CPUs, not 0"));
    EXPECT_THAT(outcome(vm->setOnlineVcpus(3)), HasSubstr("not 3"));
    EXPECT_THAT(outcome(vm->setScheduling(0, 0)), HasSubstr("weight"));
    EXPECT_THAT(outcome(vm->setScheduling(65536, 0)), HasSubstr("65536"));
    EXPECT_THAT(outcome(vm->setScheduling(1, -1)), HasSubstr("cap"));
    EXPECT_THAT(hypervisor.calls, IsEmpty());
}

TEST_F(VmResourcesTest, AffinityIsOfOneVirtualCpuOrOfEach) {
    hypervisor.host.cpus = 4;
    run(vm->setAffinity(1, {0, 3}, {}));
    run(vm->setAffinity(-1, {}, {2}));
    EXPECT_THAT(hypervisor.calls, ElementsAre(fmt::format("affinity {} 1 [0,3] []", domid),
                                              fmt::format("affinity {} 0 [] [2]", domid),
                                              fmt::format("affinity {} 1 [] [2]", domid)));
    hypervisor.calls.clear();
    EXPECT_THAT(outcome(vm->setAffinity(2, {}, {})), HasSubstr("virtual CPUs 0 to 1 (-1 is all), not 2"));
    EXPECT_THAT(outcome(vm->setAffinity(-2, {}, {})), HasSubstr("not -2"));
    EXPECT_THAT(outcome(vm->setAffinity(0, {4}, {})), HasSubstr("CPUs 0 to 3, not 4"));
    EXPECT_THAT(outcome(vm->setAffinity(0, {}, {-1})), HasSubstr("not -1"));
    EXPECT_THAT(hypervisor.calls, IsEmpty());
}

TEST_F(VmResourcesTest, WhatTheConfigurationSaysOfCpusComesBeforeTheGuestRuns) {
    run(vm->destroy());
    vm->config().set("vcpus", "2");
    vm->config().set("cpus-affinity", "1:0,2");
    vm->config().set("cpu-weight", "512");
    vm->config().set("cpu-cap", "150");
    hypervisor.calls.clear();
    run(vm->start(false));
    const auto now = vm->domid();
    EXPECT_THAT(hypervisor.calls, testing::IsSupersetOf({fmt::format("scheduling {} 512 150", now),
                                                         fmt::format("affinity {} 1 [0,2] -", now)}));
    EXPECT_EQ(hypervisor.calls.back(), fmt::format("unpause {}", now));
    run(vm->destroy());
    vm->config().set("cpus-affinity", "2:0");
    EXPECT_THAT(outcome(vm->start(false)), HasSubstr("cpus-affinity = 2:0: the VM has virtual CPUs 0 to 1"));
}

TEST_F(VmResourcesTest, WithoutADomainThereIsNothingToSet) {
    run(vm->destroy());
    hypervisor.calls.clear();
    EXPECT_THAT(outcome(vm->setMemoryTarget(64)), HasSubstr("in state shutdown"));
    EXPECT_THAT(outcome(vm->setOnlineVcpus(1)), HasSubstr("in state shutdown"));
    EXPECT_THAT(outcome(vm->setScheduling(256, 0)), HasSubstr("in state shutdown"));
    EXPECT_THAT(outcome(vm->setAffinity(0, {}, {})), HasSubstr("in state shutdown"));
    EXPECT_THAT(hypervisor.calls, IsEmpty());
}

} // namespace xb::xenvm::test
