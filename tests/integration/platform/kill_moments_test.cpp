// SPDX-License-Identifier: Apache-2.0
// Each daemon killed with -9 in the middle of creating, starting, saving and stopping a VM: once it runs
// again, no VM is lost, the VM is running, suspended or stopped and nothing between, and it starts and stops
// as ever. fault_test.cpp kills them while a VM just runs; every single step of the monitor is killed and
// failed in tests/unit/xenvm/kill_and_fault_test.cpp.
#include "platform.hpp"

#include "idl/xenvm_client.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/timer.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xen/emulated/emulator_control.hpp"
#include "xen/hypervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace xb::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::UnorderedElementsAreArray;

enum class Victim { xenmgr, dbd, xenvm };

std::string nameOf(Victim victim) {
    return victim == Victim::xenmgr ? "xenmgr" : victim == Victim::dbd ? "dbd" : "xenvm";
}

class KillMoments : public testing::Test {
protected:
    KillMoments() { hypervisor = platform.openHypervisor(); }

    // A call whose outcome does not matter: the one who should answer may be killed.
    struct Unwatched {
        bool ended = false;
        bool answered = false;
    };
    template <class T>
    std::shared_ptr<Unwatched> begin(Task<T> task) {
        auto outcome = std::make_shared<Unwatched>();
        auto ended = [outcome](const std::exception_ptr& failure, auto&&...) {
            outcome->ended = true;
            outcome->answered = !failure;
        };
        asio::co_spawn(platform.loop().context(), std::move(task), ended);
        return outcome;
    }

    void kill(Victim victim, const std::string& path) {
        if (victim == Victim::xenmgr) {
            Platform::kill(platform.xenmgr());
        } else if (victim == Victim::dbd) {
            Platform::kill(platform.dbd());
        } else if (const pid_t monitor = platform.monitorOf(path); monitor > 0) {
            platform.killOwner("org.xen.vm.uuid_" + path.substr(4), monitor); // xenmgr reaps it
        }
    }
    void startAgain(Victim victim) {
        if (victim == Victim::xenmgr)
            platform.startXenmgr();
        else if (victim == Victim::dbd)
            platform.startDbd();
    }

    // Waits until the VM is running, suspended or stopped; which of them.
    std::string settle(const std::string& path) {
        std::string told;
        auto subscription = platform.manager().onVmStateChanged(
            [&](std::string, ObjectPath changed, std::string state, std::int32_t) {
                if (changed == path)
                    told = state;
            });
        const std::string asked = platform.state(path);
        // xenmgr tells of a change before it answers with it: what was told is never older.
        std::string& now = told;
        if (now.empty())
            now = asked;
        platform.waitFor([&] { return now == "running" || now == "stopped" || now == "suspended"; });
        return now;
    }

    // It goes on, starts and stops, and leaves no domain.
    void expectSound(const std::string& path) {
        std::string now = settle(path);
        ASSERT_THAT(now, testing::AnyOf("running", "stopped", "suspended"));
        if (now == "stopped")
            platform.await(platform.vm(path).start());
        else if (now == "suspended") // of a file that is whole
            platform.await(platform.vm(path).resumeFromFile("/saved"));
        ASSERT_TRUE(platform.waitForState(path, "running"));
        platform.await(platform.vm(path).shutdown());
        ASSERT_TRUE(platform.waitForState(path, "stopped"));
        for (const auto& domain : platform.await(hypervisor->domains()))
            EXPECT_NE(domain.uuid, uuidFromPathElement(path.substr(4)))
                << "domain " << domain.domid << " is left";
        EXPECT_FALSE(std::filesystem::exists(platform.root() / "saved.part"));
        // The monitor answers this when everything that it noted is in xenstore.
        const std::string element = path.substr(4);
        platform.await(
            idl::xenvm::XenvmClient(platform.bus(), "org.xen.vm.uuid_" + element, "/org/xen/vm/" + element)
                .destroy());
        const auto left = [&](const char* node) {
            return platform.await(
                hypervisor->store().read("/state/" + uuidFromPathElement(path.substr(4)) + "/" + node));
        };
        EXPECT_EQ(left("pending"), std::nullopt);
        EXPECT_EQ(left("undo"), std::nullopt);
    }

    std::shared_ptr<Unwatched> begin(const std::string& operation, const std::string& path) {
        auto vm = platform.vm(path);
        return operation == "start"      ? begin(vm.start())
               : operation == "shutdown" ? begin(vm.shutdown())
               : operation == "suspend"  ? begin(vm.suspendToFile("/saved"))
               : operation == "resume"   ? begin(vm.resumeFromFile("/saved"))
                                         : begin(vm.reboot());
    }

    void pass(std::chrono::microseconds time) {
        bool over = false;
        Timer timer(platform.loop().executor());
        timer.callAfter(time, [&over] { over = true; });
        platform.waitFor([&over] { return over; });
    }

    Platform platform;
    std::unique_ptr<xen::Hypervisor> hypervisor;
};

// An operation, and the state that xenmgr announces when the victim is killed.
struct Moment {
    const char* operation;
    const char* state;
};

class KillInOperation : public KillMoments, public testing::WithParamInterface<std::tuple<Victim, Moment>> {};

TEST_P(KillInOperation, LeavesTheVmSound) {
    const auto [victim, moment] = GetParam();
    const std::string bystander = platform.createVm();
    const std::string path = platform.createVm();
    const std::string operation = moment.operation;
    if (operation != "start") {
        platform.await(platform.vm(path).start());
        ASSERT_TRUE(platform.waitForState(path, "running"));
    }
    if (operation == "resume")
        platform.await(platform.vm(path).suspendToFile("/saved"));
    platform.forgetSignals();
    const auto call = begin(operation, path);
    const std::string announced =
        "notify " + uuidFromPathElement(path.substr(4)) + " vm:state:" + moment.state;
    ASSERT_TRUE(platform.waitFor(
        [&] { return testing::Value(platform.signals(), Contains(announced)) || call->ended; }));
    kill(victim, path);
    startAgain(victim);
    EXPECT_TRUE(platform.waitFor([&] { return call->ended; })) << "the call must be answered";
    EXPECT_THAT(platform.await(platform.manager().listVms()),
                UnorderedElementsAreArray({ObjectPath(bystander), ObjectPath(path)}));
    expectSound(path);
    EXPECT_EQ(platform.state(bystander), "stopped");
}

constexpr Moment moments[]{{"start", "creating-domain"}, {"start", "creating-devices"},
                           {"start", "created"},         {"start", "running"},
                           {"shutdown", "shutdowning"},  {"shutdown", "shutdown"},
                           {"reboot", "rebooting"},      {"reboot", "shutdown"}};

constexpr Moment savingMoments[]{
    {"suspend", "suspending"}, {"suspend", "suspended"}, {"resume", "restoring"}, {"resume", "created"}};

std::string nameOfTest(const testing::TestParamInfo<std::tuple<Victim, Moment>>& tested) {
    const auto& [victim, moment] = tested.param;
    std::string name = nameOf(victim) + "_" + moment.operation + "_" + moment.state;
    std::ranges::replace(name, '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Moments, KillInOperation,
                         testing::Combine(testing::Values(Victim::xenmgr, Victim::dbd, Victim::xenvm),
                                          testing::ValuesIn(moments)),
                         nameOfTest);
INSTANTIATE_TEST_SUITE_P(SavingMoments, KillInOperation,
                         testing::Combine(testing::Values(Victim::xenmgr, Victim::xenvm),
                                          testing::ValuesIn(savingMoments)),
                         nameOfTest);

// The device is there already, and nobody knows of it any more.
TEST_F(KillMoments, TheMonitorWhilePlugging) {
    const std::string path = platform.createVm();
    platform.await(platform.vm(path).start());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    const auto domid = static_cast<xen::DomId>(platform.await(platform.vm(path).getDomid()));
    writeFileAtomically(platform.root() / "later.raw", std::string(1 << 20, '\0'));
    const std::string disk = platform.await(platform.vm(path).addDisk());
    platform.await(platform.disk(disk).setVirtPath("xvdb"));
    platform.await(platform.disk(disk).setPhysType("file"));
    const std::string nic = platform.await(platform.vm(path).addNic());
    const auto plugged = [&](const std::string& kind, const std::string& number) {
        return "/local/domain/0/backend/" + kind + "/" + std::to_string(domid) + "/" + number + "/frontend";
    };
    const auto interrupted = [&](const auto& plug, const std::string& node) {
        xen::EmulatorControl::injectFault(platform.emulatorDirectory(), "slow-hotplug", 1,
                                          std::chrono::milliseconds(200));
        bool there = false;
        xen::XenStore::WatchHandler seen = [&](const std::string& changed) { there = changed == node; };
        const auto watch = platform.await(hypervisor->store().watch(node, seen));
        platform.waitFor([&] { return there; }); // a watch tells of the node as it is
        there = false;
        const auto call = plug();
        ASSERT_TRUE(platform.waitFor([&] { return there || call->ended; }));
        bool back = false;
        const auto owner = platform.bus().onOwnerChanged(
            "org.xen.vm.uuid_" + path.substr(4), [&](const std::string& now) { back = !now.empty(); });
        kill(Victim::xenvm, path);
        ASSERT_TRUE(platform.waitFor([&] { return call->ended && back; }));
        EXPECT_FALSE(call->answered);
        EXPECT_EQ(platform.state(path), "running");
        EXPECT_EQ(platform.await(hypervisor->store().read(node)), std::nullopt);
        const auto again = plug();
        ASSERT_TRUE(platform.waitFor([&] { return again->ended; }));
        EXPECT_TRUE(again->answered);
        EXPECT_NE(platform.await(hypervisor->store().read(node)), std::nullopt);
    };
    interrupted([&] { return begin(platform.disk(disk).setPhysPath("/later.raw")); },
                plugged("vbd", "51728"));
    interrupted([&] { return begin(platform.nic(nic).setNetwork("xenbr0")); }, plugged("vif", "0"));
    expectSound(path);
}

// Nobody else knows that the guest sleeps: asleep it hears no request, and must be woken for its shutdown.
TEST_F(KillMoments, TheManagerOfASleeper) {
    const std::string path = platform.createVm();
    platform.await(platform.vm(path).setVirtType("hvm"));
    platform.await(platform.vm(path).start());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    ASSERT_TRUE(platform.says(path, ": ready"));
    const auto domid = static_cast<xen::DomId>(platform.await(platform.vm(path).getDomid()));
    const std::string request = "/local/domain/" + std::to_string(domid) + "/control/shutdown";
    int changes = 0;
    xen::XenStore::WatchHandler changed = [&](const std::string&) { ++changes; };
    const auto watch = platform.await(hypervisor->store().watch(request, changed));
    ASSERT_TRUE(platform.waitFor([&] { return changes == 1; }));
    const auto call = begin(platform.vm(path).sleep());
    ASSERT_TRUE(platform.waitFor([&] { return changes > 1 || call->ended; }));
    kill(Victim::xenmgr, path);
    startAgain(Victim::xenmgr);
    platform.await(platform.vm(path).sleep()); // also when it sleeps already
    EXPECT_EQ(platform.await(platform.vm(path).getAcpiState()), 3);
    kill(Victim::xenmgr, path);
    startAgain(Victim::xenmgr);
    EXPECT_EQ(platform.await(platform.vm(path).getAcpiState()), 3);
    platform.await(platform.vm(path).shutdown());
    EXPECT_TRUE(platform.waitForState(path, "stopped"));
}

// A creation has no announced steps: it is hit at times that spread over it. Whichever step that is, what was
// acknowledged is there, and what is there is whole.
TEST_F(KillMoments, InTheMiddleOfACreation) {
    for (const Victim victim : {Victim::xenmgr, Victim::dbd}) {
        for (const int microseconds : {0, 200, 500, 1000, 2000, 4000, 8000}) {
            const auto before = platform.await(platform.manager().listVms());
            const auto call =
                begin(platform.manager().createVmWithTemplateAndJson("new-vm-linux", R"({"slot":"0"})"));
            pass(std::chrono::microseconds(microseconds));
            kill(victim, "");
            startAgain(victim);
            ASSERT_TRUE(platform.waitFor([&] { return call->ended; }));
            const std::string when = nameOf(victim) + " after " + std::to_string(microseconds) + " us";
            // A mirror that follows dbd's restart shows what xenmgr answers after it.
            const auto after = platform.await(platform.manager().listVms());
            for (const auto& vm : before)
                EXPECT_THAT(after, Contains(vm)) << when;
            EXPECT_LE(after.size(), before.size() + 1) << when;
            EXPECT_GE(after.size(), before.size() + (call->answered ? 1 : 0))
                << "acknowledged and lost: " << when;
            for (const auto& vm : after) {
                const std::string uuid = uuidFromPathElement(vm.substr(4));
                EXPECT_EQ(platform.await(platform.vm(vm).getName()), "name-" + uuid) << when;
                EXPECT_TRUE(platform.await(platform.vm(vm).getAcpi())) << "of the template: " << when;
            }
        }
    }
    // What is in memory and what is on disk are the same.
    const auto vms = platform.await(platform.manager().listVms());
    Platform::kill(platform.xenmgr());
    Platform::kill(platform.dbd());
    platform.startDbd();
    platform.startXenmgr();
    EXPECT_THAT(platform.await(platform.manager().listVms()), UnorderedElementsAreArray(vms));
    platform.dbd().signal(SIGTERM); // it writes all files
    EXPECT_EQ(platform.dbd().waitEnd(), 0);
    for (const auto& entry : std::filesystem::directory_iterator(platform.root() / "config/vms"))
        EXPECT_EQ(entry.path().extension(), ".db") << entry.path();
}

} // namespace
} // namespace xb::test
