// SPDX-License-Identifier: Apache-2.0
// Daemons that are killed with -9 while VMs run: the VMs go on, whoever is started again finds them, nothing
// is lost.
#include "platform.hpp"

#include "toolstack/libs/error.hpp"
#include "xen/hypervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <systemd/sd-bus.h>

#include <csignal>
#include <thread>

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
    const pid_t monitor = platform.monitorOf(path);
    ASSERT_GT(monitor, 0);
    ::kill(monitor, SIGKILL);
    EXPECT_TRUE(Platform::waitForEnd(monitor));
    platform.startXenmgr();
    EXPECT_EQ(platform.state(path), "running");
    expectUnharmed();
}

// Owns a name on a connection of its own until somebody calls it, and hangs up instead of answering: what the
// bus shows of a process that dies at that moment.
class DyingService {
public:
    DyingService(const std::string& address, const std::string& name) {
        sd_bus* bus = nullptr;
        require(sd_bus_new(&bus));
        bus_.reset(bus);
        require(sd_bus_set_address(bus, address.c_str()));
        require(sd_bus_set_bus_client(bus, 1));
        require(sd_bus_start(bus));
        require(sd_bus_request_name(bus, name.c_str(), 0));
        thread_ = std::thread([this] { waitForCall(); });
    }
    DyingService(const DyingService&) = delete;
    DyingService& operator=(const DyingService&) = delete;
    ~DyingService() { thread_.join(); }

private:
    struct Close {
        void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
    };
    static void require(int result) {
        if (result < 0)
            throw systemError("a service that is to die", -result);
    }
    void waitForCall() {
        bool called = false;
        int result = 1;
        while (!called && result > 0) {
            sd_bus_message* message = nullptr;
            result = sd_bus_process(bus_.get(), &message); // who takes it is to answer
            called = message && sd_bus_message_is_method_call(message, nullptr, nullptr) > 0;
            sd_bus_message_unref(message);
            if (result == 0)
                result = sd_bus_wait(bus_.get(), std::chrono::microseconds(patience).count());
        }
        EXPECT_TRUE(called);
        bus_.reset();
    }

    std::unique_ptr<sd_bus, Close> bus_;
    std::thread thread_;
};

TEST_F(Fault, AMonitorThatDiesWhenTheManagerAsksItIsReplaced) {
    const std::string name = "org.xen.vm.uuid_" + path.substr(4);
    Platform::kill(platform.xenmgr());
    platform.killOwner(name, platform.monitorOf(path));
    const DyingService dying(platform.address(), name);
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
    platform.killOwner("com.citrix.xenclient.db", platform.dbd().pid());
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
    auto hypervisor = platform.openHypervisor();
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
