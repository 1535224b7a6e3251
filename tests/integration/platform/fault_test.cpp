// SPDX-License-Identifier: Apache-2.0
// Daemons that are killed with -9 while VMs run: the VMs go on, whoever is started again finds them, nothing
// is lost.
#include "platform.hpp"

#include "toolstack/libs/error.hpp"
#include "xen/hypervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace xb::test {
namespace {

using testing::HasSubstr;

class Fault : public testing::Test {
protected:
    Fault() : path(platform.createVm()) {
        platform.await(platform.vm(path).start());
        EXPECT_TRUE(platform.waitForState(path, "running"));
        domid = platform.await(platform.vm(path).getDomid());
    }
    void expectUnharmed() {
        EXPECT_TRUE(platform.waitForState(path, "running"));
        EXPECT_EQ(platform.await(platform.vm(path).getDomid()), domid);
        platform.await(platform.vm(path).shutdown());
        EXPECT_TRUE(platform.waitForState(path, "stopped"));
    }

    Platform platform;
    std::string path;
    int domid = -1;
};

TEST_F(Fault, AKilledMonitorIsReplacedAndAdoptsTheDomain) {
    const pid_t first = platform.monitorOf(path);
    ASSERT_GT(first, 0);
    ::kill(first, SIGKILL);
    EXPECT_TRUE(platform.waitFor([&] {
        const pid_t now = platform.monitorOf(path);
        return now > 0 && now != first;
    }));
    expectUnharmed();
}

TEST_F(Fault, AKilledManagerAdoptsWhatRuns) {
    Platform::kill(platform.xenmgr());
    EXPECT_GT(platform.monitorOf(path), 0) << "the monitor must outlive xenmgr";
    platform.startXenmgr();
    EXPECT_EQ(platform.state(path), "running") << "known as soon as xenmgr serves";
    expectUnharmed();
}

TEST_F(Fault, ManagerAndMonitorKilledTogether) {
    Platform::kill(platform.xenmgr());
    bool gone = false; // for the bus, which may take longer to notice than /proc
    const auto watch = platform.bus().onOwnerChanged("org.xen.vm.uuid_" + path.substr(4),
                                                     [&gone](const std::string&) { gone = true; });
    ::kill(platform.monitorOf(path), SIGKILL);
    EXPECT_TRUE(platform.waitFor([&] { return gone && platform.monitorOf(path) < 0; }));
    platform.startXenmgr();
    EXPECT_EQ(platform.state(path), "running");
    expectUnharmed();
}

TEST_F(Fault, AKilledDatabaseLosesNothingAndIsFollowed) {
    platform.await(platform.vm(path).setName("kept"));
    Platform::kill(platform.dbd());
    EXPECT_EQ(platform.await(platform.vm(path).getName()), "kept") << "reads go on while dbd is away";
    try {
        platform.await(platform.vm(path).setName("lost"));
        ADD_FAILURE() << "a Set without a database must fail";
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), HasSubstr("configuration database"));
    }
    platform.startDbd();
    EXPECT_TRUE(platform.waitFor([&] { return platform.await(platform.db().exists("/vm")); }));
    platform.await(platform.vm(path).setDescription("after"));
    EXPECT_EQ(platform.await(platform.vm(path).getDescription()), "after");
    expectUnharmed();
}

TEST_F(Fault, AStartWithoutTheDatabaseIsRefused) {
    platform.await(platform.vm(path).destroy());
    ASSERT_TRUE(platform.waitForState(path, "stopped"));
    Platform::kill(platform.dbd());
    // The bus tells xenmgr of the loss before it answers us.
    try {
        platform.await(platform.vm(path).start());
        ADD_FAILURE() << "started on a configuration that may be out of date";
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), HasSubstr("configuration database (dbd"));
    }
    platform.startDbd();
}

TEST_F(Fault, AGuestThatStopsWhileNobodyLooksIsNoticed) {
    const std::string other = platform.createVm("xbtest=poweroff=2");
    platform.await(platform.vm(other).start());
    ASSERT_TRUE(platform.waitForState(other, "running"));
    xen::HypervisorOptions options;
    options.kind = "emulated";
    options.emulatorDirectory = platform.emulatorDirectory();
    auto hypervisor = xen::openHypervisor(platform.loop().executor(), options);
    const auto number = static_cast<xen::DomId>(platform.await(platform.vm(other).getDomid()));
    const pid_t monitor = platform.monitorOf(other);
    Platform::kill(platform.xenmgr());
    ::kill(monitor, SIGKILL);
    bool stopped = false;
    auto watch = platform.await(hypervisor->watch(number, [&](xen::DomainEvent) { stopped = true; }));
    EXPECT_TRUE(platform.waitFor([&] { return stopped; }));
    platform.startXenmgr();
    EXPECT_TRUE(platform.waitForState(other, "stopped"));
    expectUnharmed();
}

} // namespace
} // namespace xb::test
