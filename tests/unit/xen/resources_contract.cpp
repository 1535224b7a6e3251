// SPDX-License-Identifier: Apache-2.0
// What every implementation of the hypervisor layer does with memory, virtual CPUs and scheduling of live
// domains, and with the host's console: the guest follows, and what is out of bounds is refused.
#include "tests/unit/xen/hypervisor_contract.hpp"

#include <algorithm>

namespace xb::xen::test {

namespace {

constexpr std::chrono::milliseconds lookAgain{50};
constexpr std::uint64_t mib = 1024;
// A balloon driver leaves some pages of rounding, and PVH guests have their video memory and tables apart.
constexpr std::uint64_t slack = 4 * mib;
// What libxl adds to every maximum.
constexpr std::uint64_t toolstackKib = 1 * mib;

bool near(std::uint64_t value, std::uint64_t wanted) {
    return value <= wanted + slack && value + slack >= wanted;
}

} // namespace

class ResourcesContract : public HypervisorTest {
protected:
    // Two virtual CPUs, room to grow.
    DomainConfig roomy() {
        auto wanted = config();
        wanted.vcpus = 2;
        wanted.maxMemoryKib = wanted.memoryKib;
        return wanted;
    }
    // Up and listening.
    DomId boot(const DomainConfig& wanted) {
        const DomId domid = start(wanted);
        console_ = std::make_unique<ConsoleReader>(loop_.executor(), await(hypervisor().consoleTty(domid)));
        waitForText(contractEnvironment().bootMessage);
        return domid;
    }
    void waitForText(const std::string& text) {
        runUntil([&] { return console_->text().find(text) != std::string::npos; },
                 "the console to say " + text);
    }
    // Nothing tells of what a guest does with its memory and processors: it is looked at again.
    void eventually(const std::function<bool()>& condition, const std::string& what) {
        const auto deadline = std::chrono::steady_clock::now() + contractEnvironment().limit;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline)
                throw std::runtime_error("deadline passed while waiting for " + what);
            await(delay(lookAgain));
        }
    }
    MemoryTarget memory(DomId domid) { return await(hypervisor().memoryTarget(domid)); }
    std::size_t online(DomId domid) {
        const auto list = await(hypervisor().vcpus(domid));
        return static_cast<std::size_t>(std::ranges::count(list, true, &VcpuInfo::online));
    }

    std::unique_ptr<ConsoleReader> console_;
};

TEST_F(ResourcesContract, ABalloonFollowsTheTargetDownAndUp) {
    const auto wanted = roomy();
    const DomId domid = boot(wanted);
    const auto before = memory(domid);
    EXPECT_TRUE(near(before.targetKib, wanted.memoryKib)) << before.targetKib;
    EXPECT_TRUE(near(before.currentKib, wanted.memoryKib)) << before.currentKib;
    EXPECT_TRUE(near(before.maxKib, wanted.maxMemoryKib)) << before.maxKib;
    const auto hostBefore = await(hypervisor().hostInfo()).freeMemoryKib;
    const auto less = before.targetKib - 12 * mib;
    await(hypervisor().setMemoryTarget(domid, less));
    EXPECT_EQ(memory(domid).targetKib, less);
    eventually([&] { return memory(domid).currentKib + 10 * mib <= before.currentKib; },
               "the balloon to grow");
    EXPECT_GE(await(hypervisor().hostInfo()).freeMemoryKib + slack, hostBefore + 10 * mib);
    await(hypervisor().setMemoryTarget(domid, before.targetKib));
    eventually([&] { return near(memory(domid).currentKib, before.currentKib); }, "the balloon to shrink");
}

TEST_F(ResourcesContract, ATargetOutOfBoundsIsRefused) {
    const auto wanted = roomy();
    const DomId domid = create(wanted);
    const auto before = memory(domid);
    EXPECT_NE(failure(hypervisor().setMemoryTarget(domid, before.maxKib + 64 * mib)), "");
    EXPECT_NE(failure(hypervisor().setMemoryTarget(domid, 0)), "");
    EXPECT_EQ(memory(domid).targetKib, before.targetKib);
    EXPECT_NE(failure(hypervisor().memoryTarget(30000)).find("30000"), std::string::npos);
    EXPECT_NE(failure(hypervisor().setMemoryTarget(30000, 64 * mib)).find("30000"), std::string::npos);
}

TEST_F(ResourcesContract, TheMaximumOfADomainIsSet) {
    const DomId domid = create(roomy());
    const auto more = info(domid).maxMemoryKib + 8 * mib;
    await(hypervisor().setMaxMemory(domid, more));
    EXPECT_GE(info(domid).maxMemoryKib, more);
    EXPECT_LE(info(domid).maxMemoryKib, more + toolstackKib);
    const auto set = info(domid).maxMemoryKib;
    await(hypervisor().setMaxMemory(domid, more)); // nothing adds up
    EXPECT_EQ(info(domid).maxMemoryKib, set);
}

TEST_F(ResourcesContract, VirtualCpusAreUnpluggedAndPlugged) {
    const DomId domid = boot(roomy());
    const auto all = await(hypervisor().vcpus(domid));
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].number, 0u);
    EXPECT_EQ(all[1].number, 1u);
    eventually([&] { return online(domid) == 2; }, "both to be online");
    await(hypervisor().setOnlineVcpus(domid, 1));
    eventually([&] { return online(domid) == 1; }, "the second to go");
    const std::string node1 = "/local/domain/" + std::to_string(domid) + "/cpu/1/availability";
    EXPECT_EQ(node(node1), "offline");
    await(hypervisor().setOnlineVcpus(domid, 2));
    eventually([&] { return online(domid) == 2; }, "the second to come");
    EXPECT_EQ(node(node1), "online");
    EXPECT_NE(failure(hypervisor().setOnlineVcpus(domid, 0)), "");
    EXPECT_NE(failure(hypervisor().setOnlineVcpus(domid, 3)), "");
    EXPECT_EQ(online(domid), 2u);
}

TEST_F(ResourcesContract, AffinityIsSetAndTold) {
    const DomId domid = create(roomy());
    const auto cpus = await(hypervisor().hostInfo()).cpus;
    await(hypervisor().setAffinity(domid, 1, std::vector<unsigned>{0}, std::nullopt));
    const std::vector<unsigned> first = cpus == 1 ? std::vector<unsigned>{} : std::vector<unsigned>{0};
    EXPECT_EQ(await(hypervisor().vcpus(domid))[1].hardAffinity, first);
    EXPECT_TRUE(await(hypervisor().vcpus(domid))[0].hardAffinity.empty());
    await(hypervisor().setAffinity(domid, 0, std::nullopt, std::vector<unsigned>{0}));
    EXPECT_EQ(await(hypervisor().vcpus(domid))[0].softAffinity, first);
    EXPECT_TRUE(await(hypervisor().vcpus(domid))[0].hardAffinity.empty());
    await(hypervisor().setAffinity(domid, 1, std::vector<unsigned>{}, std::nullopt));
    EXPECT_TRUE(await(hypervisor().vcpus(domid))[1].hardAffinity.empty());
    EXPECT_NE(failure(hypervisor().setAffinity(domid, 1, std::vector<unsigned>{cpus}, std::nullopt)), "");
    EXPECT_NE(failure(hypervisor().setAffinity(domid, 2, std::vector<unsigned>{0}, std::nullopt)), "");
}

TEST_F(ResourcesContract, WeightAndCapAreSetAndTold) {
    const DomId domid = create(roomy());
    EXPECT_EQ(await(hypervisor().schedulerParameters(domid)), (SchedulerParameters{256, 0}));
    SchedulerParameters wanted{512, 50};
    await(hypervisor().setSchedulerParameters(domid, wanted));
    EXPECT_EQ(await(hypervisor().schedulerParameters(domid)), wanted);
    EXPECT_NE(failure(hypervisor().setSchedulerParameters(domid, {0, 0})), "");
    EXPECT_NE(failure(hypervisor().setSchedulerParameters(domid, {256, 1000})), "");
    EXPECT_EQ(await(hypervisor().schedulerParameters(domid)), wanted);
    EXPECT_NE(failure(hypervisor().schedulerParameters(30000)).find("30000"), std::string::npos);
}

TEST_F(ResourcesContract, DebugKeysShowOnXensConsole) {
    await(hypervisor().sendDebugKeys("h"));
    EXPECT_NE(await(hypervisor().consoleRing()).find("'h' pressed"), std::string::npos);
    EXPECT_NE(failure(hypervisor().sendDebugKeys("")), "");
}

TEST_F(ResourcesContract, SysrqReachesTheGuest) {
    const DomId domid = boot(roomy());
    console_->forget();
    await(hypervisor().sendSysrq(domid, 'h'));
    waitForText("sysrq: HELP");
    EXPECT_NE(failure(hypervisor().sendSysrq(30000, 'h')).find("30000"), std::string::npos);
}

} // namespace xb::xen::test
