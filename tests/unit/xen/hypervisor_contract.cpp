// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/xen/hypervisor_contract.hpp"

#include "toolstack/libs/uuid.hpp"

#include <algorithm>

namespace xb::xen::test {

using Kind = DomainEvent::Kind;

class HypervisorContract : public HypervisorTest {};

TEST_F(HypervisorContract, HostInfoTellsMemoryAndProcessors) {
    const auto host = await(hypervisor().hostInfo());
    EXPECT_GT(host.totalMemoryKib, host.freeMemoryKib);
    EXPECT_GT(host.freeMemoryKib, contractEnvironment().domain.memoryKib);
    EXPECT_GE(host.cpus, 1u);
    EXPECT_EQ(host.version.substr(0, 2), "4.");
}

TEST_F(HypervisorContract, CreateLeavesTheDomainPausedAndKnown) {
    const auto wanted = config();
    std::vector<std::pair<CreateStep, DomId>> steps;
    const DomId domid =
        await(hypervisor().create(wanted, [&](CreateStep step, DomId id) { steps.emplace_back(step, id); }));
    created_.push_back(domid);
    const auto now = info(domid);
    EXPECT_TRUE(now.paused);
    EXPECT_FALSE(now.shutdown);
    EXPECT_FALSE(now.dying);
    EXPECT_EQ(now.uuid, wanted.uuid);
    EXPECT_EQ(now.name, wanted.name);
    EXPECT_EQ(now.vcpus, wanted.vcpus);
    EXPECT_GE(now.maxMemoryKib, wanted.memoryKib);
    ASSERT_EQ(steps.size(), 2u);
    EXPECT_EQ(steps[0], std::make_pair(CreateStep::domainMade, domid));
    EXPECT_EQ(steps[1], std::make_pair(CreateStep::devicesMade, domid));
    const auto found = await(hypervisor().findDomain(wanted.uuid));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->domid, domid);
    const std::string home = "/local/domain/" + std::to_string(domid);
    EXPECT_EQ(node(home + "/name"), wanted.name);
    EXPECT_EQ(node(home + "/domid"), std::to_string(domid));
    EXPECT_EQ(node(home + "/vm"), "/vm/" + wanted.uuid);
    EXPECT_EQ(node("/vm/" + wanted.uuid + "/uuid"), wanted.uuid);
}

TEST_F(HypervisorContract, DestroyLeavesNothing) {
    auto wanted = config();
    wanted.disks.push_back({contractEnvironment().disk, DiskBackend::file, "xvda", true, false, 0});
    const DomId domid = start(wanted);
    await(hypervisor().destroy(domid));
    EXPECT_FALSE(await(hypervisor().domain(domid)));
    EXPECT_FALSE(await(hypervisor().findDomain(wanted.uuid)));
    const std::string number = std::to_string(domid);
    for (const auto& path :
         {"/local/domain/" + number, "/libxl/" + number, "/local/domain/0/backend/vbd/" + number})
        EXPECT_EQ(node(path), "(none)") << path;
    await(hypervisor().destroy(domid)); // gone already: no error
}

TEST_F(HypervisorContract, UnpauseAndPause) {
    const DomId domid = create(config());
    await(hypervisor().unpause(domid));
    EXPECT_FALSE(info(domid).paused);
    await(hypervisor().pause(domid));
    EXPECT_TRUE(info(domid).paused);
    await(hypervisor().unpause(domid));
    EXPECT_FALSE(info(domid).paused);
}

TEST_F(HypervisorContract, MemoryIsTakenAndGivenBack) {
    const auto wanted = config();
    const auto needed = await(hypervisor().memoryNeeded(wanted));
    EXPECT_GE(needed, wanted.memoryKib);
    const auto before = await(hypervisor().hostInfo()).freeMemoryKib;
    const DomId domid = create(wanted);
    const auto during = await(hypervisor().hostInfo()).freeMemoryKib;
    EXPECT_LE(during + wanted.memoryKib, before);
    EXPECT_GE(during + needed + 4096, before);
    await(hypervisor().destroy(domid));
    EXPECT_GE(await(hypervisor().hostInfo()).freeMemoryKib + 4096, before);
}

TEST_F(HypervisorContract, RunningOutOfMemoryIsAnErrorAndUndone) {
    auto wanted = config();
    wanted.memoryKib = await(hypervisor().hostInfo()).freeMemoryKib + 1024 * 1024;
    const auto before = await(hypervisor().domains()).size();
    EXPECT_NE(failure(hypervisor().create(wanted, [](CreateStep, DomId) {})), "");
    EXPECT_EQ(await(hypervisor().domains()).size(), before);
    EXPECT_FALSE(await(hypervisor().findDomain(wanted.uuid)));
}

TEST_F(HypervisorContract, ANameOrUuidInUseIsRefused) {
    const auto first = config();
    create(first);
    auto second = config();
    second.name = first.name;
    EXPECT_NE(failure(hypervisor().create(second, [](CreateStep, DomId) {})).find(first.name),
              std::string::npos);
    auto third = config();
    third.uuid = first.uuid;
    EXPECT_NE(failure(hypervisor().create(third, [](CreateStep, DomId) {})), "");
}

TEST_F(HypervisorContract, WhatIsMissingIsNamed) {
    auto kernel = config();
    kernel.kernel = "/nowhere/kernel";
    EXPECT_NE(failure(hypervisor().create(kernel, [](CreateStep, DomId) {})).find("/nowhere/kernel"),
              std::string::npos);
    auto disk = config();
    disk.disks.push_back({"/nowhere/disk", DiskBackend::file, "xvda", false, false, 0});
    EXPECT_NE(failure(hypervisor().create(disk, [](CreateStep, DomId) {})).find("/nowhere/disk"),
              std::string::npos);
    EXPECT_FALSE(await(hypervisor().findDomain(kernel.uuid)));
    EXPECT_FALSE(await(hypervisor().findDomain(disk.uuid)));
}

TEST_F(HypervisorContract, AnUnknownDomainIsAnError) {
    EXPECT_NE(failure(hypervisor().unpause(30000)).find("30000"), std::string::npos);
    EXPECT_NE(failure(hypervisor().consoleTty(30000)).find("30000"), std::string::npos);
    EXPECT_FALSE(await(hypervisor().domain(30000)));
    EXPECT_FALSE(await(hypervisor().findDomain(randomUuid())));
}

TEST_F(HypervisorContract, ARequestedShutdownIsToldAndThenTheDeath) {
    const DomId domid = start(config());
    Events events;
    const auto watch = await(hypervisor().watch(domid, events.handler()));
    EXPECT_TRUE(events.list.empty());
    const ConsoleReader console(loop_.executor(), await(hypervisor().consoleTty(domid)));
    runUntil([&] { return console.text().find(contractEnvironment().bootMessage) != std::string::npos; },
             "the guest to boot");
    EXPECT_TRUE(
        await(hypervisor().requestShutdown(domid, ShutdownRequest::poweroff, std::chrono::seconds(30))));
    runUntil([&] { return !events.list.empty(); }, "the shutdown");
    EXPECT_EQ(events.list[0].kind, Kind::shutdown);
    EXPECT_EQ(events.list[0].reason, ShutdownReason::poweroff);
    EXPECT_TRUE(info(domid).shutdown);
    await(hypervisor().destroy(domid));
    runUntil([&] { return events.list.size() == 2; }, "the death");
    EXPECT_EQ(events.list[1].kind, Kind::death);
}

TEST_F(HypervisorContract, AGuestThatDoesNotAnswerIsNotWaitedForForever) {
    const DomId domid = create(config());
    EXPECT_FALSE(
        await(hypervisor().requestShutdown(domid, ShutdownRequest::poweroff, std::chrono::seconds(1))));
    EXPECT_FALSE(info(domid).shutdown);
}

TEST_F(HypervisorContract, AForcedShutdownHasItsReason) {
    for (const auto reason : {ShutdownReason::crash, ShutdownReason::reboot, ShutdownReason::poweroff}) {
        const DomId domid = start(config());
        Events events;
        const auto watch = await(hypervisor().watch(domid, events.handler()));
        await(hypervisor().forceShutdown(domid, reason));
        runUntil([&] { return !events.list.empty(); }, "the shutdown");
        EXPECT_EQ(events.list[0].kind, Kind::shutdown);
        EXPECT_EQ(events.list[0].reason, reason);
        EXPECT_EQ(info(domid).reason, reason);
        await(hypervisor().destroy(domid));
    }
}

TEST_F(HypervisorContract, DestroyByAnotherClientIsADeath) {
    const auto other = contractEnvironment().open(loop_.executor());
    const DomId domid = start(config());
    Events events;
    const auto watch = await(hypervisor().watch(domid, events.handler()));
    await(other->destroy(domid));
    runUntil([&] { return events.has(Kind::death); }, "the death");
    EXPECT_EQ(std::count_if(events.list.begin(), events.list.end(),
                            [](const auto& e) { return e.kind == Kind::death; }),
              1);
}

TEST_F(HypervisorContract, AWatchOnADeadOrStoppedDomainIsToldAtOnce) {
    const DomId domid = start(config());
    await(hypervisor().forceShutdown(domid, ShutdownReason::crash));
    Events stopped;
    const auto first = await(hypervisor().watch(domid, stopped.handler()));
    runUntil([&] { return !stopped.list.empty(); }, "the shutdown");
    EXPECT_EQ(stopped.list[0].kind, Kind::shutdown);
    EXPECT_EQ(stopped.list[0].reason, ShutdownReason::crash);
    await(hypervisor().destroy(domid));
    for (int i = 0; i < 2; ++i) {
        Events dead;
        const auto watch = await(hypervisor().watch(domid, dead.handler()));
        runUntil([&] { return !dead.list.empty(); }, "the death");
        EXPECT_EQ(dead.list[0].kind, Kind::death);
    }
}

TEST_F(HypervisorContract, AnEndedWatchIsSilent) {
    const DomId domid = start(config());
    Events ended;
    Events kept;
    auto first = await(hypervisor().watch(domid, ended.handler()));
    const auto second = await(hypervisor().watch(domid, kept.handler()));
    first.reset();
    await(hypervisor().destroy(domid));
    runUntil([&] { return kept.has(Kind::death); }, "the death");
    EXPECT_TRUE(ended.list.empty());
}

TEST_F(HypervisorContract, DomidsAreNotReusedAtOnce) {
    const DomId first = create(config());
    await(hypervisor().destroy(first));
    EXPECT_NE(create(config()), first);
}

TEST_F(HypervisorContract, DisksAndCardsConnect) {
    auto wanted = config();
    wanted.disks.push_back({contractEnvironment().disk, DiskBackend::file, "xvda", false, false, 0});
    wanted.nics.push_back({0, "00:16:3e:01:02:03", contractEnvironment().bridge, "", "", 0});
    const DomId domid = start(wanted);
    const std::string number = std::to_string(domid);
    waitForNode("/local/domain/0/backend/vbd/" + number + "/51712/state", "4");
    waitForNode("/local/domain/0/backend/vif/" + number + "/0/state", "4");
    waitForNode("/local/domain/" + number + "/device/vbd/51712/state", "4");
    EXPECT_EQ(node("/local/domain/0/backend/vif/" + number + "/0/mac"), "00:16:3e:01:02:03");
    EXPECT_EQ(node("/local/domain/0/backend/vif/" + number + "/0/bridge"), contractEnvironment().bridge);
    EXPECT_EQ(node("/local/domain/0/backend/vbd/" + number + "/51712/mode"), "r");
}

TEST_F(HypervisorContract, AnUnknownBridgeIsAnErrorAndUndone) {
    auto wanted = config();
    wanted.nics.push_back({0, "00:16:3e:01:02:03", "no-such-bridge", "", "", 0});
    EXPECT_NE(failure(hypervisor().create(wanted, [](CreateStep, DomId) {})), "");
    EXPECT_FALSE(await(hypervisor().findDomain(wanted.uuid)));
}

// ---- xenstore

class XenStoreContract : public HypervisorTest {
protected:
    void SetUp() override { await(store().remove(root)); }
    void TearDown() override { await(store().remove(root)); }
    XenStore& store() { return hypervisor().store(); }
    const std::string root = "/xenbroker-contract-test";
};

TEST_F(XenStoreContract, ReadWriteListRemove) {
    EXPECT_FALSE(await(store().read(root + "/a")));
    EXPECT_TRUE(await(store().list(root)).empty());
    await(store().write(root + "/a", "one"));
    await(store().write(root + "/b", std::string("two\0bytes", 9)));
    EXPECT_EQ(await(store().read(root + "/a")), "one");
    EXPECT_EQ(await(store().read(root + "/b")), std::string("two\0bytes", 9));
    auto names = await(store().list(root));
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, (std::vector<std::string>{"a", "b"}));
    await(store().remove(root + "/a"));
    await(store().remove(root + "/a"));
    EXPECT_FALSE(await(store().read(root + "/a")));
    EXPECT_NE(failure(store().write(root + "/not allowed", "x")).find(root + "/not allowed"),
              std::string::npos);
}

TEST_F(XenStoreContract, ApplyIsAllOrNothing) {
    await(store().write(root + "/old", "x"));
    XenStore::Changes changes{{root + "/new", "1"}, {root + "/old", std::nullopt}};
    await(store().apply(changes));
    EXPECT_EQ(await(store().read(root + "/new")), "1");
    EXPECT_FALSE(await(store().read(root + "/old")));
    XenStore::Changes bad{{root + "/third", "3"}, {root + "/bad name", "4"}};
    EXPECT_NE(failure(store().apply(bad)), "");
    EXPECT_FALSE(await(store().read(root + "/third")));
}

TEST_F(XenStoreContract, WatchesFireAtOnceAndOnChangesUntilEnded) {
    std::vector<std::string> paths;
    auto watch = await(store().watch(root + "/w", [&](const std::string& path) { paths.push_back(path); }));
    runUntil([&] { return paths.size() == 1; }, "the first event");
    EXPECT_EQ(paths[0], root + "/w");
    await(store().write(root + "/w/x", "1"));
    runUntil([&] { return paths.size() >= 2; }, "the change");
    EXPECT_EQ(paths.back(), root + "/w/x");
    watch.reset();
    paths.clear();
    bool other = false;
    const auto second = await(
        store().watch(root + "/w", [&](const std::string& path) { other = other || path.ends_with("/y"); }));
    await(store().write(root + "/w/y", "1"));
    runUntil([&] { return other; }, "the second watch");
    EXPECT_TRUE(paths.empty());
}

TEST_F(XenStoreContract, SpecialWatchesTellOfDomains) {
    int introduced = 0;
    int released = 0;
    const auto first = await(store().watch("@introduceDomain", [&](const std::string&) { ++introduced; }));
    const auto second = await(store().watch("@releaseDomain", [&](const std::string&) { ++released; }));
    runUntil([&] { return introduced > 0 && released > 0; }, "the first events");
    introduced = released = 0;
    const DomId domid = create(config());
    runUntil([&] { return introduced > 0; }, "the introduction");
    await(hypervisor().destroy(domid));
    runUntil([&] { return released > 0; }, "the release");
}

TEST_F(XenStoreContract, PermissionsAreTaken) {
    await(store().write(root + "/p", "secret"));
    std::vector<XenStorePermission> permissions{{0, XenStorePermission::Right::none},
                                                {0, XenStorePermission::Right::read}};
    await(store().setPermissions(root + "/p", permissions));
    EXPECT_EQ(await(store().read(root + "/p")), "secret");
    EXPECT_NE(failure(store().setPermissions(root + "/none", permissions)), "");
}

} // namespace xb::xen::test
