// SPDX-License-Identifier: Apache-2.0
// The operations of a VM: states and notifications in order, refusals, and what every failure leaves behind.
#include "vm_fixture.hpp"

#include "toolstack/xenvm/start_checks.hpp"

namespace xb::xenvm::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class VmOperations : public VmTest {
protected:
    void started() {
        open();
        run(vm->start(false));
        take();
        hypervisor.calls.clear();
    }
};

TEST_F(VmOperations, startGoesThroughTheStates) {
    writeConfig("name = web\nvcpus = 2\n");
    open();
    EXPECT_EQ(vm->state(), LifeState::shutdown);
    EXPECT_EQ(vm->domid(), -1);
    run(vm->start(false));
    EXPECT_THAT(take(), ElementsAre("creating-domain -1", "creating-devices 1", "created 1", "running 1"));
    EXPECT_EQ(hypervisor.built.at(0).name, "web");
    EXPECT_EQ(hypervisor.built.at(0).vcpus, 2U);
    EXPECT_EQ(hypervisor.built.at(0).memoryKib, 64U * 1024);
    EXPECT_EQ(hypervisor.xenstore.values[stateNode], "running");
    EXPECT_EQ(vm->domid(), 1);
    EXPECT_EQ(vm->lastError(), "");
}

TEST_F(VmOperations, xenstoreKnowsOfTheBuildBeforeTheDomainExists) {
    open();
    hypervisor.createWaits = true;
    auto start = begin(vm->start(false));
    ASSERT_TRUE(until([this] { return vm->state() == LifeState::creatingDevices; }));
    settle();
    EXPECT_EQ(hypervisor.xenstore.changes.front(), stateNode + "=creating-domain");
    EXPECT_EQ(hypervisor.xenstore.values[stateNode], "creating-devices");
    hypervisor.gate.set();
    EXPECT_TRUE(until([&] { return start->done; }));
}

TEST_F(VmOperations, startPausedStaysCreatedUntilUnpaused) {
    open();
    run(vm->start(true));
    EXPECT_EQ(vm->state(), LifeState::created);
    EXPECT_TRUE(hypervisor.alive.at(1).paused);
    run(vm->unpause());
    EXPECT_EQ(vm->state(), LifeState::running);
    EXPECT_FALSE(hypervisor.alive.at(1).paused);
    EXPECT_EQ(hypervisor.xenstore.values[stateNode], "running");
}

TEST_F(VmOperations, failedCreateLeavesNothing) {
    open();
    hypervisor.failCreate = "no more domain ids";
    EXPECT_EQ(outcome(vm->start(false)), "no more domain ids");
    EXPECT_THAT(take(), ElementsAre("creating-domain -1", "shutdown -1"));
    EXPECT_EQ(vm->lastError(), "no more domain ids");
    hypervisor.failCreate.clear();
    run(vm->start(false));
    EXPECT_EQ(vm->lastError(), "") << "a start that works wipes the last error";
}

TEST_F(VmOperations, failedUnpauseTakesTheDomainDown) {
    open();
    hypervisor.failUnpause = "it will not run";
    EXPECT_EQ(outcome(vm->start(false)), "it will not run");
    EXPECT_THAT(hypervisor.alive, IsEmpty());
    EXPECT_EQ(vm->state(), LifeState::shutdown);
    EXPECT_EQ(vm->domid(), -1);
    EXPECT_EQ(hypervisor.watches(), 0U);
}

TEST_F(VmOperations, missingFilesAreNamed) {
    const auto errorWith = [this](const std::string& line) {
        writeConfig(line);
        open();
        return outcome(vm->start(false));
    };
    EXPECT_THAT(errorWith("disk = /no/such.raw:file:xvda:w:disk:\n"),
                AllOf(HasSubstr("disk xvda /no/such.raw"), HasSubstr("No such file")));
    EXPECT_THAT(errorWith("initrd = /no/initrd\n"), HasSubstr("initrd /no/initrd"));
    EXPECT_THAT(errorWith("kernel = /no/kernel\n"), HasSubstr("kernel /no/kernel"));
    EXPECT_THAT(errorWith("kernel = /tmp\n"), HasSubstr("is a directory"));
    EXPECT_FALSE(hypervisor.called("create"));
    EXPECT_THAT(take(), IsEmpty()) << "nothing was changed";
}

TEST_F(VmOperations, aDeviceLineThatCannotBeReadStopsTheStart) {
    writeConfig("disk = nonsense\n");
    open();
    EXPECT_THAT(outcome(vm->start(false)), AllOf(HasSubstr("config:4: "), HasSubstr("nonsense")));
    EXPECT_FALSE(hypervisor.called("create"));
}

TEST_F(VmOperations, memoryShortageIsToldInNumbers) {
    open();
    hypervisor.needed = 100;
    hypervisor.host.freeMemoryKib = 99;
    EXPECT_EQ(outcome(vm->start(false)), "not enough memory: 100 KiB requested, 99 KiB available");
    EXPECT_FALSE(hypervisor.called("create"));
    vm->config().set("no_mem_check", "true");
    run(vm->start(false));
}

TEST_F(VmOperations, memoryShortageAfterARebootEndsInShutdown) {
    started();
    run(vm->reboot(false, false));
    EXPECT_EQ(vm->state(), LifeState::rebooted);
    hypervisor.host.freeMemoryKib = 0;
    EXPECT_THAT(outcome(vm->start(false)), HasSubstr("not enough memory"));
    EXPECT_EQ(vm->state(), LifeState::shutdown);
}

TEST_F(VmOperations, hvmNeedsTheProcessor) {
    writeConfig("hvm = true\n");
    open();
    hypervisor.host.hvm = false;
    EXPECT_THAT(outcome(vm->start(false)), HasSubstr("missing host capability: hvm"));
}

TEST_F(VmOperations, secondStartIsRefusedAtOnce) {
    open();
    hypervisor.createWaits = true;
    auto first = begin(vm->start(false));
    ASSERT_TRUE(until([this] { return vm->state() == LifeState::creatingDevices; }));
    settle();
    EXPECT_THAT(outcome(vm->start(false)),
                AllOf(HasSubstr("already created"), HasSubstr("creating-devices")));
    hypervisor.gate.set();
    EXPECT_TRUE(until([&] { return first->done; }));
    EXPECT_EQ(first->error, "");
    EXPECT_THAT(outcome(vm->start(false)),
                AllOf(HasSubstr("already created"), HasSubstr("running"), HasSubstr("domain 1")));
    EXPECT_EQ(hypervisor.alive.size(), 1U);
}

TEST_F(VmOperations, destroyBreaksIntoAStart) {
    open();
    hypervisor.createWaits = true;
    auto start = begin(vm->start(false));
    ASSERT_TRUE(until([this] { return vm->state() == LifeState::creatingDevices; }));
    settle();
    auto destroy = begin(vm->destroy());
    settle();
    EXPECT_FALSE(destroy->done) << "a build cannot be broken off";
    hypervisor.gate.set();
    EXPECT_TRUE(until([&] { return destroy->done; }));
    EXPECT_THAT(start->error, HasSubstr("destroyed meanwhile"));
    EXPECT_EQ(destroy->error, "");
    EXPECT_THAT(hypervisor.alive, IsEmpty());
    EXPECT_FALSE(hypervisor.called("unpause 1"));
    EXPECT_EQ(vm->state(), LifeState::shutdown);
}

TEST_F(VmOperations, destroyWorksInEveryState) {
    started();
    run(vm->destroy());
    EXPECT_THAT(take(), ElementsAre("shutdown -1"));
    run(vm->destroy()); // nothing there: no error
    run(vm->start(true));
    run(vm->destroy());
    run(vm->start(false));
    run(vm->pause());
    run(vm->destroy());
    EXPECT_EQ(vm->state(), LifeState::shutdown);
    EXPECT_THAT(hypervisor.alive, IsEmpty());
    run(vm->start(false));
    run(vm->reboot(false, false));
    run(vm->destroy());
    EXPECT_EQ(vm->state(), LifeState::shutdown);
}

TEST_F(VmOperations, aDomainThatWillNotDieIsReportedAndKept) {
    started();
    hypervisor.failDestroy = "it is still dying";
    EXPECT_EQ(outcome(vm->destroy()), "domain 1 cannot be taken down: it is still dying");
    EXPECT_EQ(vm->domid(), 1);
    EXPECT_THAT(vm->lastError(), HasSubstr("still dying"));
    EXPECT_THAT(outcome(vm->start(false)), HasSubstr("already created"));
    hypervisor.failDestroy.clear();
    run(vm->destroy());
    EXPECT_EQ(vm->state(), LifeState::shutdown);
}

TEST_F(VmOperations, haltAsksTheGuest) {
    started();
    run(vm->halt(false));
    EXPECT_THAT(take(), ElementsAre("shutdowning 1", "shutdown -1"));
    EXPECT_THAT(hypervisor.calls, ElementsAre("request poweroff 1", "destroy 1"));
    EXPECT_EQ(hypervisor.xenstore.values[stateNode], "shutdown");
    EXPECT_FALSE(hypervisor.xenstore.values.contains(pendingNode));
    EXPECT_THAT(outcome(vm->halt(false)), HasSubstr("bad state"));
}

TEST_F(VmOperations, secondHaltWaitsForTheFirst) {
    started();
    hypervisor.obeys = false;
    auto first = begin(vm->halt(false));
    auto second = begin(vm->halt(false));
    settle();
    EXPECT_EQ(vm->state(), LifeState::shutdowning);
    hypervisor.stop(1, xen::ShutdownReason::poweroff);
    EXPECT_TRUE(until([&] { return second->done; }));
    EXPECT_EQ(first->error + second->error, "");
    EXPECT_EQ(hypervisor.calls.size(), 2U);
}

TEST_F(VmOperations, pvGuestThatDoesNotAnswerIsLeftRunning) {
    started();
    hypervisor.acknowledges = false;
    EXPECT_THAT(outcome(vm->halt(false)), AllOf(HasSubstr("did not shut down"), HasSubstr("acknowledge")));
    EXPECT_EQ(vm->state(), LifeState::running);
    EXPECT_THAT(take(), IsEmpty());
    EXPECT_TRUE(hypervisor.alive.contains(1));
}

TEST_F(VmOperations, hvmGuestThatDoesNotAnswerGetsThePowerButton) {
    writeConfig("hvm = true\n");
    started();
    hypervisor.acknowledges = false;
    hypervisor.stopsAtPress = 2;
    run(vm->halt(false));
    EXPECT_THAT(hypervisor.calls, ElementsAre("request poweroff 1", "button 1", "button 1", "destroy 1"));
    EXPECT_THAT(take(), ElementsAre("shutdowning 1", "shutdown -1"));
}

TEST_F(VmOperations, guestThatAcknowledgesAndStaysIsReported) {
    options.limits.stop = std::chrono::milliseconds(20);
    started();
    hypervisor.obeys = false;
    EXPECT_THAT(outcome(vm->halt(false)), HasSubstr("did not shut down within 0.02 s"));
    EXPECT_THAT(take(), ElementsAre("shutdowning 1", "running 1"));
    // It may still go later, and then its policy holds.
    hypervisor.stop(1, xen::ShutdownReason::poweroff);
    settle();
    EXPECT_THAT(take(), ElementsAre("shutdown -1"));
}

TEST_F(VmOperations, forceComesLastIfConfigured) {
    options.limits.forceAfter = std::chrono::milliseconds(20);
    started();
    hypervisor.obeys = false;
    run(vm->halt(false));
    EXPECT_THAT(hypervisor.calls, ElementsAre("request poweroff 1", "force poweroff 1", "destroy 1"));
    EXPECT_THAT(take(), ElementsAre("shutdowning 1", "shutdown -1"));
}

TEST_F(VmOperations, forcedHaltAsksNobody) {
    started();
    run(vm->halt(true));
    EXPECT_THAT(hypervisor.calls, ElementsAre("force poweroff 1", "destroy 1"));
    EXPECT_THAT(take(), ElementsAre("shutdowning 1", "shutdown -1"));
}

TEST_F(VmOperations, haltOfAPausedGuestLetsItRunFirst) {
    started();
    run(vm->pause());
    run(vm->halt(false));
    EXPECT_THAT(hypervisor.calls, ElementsAre("pause 1", "unpause 1", "request poweroff 1", "destroy 1"));
}

TEST_F(VmOperations, haltOfAGuestThatNeverRanJustTakesItDown) {
    open();
    run(vm->start(true));
    run(vm->halt(false));
    EXPECT_THAT(hypervisor.calls, ElementsAre("create", "destroy 1"));
    EXPECT_EQ(vm->state(), LifeState::shutdown);
}

TEST_F(VmOperations, destroyBreaksIntoTheWaitsOfAHalt) {
    started();
    hypervisor.requestWaits = true; // the acknowledgement is outstanding
    auto halt = begin(vm->halt(false));
    settle();
    run(vm->destroy());
    EXPECT_TRUE(halt->done);
    EXPECT_THAT(halt->error, HasSubstr("destroyed meanwhile"));
    hypervisor.gate.set(); // the late answer harms nobody
    settle();

    run(vm->start(false));
    hypervisor.requestWaits = false;
    hypervisor.obeys = false; // now it is the stop that is outstanding
    auto again = begin(vm->halt(false));
    settle();
    EXPECT_EQ(vm->state(), LifeState::shutdowning);
    run(vm->destroy());
    EXPECT_TRUE(again->done);
    EXPECT_EQ(vm->state(), LifeState::shutdown);
}

TEST_F(VmOperations, crashWhileShuttingDownIsReported) {
    started();
    hypervisor.obeys = false;
    auto halt = begin(vm->halt(false));
    settle();
    hypervisor.stop(1, xen::ShutdownReason::crash);
    EXPECT_TRUE(until([&] { return halt->done; }));
    EXPECT_THAT(take(), ElementsAre("shutdowning 1", "error crashed", "shutdown -1"));
}

TEST_F(VmOperations, rebootEndsInRebootedOrStartsAgain) {
    started();
    run(vm->reboot(false, false));
    EXPECT_THAT(take(), ElementsAre("shutdowning 1", "rebooting 1", "rebooted -1"));
    run(vm->start(false));
    take();
    run(vm->reboot(true, true));
    EXPECT_THAT(take(), ElementsAre("shutdowning 2", "rebooting 2", "creating-domain -1",
                                    "creating-devices 3", "created 3", "running 3"));
    EXPECT_TRUE(hypervisor.called("force reboot 2"));
}

TEST_F(VmOperations, anOwedRestartIsWrittenDown) {
    started();
    hypervisor.obeys = false;
    auto reboot = begin(vm->reboot(false, true));
    settle();
    EXPECT_EQ(hypervisor.xenstore.values[stateNode], "shutdowning");
    EXPECT_EQ(hypervisor.xenstore.values[pendingNode], "restart");
    hypervisor.stop(1, xen::ShutdownReason::reboot);
    EXPECT_TRUE(until([&] { return reboot->done; }));
    EXPECT_FALSE(hypervisor.xenstore.values.contains(pendingNode));
}

TEST_F(VmOperations, whatWasIntendedIsWrittenDownBeforeTheGuestIsAsked) {
    started();
    hypervisor.requestWaits = true;
    hypervisor.acknowledges = false;
    auto halt = begin(vm->halt(false));
    settle();
    EXPECT_EQ(hypervisor.xenstore.values[stateNode], "running");
    EXPECT_EQ(hypervisor.xenstore.values[pendingNode], "halt");
    hypervisor.gate.set();
    EXPECT_TRUE(until([&] { return halt->done; }));
    EXPECT_NE(halt->error, "");
    settle();
    EXPECT_FALSE(hypervisor.xenstore.values.contains(pendingNode)) << "it came to nothing";
}

TEST_F(VmOperations, rebootOfAGuestThatWasQuickerWorks) {
    started();
    hypervisor.requestWaits = true;
    auto reboot = begin(vm->reboot(false, false));
    settle();
    hypervisor.stop(1, xen::ShutdownReason::reboot); // by itself, before it answers
    EXPECT_TRUE(until([&] { return reboot->done; }));
    EXPECT_EQ(reboot->error, "");
    EXPECT_EQ(vm->state(), LifeState::rebooted);
}

TEST_F(VmOperations, pauseAndUnpause) {
    started();
    run(vm->pause());
    EXPECT_THAT(outcome(vm->pause()), HasSubstr("bad state"));
    run(vm->unpause());
    EXPECT_THAT(outcome(vm->unpause()), HasSubstr("cannot unpause in state running"));
    EXPECT_THAT(take(), ElementsAre("paused 1", "running 1"));
    run(vm->destroy());
    EXPECT_THAT(outcome(vm->pause()), HasSubstr("bad state"));
    EXPECT_THAT(outcome(vm->reboot(false, true)), HasSubstr("bad state"));
}

TEST_F(VmOperations, configurationChangesCountFromTheNextStart) {
    started();
    vm->config().set("vcpus", "4");
    EXPECT_EQ(vm->config().get("vcpus"), "4");
    EXPECT_EQ(vm->config().current().vcpus, 1);
    run(vm->reboot(false, true));
    EXPECT_EQ(hypervisor.built.back().vcpus, 4U);
    EXPECT_THROW(vm->config().set("vcpus", "none"), Error);
    EXPECT_THROW(vm->config().set("colour", "red"), Error);
    EXPECT_THROW(vm->config().get("colour"), Error);

    writeConfig("vcpus = 0\n");
    EXPECT_THROW(vm->config().read(""), Error) << "an error in the file leaves everything as it is";
    EXPECT_EQ(vm->config().latest().vcpus, 4);
    writeConfig("vcpus = 3\n");
    vm->config().read("");
    run(vm->halt(false));
    EXPECT_EQ(vm->config().current().vcpus, 3) << "the arrival in shutdown promotes, too";
}

TEST_F(VmOperations, leavingForgetsOnlyTheShutdownState) {
    started();
    run(vm->leave());
    EXPECT_EQ(hypervisor.xenstore.values[stateNode], "running");
    run(vm->halt(false));
    run(vm->leave());
    EXPECT_FALSE(hypervisor.xenstore.values.contains(stateNode));
}

TEST_F(VmOperations, startupKeyStarts) {
    writeConfig("startup = start\n");
    open();
    EXPECT_TRUE(until([this] { return vm->state() == LifeState::running; }));
    vm->close();
    vm.reset();
    settle();

    hypervisor.alive.clear();
    hypervisor.xenstore.values[stateNode] =
        "shutdown"; // as a killed xenvm leaves it: the user had stopped the VM
    open();
    EXPECT_EQ(vm->state(), LifeState::shutdown);
    EXPECT_EQ(hypervisor.built.size(), 1U);
}

} // namespace
TEST_F(VmOperations, AMissingImageOfTheStubDomainIsFoundBeforeAnythingIsBuilt) {
    writeConfig("type = hvm\nstubdom = " + uuid + "\nstubdom-kernel = /nowhere/kernel\n");
    open();
    EXPECT_THAT(outcome(vm->start(false)),
                HasSubstr("cannot start: kernel of the stub domain /nowhere/kernel: No such"));
    vm->config().set("stubdom-kernel", kernel);
    vm->config().set("stubdom-initrd", "/nowhere/initrd");
    EXPECT_THAT(outcome(vm->start(false)),
                HasSubstr("cannot start: initrd of the stub domain /nowhere/initrd: No such"));
    EXPECT_TRUE(hypervisor.built.empty());
    vm->config().set("stubdom-initrd", kernel);
    run(vm->start(false));
    EXPECT_EQ(hypervisor.built.back().stubDomain.ramdisk, kernel);
}

TEST_F(VmOperations, BootLoadersNeedAnAccountWithoutRights) {
    EXPECT_EQ(outcome(checkBootloader("", {"no-such-account"})), "");
    EXPECT_EQ(outcome(checkBootloader("pygrub", {"no-such-account", "nobody"})), "");
    EXPECT_THAT(outcome(checkBootloader("pygrub", {"no-such-account", "nor-this"})),
                HasSubstr("neither no-such-account nor nor-this; add the system user nor-this"));
}

} // namespace xb::xenvm::test
