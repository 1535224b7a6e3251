// SPDX-License-Identifier: Apache-2.0
// VMs from creation to deletion through xenmgr, xenvm and the emulated hypervisor, with the signals that
// clients follow.
#include "platform.hpp"

#include "idl/xenvm_client.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xen/emulated/emulator_control.hpp"
#include "xen/hypervisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class LifeCycle : public testing::Test {
protected:
    std::string errorOf(Task<> task) {
        try {
            platform.await(std::move(task));
        } catch (const Error& e) {
            return e.name() + "|" + e.what();
        }
        return "no error";
    }
    /// A VM whose guest knows of sleep, and is up.
    std::string startHvm() {
        std::string path = platform.createVm();
        platform.await(platform.vm(path).setVirtType("hvm"));
        platform.await(platform.vm(path).start());
        EXPECT_TRUE(platform.waitForState(path, "running"));
        EXPECT_TRUE(platform.says(path, ": ready"));
        return path;
    }
    // vm_state_changed signals of a VM, as "state acpi".
    std::vector<std::string> states(const std::string& path) {
        std::vector<std::string> result;
        for (const auto& signal : platform.signals())
            if (const auto at = signal.find(path + " ");
                signal.starts_with("vm_state_changed ") && at != std::string::npos)
                result.push_back(signal.substr(at + path.size() + 1));
        return result;
    }

    Platform platform;
};

TEST_F(LifeCycle, AVmStartsWithDiskAndNetworkAndStops) {
    const std::string path = platform.createVm();
    const std::string uuid = uuidFromPathElement(path.substr(4));
    EXPECT_THAT(platform.signals(), Contains("vm_created " + uuid + " " + path));

    writeFileAtomically(platform.root() / "disk.raw", "Marked by the test.\n" + std::string(1 << 20, '\0'));
    const std::string disk = platform.await(platform.vm(path).addDisk());
    platform.await(platform.disk(disk).setPhysPath("/disk.raw"));
    platform.await(platform.disk(disk).setPhysType("file"));
    platform.await(platform.disk(disk).setVirtPath("xvda"));
    const std::string nic = platform.await(platform.vm(path).addNic());
    platform.await(platform.nic(nic).setNetwork("xenbr0"));
    platform.forgetSignals();

    platform.await(platform.vm(path).start());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    EXPECT_THAT(states(path),
                testing::ElementsAre("creating 0", "creating 0", "creating 0", "creating 0", "running 0"));
    EXPECT_THAT(platform.signals(), Contains("notify " + uuid + " vm:state:creating-devices"));
    EXPECT_THAT(platform.signals(), Contains("notify " + uuid + " vm:state:running"));
    const int domid = platform.await(platform.vm(path).getDomid());
    EXPECT_GT(domid, 0);
    EXPECT_EQ(platform.await(platform.manager().findVmByDomid(domid)), path);
    EXPECT_THAT(platform.await(platform.manager().listDomids()), Contains(domid));
    EXPECT_EQ(platform.await(platform.vm(path).getMemoryTarget()), 32);
    EXPECT_TRUE(platform.says(path, ": ready")) << platform.console(path);
    EXPECT_THAT(platform.console(path), HasSubstr("Marked by the test."));
    EXPECT_THAT(platform.console(path), HasSubstr(platform.await(platform.nic(nic).getMacActual())));

    platform.forgetSignals();
    platform.await(platform.vm(path).shutdown());
    ASSERT_TRUE(platform.waitForState(path, "stopped"));
    EXPECT_EQ(platform.await(platform.vm(path).getDomid()), -1);
    EXPECT_THAT(states(path), testing::ElementsAre("stopping 0", "stopped 5"));

    const pid_t monitor = platform.monitorOf(path);
    platform.await(platform.vm(path).delete_());
    EXPECT_THAT(platform.signals(), Contains("vm_deleted " + uuid + " " + path));
    EXPECT_FALSE(std::filesystem::exists(platform.root() / "config/vms" / (uuid + ".db")));
    EXPECT_THAT(platform.await(platform.manager().listVms()), Not(Contains(path)));
    EXPECT_THAT(errorOf(platform.vm(path).start()), HasSubstr("no object " + path));
    ASSERT_GT(monitor, 0);
    EXPECT_TRUE(platform.waitForEnd(monitor)) << "its monitor must be gone";
}

TEST_F(LifeCycle, DisksAndNicsComeAndGoWhileTheGuestRuns) {
    const std::string path = platform.createVm();
    platform.await(platform.vm(path).start());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    const auto says = [&](const std::string& text) { return platform.says(path, text); };
    writeFileAtomically(platform.root() / "later.raw", "It came later.\n" + std::string(1 << 20, '\0'));
    const std::string disk = platform.await(platform.vm(path).addDisk());
    platform.await(platform.disk(disk).setVirtPath("xvdb"));
    platform.await(platform.disk(disk).setPhysType("file"));
    platform.await(platform.disk(disk).setPhysPath("/later.raw"));
    EXPECT_TRUE(says("begins with \"It came later.\"")) << platform.console(path);
    const std::string nic = platform.await(platform.vm(path).addNic());
    platform.await(platform.nic(nic).setNetwork("xenbr0"));
    EXPECT_TRUE(says("on xenbr0, ping 10.9.0.1: answer from")) << platform.console(path);
    platform.await(platform.db().write("/networks/_wired_5_bridged/bridge", "brbridged"));
    platform.await(platform.vm(path).setWiredNetwork("/wired/5/bridged"));
    EXPECT_TRUE(says("on brbridged, ping 10.9.0.1: answer from")) << platform.console(path);
    EXPECT_THAT(errorOf(platform.vm(path).setWiredNetwork("no-such-bridge")), HasSubstr("no-such-bridge"));
    EXPECT_EQ(platform.await(platform.nic(nic).getNetwork()), "/wired/5/bridged")
        << "what failed is not written down";

    platform.await(platform.disk(disk).delete_());
    EXPECT_TRUE(says("device/vbd/51728: detached")) << platform.console(path);
    platform.await(platform.nic(nic).delete_());
    EXPECT_THAT(platform.await(platform.vm(path).listDisks()), Not(Contains(disk)));
    EXPECT_THAT(platform.await(platform.vm(path).listNics()), Not(Contains(nic)));
    platform.await(platform.vm(path).destroy());
}

TEST_F(LifeCycle, AVmIsSavedToAFileAndGoesOnFromIt) {
    const std::string path = platform.createVm();
    EXPECT_THAT(errorOf(platform.vm(path).suspendToFile("/saved")), HasSubstr("102:"));
    platform.await(platform.vm(path).setKeepAlive(true)); // which a save has nothing to do with
    platform.await(platform.vm(path).start());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    const auto says = [&](const std::string& text) { return platform.says(path, text); };
    ASSERT_TRUE(says(": ready"));
    EXPECT_THAT(errorOf(platform.vm(path).suspendToFile("saved")), HasSubstr("InvalidArgs|suspend of VM"));
    EXPECT_THAT(errorOf(platform.vm(path).suspendToFile("/none/saved")), HasSubstr("199:"));
    EXPECT_EQ(platform.state(path), "running");

    platform.await(platform.vm(path).suspendToFile("/saved"));
    ASSERT_TRUE(platform.waitForState(path, "suspended"));
    EXPECT_EQ(platform.await(platform.vm(path).getDomid()), -1);
    EXPECT_THAT(errorOf(platform.vm(path).start()), HasSubstr("resume_from_file lets it go on"));
    EXPECT_THAT(errorOf(platform.vm(path).resumeFromFile("/other")), HasSubstr("/other"));
    EXPECT_EQ(platform.state(path), "suspended");
    const auto whole = readFile(platform.root() / "saved");
    writeFileAtomically(platform.root() / "half", whole.substr(0, whole.size() - 8));
    EXPECT_THAT(errorOf(platform.vm(path).resumeFromFile("/half")), HasSubstr("199:"));
    EXPECT_EQ(platform.state(path), "suspended");
    platform.await(platform.vm(path).resumeFromFile("/saved"));
    ASSERT_TRUE(platform.waitForState(path, "running"));
    EXPECT_TRUE(says("xen-guest: resumed")) << platform.console(path);
    EXPECT_TRUE(std::filesystem::exists(platform.root() / "saved"));

    // What has been saved may be given up.
    platform.await(platform.vm(path).suspendToFile("/saved"));
    ASSERT_TRUE(platform.waitForState(path, "suspended"));
    platform.await(platform.vm(path).destroy());
    ASSERT_TRUE(platform.waitForState(path, "stopped"));
    platform.await(platform.vm(path).start());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    platform.await(platform.vm(path).destroy());
}

TEST_F(LifeCycle, AGuestSleepsAndWakes) {
    const std::string path = startHvm();
    platform.forgetSignals();
    platform.await(platform.vm(path).sleep());
    platform.await(platform.vm(path).sleep()); // sleeps already
    EXPECT_EQ(platform.await(platform.vm(path).getAcpiState()), 3);
    platform.await(platform.vm(path).resume());
    EXPECT_EQ(platform.await(platform.vm(path).getAcpiState()), 0);
    EXPECT_TRUE(platform.waitFor([&] { return states(path).size() == 2; }));
    EXPECT_THAT(states(path), testing::ElementsAre("running 3", "running 0"));
    // One that sleeps is woken for its shutdown.
    platform.await(platform.vm(path).sleep());
    platform.await(platform.vm(path).shutdown());
    EXPECT_TRUE(platform.waitForState(path, "stopped"));
    EXPECT_EQ(platform.await(platform.vm(path).getAcpiState()), 5);
}

TEST_F(LifeCycle, AGuestHibernatesUntilItsNextStart) {
    const std::string path = startHvm();
    platform.await(platform.vm(path).setKeepAlive(true)); // which hibernation has nothing to do with
    platform.forgetSignals();
    platform.await(platform.vm(path).hibernate());
    ASSERT_TRUE(platform.waitForState(path, "stopped"));
    EXPECT_TRUE(
        platform.waitFor([&] { return !states(path).empty() && states(path).back() == "stopped 4"; }));
    EXPECT_TRUE(platform.await(platform.vm(path).getHibernated()));
    EXPECT_EQ(platform.await(platform.vm(path).getAcpiState()), 4);
    platform.await(platform.vm(path).hibernate()); // nothing to do
    platform.await(platform.vm(path).start());
    EXPECT_FALSE(platform.await(platform.vm(path).getHibernated()));
    platform.await(platform.vm(path).destroy());
}

TEST_F(LifeCycle, AGuestWithoutDriversDoesNotSleep) {
    const std::string path = platform.createVm("xbtest=no-pv");
    platform.await(platform.vm(path).setVirtType("hvm"));
    EXPECT_THAT(errorOf(platform.vm(path).sleep()), HasSubstr("102:"));
    platform.await(platform.vm(path).start());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    EXPECT_THAT(errorOf(platform.vm(path).sleep()), HasSubstr("213:"));
    EXPECT_THAT(errorOf(platform.vm(path).hibernate()), HasSubstr("213:"));
    EXPECT_EQ(platform.state(path), "running");
    platform.await(platform.vm(path).destroy());
}

TEST_F(LifeCycle, PauseUnpauseRebootDestroy) {
    const std::string path = platform.createVm();
    platform.await(platform.vm(path).start());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    platform.await(platform.vm(path).pause());
    EXPECT_TRUE(platform.waitForState(path, "paused"));
    platform.await(platform.vm(path).unpause());
    EXPECT_TRUE(platform.waitForState(path, "running"));
    const int before = platform.await(platform.vm(path).getDomid());
    platform.await(platform.vm(path).reboot());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    EXPECT_NE(platform.await(platform.vm(path).getDomid()), before);
    platform.await(platform.vm(path).destroy());
    EXPECT_TRUE(platform.waitForState(path, "stopped"));
}

TEST_F(LifeCycle, TheGuestsOwnPowerOffRebootAndCrash) {
    const std::string off = platform.createVm("xbtest=poweroff=1");
    platform.await(platform.vm(off).start());
    EXPECT_TRUE(platform.waitForState(off, "stopped"));

    const std::string crash = platform.createVm("xbtest=crash=1");
    platform.await(platform.vm(crash).start());
    EXPECT_TRUE(platform.waitForState(crash, "stopped"));
    idl::org_xenbroker_xenmgr::VmClient extension(platform.bus(), "com.citrix.xenclient.xenmgr", crash);
    EXPECT_THAT(platform.await(extension.getLastError()), HasSubstr("crashed"));

    const std::string reboot = platform.createVm("xbtest=reboot=1");
    platform.forgetSignals();
    platform.await(platform.vm(reboot).start());
    const int first = platform.await(platform.vm(reboot).getDomid());
    EXPECT_TRUE(platform.waitFor([&] {
        const auto all = states(reboot);
        return std::count(all.begin(), all.end(), "running 0") >= 2;
    })) << "the guest's reboot must start it again";
    EXPECT_NE(platform.await(platform.vm(reboot).getDomid()), first);
    platform.await(platform.vm(reboot).destroy());
}

TEST_F(LifeCycle, TheClockThatAGuestSetsIsKeptForItsNextStart) {
    const auto hypervisor = platform.openHypervisor();
    const std::string path = platform.createVm();
    const std::string uuid = uuidFromPathElement(path.substr(4));
    platform.await(platform.vm(path).start());
    EXPECT_EQ(platform.await(platform.vm(path).getTimeOffset()), 0);

    // As its device model does.
    platform.forgetSignals();
    platform.await(hypervisor->store().write("/vm/" + uuid + "/rtc/timeoffset", "-7200"));
    EXPECT_TRUE(platform.waitFor([&] {
        return std::ranges::count(platform.signals(), "vm_config_changed " + uuid + " " + path) > 0;
    }));
    EXPECT_EQ(platform.await(platform.vm(path).getTimeOffset()), -7200);
    EXPECT_EQ(platform.await(platform.db().read("/vm/" + uuid + "/time-offset")), "-7200");

    // The last one counts, also when it comes with the reboot.
    platform.await(hypervisor->store().write("/vm/" + uuid + "/rtc/timeoffset", "1"));
    platform.await(hypervisor->store().write("/vm/" + uuid + "/rtc/timeoffset", "30"));
    platform.await(platform.vm(path).reboot());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    EXPECT_EQ(platform.await(platform.vm(path).getTimeOffset()), 30);
    idl::xenvm::XenvmClient monitor(platform.bus(), "org.xen.vm.uuid_" + path.substr(4),
                                    "/org/xen/vm" + path.substr(3));
    EXPECT_EQ(platform.await(monitor.get("time-offset")), "30");
    platform.await(platform.vm(path).destroy());
}

TEST_F(LifeCycle, ASecondStartDoesNothing) {
    const std::string path = platform.createVm();
    platform.await(platform.vm(path).start());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    const int domid = platform.await(platform.vm(path).getDomid());
    platform.await(platform.vm(path).start());
    EXPECT_EQ(platform.await(platform.vm(path).getDomid()), domid);
    EXPECT_THAT(errorOf(platform.vm(path).delete_()), HasSubstr("204:Cannot remove running VM"));
}

TEST_F(LifeCycle, AStartThatCannotWorkSaysWhyAndLeavesTheVmStopped) {
    const std::string path = platform.createVm();
    const std::string disk = platform.await(platform.vm(path).addDisk());
    platform.await(platform.disk(disk).setPhysPath("/not/there.raw"));
    EXPECT_THAT(errorOf(platform.vm(path).start()),
                testing::AllOf(HasSubstr("Failed|242:"), HasSubstr("/not/there.raw")));
    EXPECT_EQ(platform.state(path), "stopped");
    platform.await(platform.disk(disk).delete_());
    platform.await(platform.vm(path).setKernel("/no/kernel"));
    EXPECT_THAT(errorOf(platform.vm(path).start()), HasSubstr("/no/kernel"));
    platform.await(platform.vm(path).setKernel("/kernel"));
    platform.await(platform.vm(path).setMemory(10'000'000));
    EXPECT_THAT(errorOf(platform.vm(path).start()),
                testing::AllOf(HasSubstr("Failed|101:Not enough memory!"), HasSubstr("KiB available")));
    EXPECT_EQ(platform.state(path), "stopped");
    platform.await(platform.vm(path).setMemory(32));
    platform.await(platform.vm(path).start());
    EXPECT_TRUE(platform.waitForState(path, "running")) << "it must start once all is mended";
    platform.await(platform.vm(path).destroy());
}

// What goes wrong in the hypervisor is told with its reason, and nothing of the domain stays.
TEST_F(LifeCycle, AStartThatFailsOnTheWayIsUndone) {
    const std::string path = platform.createVm();
    writeFileAtomically(platform.root() / "disk.raw", std::string(1 << 20, '\0'));
    const std::string disk = platform.await(platform.vm(path).addDisk());
    platform.await(platform.disk(disk).setPhysPath("/disk.raw"));
    platform.await(platform.disk(disk).setPhysType("file"));
    const auto hypervisor = platform.openHypervisor();
    for (const char* fault : {"hotplug-fails", "create-fails-late"}) {
        xen::EmulatorControl::injectFault(platform.emulatorDirectory(), fault);
        EXPECT_THAT(
            errorOf(platform.vm(path).start()),
            testing::AllOf(HasSubstr("start of VM"), HasSubstr(std::string("injected fault ") + fault)));
        EXPECT_EQ(platform.state(path), "stopped");
        EXPECT_EQ(platform.await(hypervisor->domains()).size(), 1U) << "dom0";
        for (const char* kind : {"vbd", "console"})
            EXPECT_THAT(
                platform.await(hypervisor->store().list(std::string("/local/domain/0/backend/") + kind)),
                testing::IsEmpty());
    }
    platform.await(platform.vm(path).start());
    EXPECT_TRUE(platform.waitForState(path, "running"));
    platform.await(platform.vm(path).destroy());
}

// Memory may go between the look at it and the making of the domain.
TEST_F(LifeCycle, MemoryThatIsTakenMeanwhileIsTheSameError) {
    const std::string path = platform.createVm();
    xen::EmulatorControl::injectFault(platform.emulatorDirectory(), "no-memory");
    EXPECT_THAT(errorOf(platform.vm(path).start()), HasSubstr("Failed|101:Not enough memory!"));
    EXPECT_EQ(platform.state(path), "stopped");
}

TEST_F(LifeCycle, WhatTheStateDoesNotAllowSaysSo) {
    const std::string path = platform.createVm();
    EXPECT_THAT(errorOf(platform.vm(path).pause()), HasSubstr("Failed|102:"));
    EXPECT_THAT(errorOf(platform.vm(path).reboot()), HasSubstr("Failed|102:"));
    EXPECT_EQ(errorOf(platform.vm(path).unpause()), "no error") << "nothing to do";
    EXPECT_EQ(errorOf(platform.vm(path).shutdown()), "no error");
    platform.await(platform.vm(path).start());
    platform.await(platform.vm(path).pause());
    EXPECT_THAT(errorOf(platform.vm(path).pause()), HasSubstr("Failed|102:")) << "paused already";
    platform.await(platform.vm(path).destroy());
}

// It cannot be taken from its users while it runs, but it does not stay for ever.
TEST_F(LifeCycle, AVmThatIsRemovedFromTheDatabaseWhileItRunsGoesWhenItStops) {
    const std::string path = platform.createVm();
    const std::string uuid = uuidFromPathElement(path.substr(4));
    platform.await(platform.vm(path).start());
    ASSERT_TRUE(platform.waitForState(path, "running"));
    bool monitorGone = false;
    const auto watch = platform.bus().onOwnerChanged(
        "org.xen.vm.uuid_" + path.substr(4), [&](const std::string& owner) { monitorGone = owner.empty(); });
    platform.await(platform.db().rm("/vm/" + uuid));
    EXPECT_EQ(platform.state(path), "running");
    platform.await(platform.vm(path).destroy());
    EXPECT_TRUE(platform.waitFor(
        [&] { return testing::Value(platform.signals(), Contains("vm_deleted " + uuid + " " + path)); }));
    EXPECT_THAT(errorOf(platform.vm(path).start()), HasSubstr("no object " + path));
    EXPECT_TRUE(platform.waitFor([&] { return monitorGone; })) << "its monitor must end";
}

} // namespace
} // namespace xb::test
