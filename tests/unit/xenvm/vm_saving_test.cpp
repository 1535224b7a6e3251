// SPDX-License-Identifier: Apache-2.0
// Suspend, checkpoint, restore and sleep of a VM: states in order, what every failure leaves behind, and what
// the next xenvm makes of one that was killed on the way.
#include "vm_fixture.hpp"

#include "xen/saved_domain.hpp"

namespace xb::xenvm::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using xen::ShutdownReason;

class VmSaving : public VmTest {
protected:
    void started() {
        open();
        run(vm->start(false));
        take();
        hypervisor.calls.clear();
    }
    std::string file() const { return (directory.path() / "saved").string(); }
    std::string streamOf(const std::string& path) const {
        const auto text = readFile(path);
        return text.substr(xen::savedHeader("{}").size());
    }
    bool fileIsThere() const {
        return std::filesystem::exists(file()) || std::filesystem::exists(file() + ".part");
    }
    /// A domain that the last xenvm left, with the state that it wrote down.
    xen::DomId left(const std::string& state, const std::string& pending, bool suspended) {
        hypervisor.xenstore.values[stateNode] = state;
        if (!pending.empty())
            hypervisor.xenstore.values[pendingNode] = pending;
        const auto domid = hypervisor.add(uuid, false);
        hypervisor.alive[domid].shutdown = suspended;
        hypervisor.alive[domid].reason = ShutdownReason::suspend;
        return domid;
    }
};

TEST_F(VmSaving, suspendSavesAndTakesDownAndRestoreBringsBack) {
    started();
    run(vm->suspend(file(), false));
    EXPECT_THAT(take(), ElementsAre("suspending 1", "suspended -1"));
    EXPECT_THAT(hypervisor.calls, ElementsAre("save 1", "destroy 1"));
    EXPECT_EQ(hypervisor.xenstore.values[stateNode], "suspended");
    EXPECT_EQ(streamOf(file()), "half and half");
    run(vm->restore(file(), false, true));
    EXPECT_THAT(take(), ElementsAre("restoring -1", "creating-domain -1", "creating-devices 2", "created 2",
                                    "running 2"));
    EXPECT_THAT(hypervisor.calls, Contains("restore half and half"));
    EXPECT_FALSE(fileIsThere());
    EXPECT_EQ(vm->lastError(), "");
}

TEST_F(VmSaving, restoreKeepsTheFileAndStaysPausedWhenAskedTo) {
    started();
    run(vm->suspend(file(), true));
    EXPECT_THAT(hypervisor.calls, Contains("save 1 live"));
    run(vm->restore(file(), true, false));
    EXPECT_EQ(vm->state(), LifeState::created);
    EXPECT_TRUE(fileIsThere());
}

TEST_F(VmSaving, checkpointGoesOnAndLaterStopsAreNews) {
    started();
    run(vm->checkpoint(file(), false));
    EXPECT_THAT(take(), ElementsAre("suspending 1", "running 1"));
    EXPECT_THAT(hypervisor.calls, ElementsAre("save 1", "resume 1"));
    EXPECT_EQ(streamOf(file()), "half and half");
    hypervisor.stop(1, ShutdownReason::poweroff);
    settle();
    EXPECT_THAT(take(), ElementsAre("shutdown -1"));
}

TEST_F(VmSaving, aFailedSaveLeavesTheGuestRunningAndNoFile) {
    started();
    hypervisor.failSave = "no space left";
    EXPECT_EQ(outcome(vm->suspend(file(), false)), "no space left");
    EXPECT_THAT(take(), ElementsAre("suspending 1", "running 1"));
    EXPECT_THAT(hypervisor.calls, ElementsAre("save 1"));
    EXPECT_FALSE(fileIsThere());
    EXPECT_EQ(vm->lastError(), "no space left");
    EXPECT_EQ(hypervisor.xenstore.values[stateNode], "running");
}

TEST_F(VmSaving, aFileThatCannotBeMadeIsToldBeforeTheGuestIsAsked) {
    started();
    EXPECT_THAT(outcome(vm->suspend("/nowhere/at/all", false)), HasSubstr("/nowhere/at/all"));
    EXPECT_THAT(hypervisor.calls, IsEmpty());
    EXPECT_EQ(vm->state(), LifeState::running);
    EXPECT_THAT(outcome(vm->suspend("saved", false)), HasSubstr("absolute"));
}

TEST_F(VmSaving, aFileThatCannotGetItsNameLetsTheGuestGoOn) {
    started();
    std::filesystem::create_directories(directory.path() / "saved" / "full"); // rename() fails
    EXPECT_THAT(outcome(vm->suspend(file(), false)), HasSubstr(file()));
    EXPECT_THAT(hypervisor.calls, ElementsAre("save 1", "resume 1"));
    EXPECT_EQ(vm->state(), LifeState::running);
    EXPECT_FALSE(std::filesystem::exists(file() + ".part"));
}

TEST_F(VmSaving, destroyBreaksIntoASave) {
    started();
    hypervisor.saveWaits = true;
    auto suspend = begin(vm->suspend(file(), false));
    ASSERT_TRUE(until([this] { return hypervisor.called("save 1"); }));
    run(vm->destroy());
    EXPECT_TRUE(suspend->done);
    EXPECT_THAT(suspend->error, HasSubstr("destroyed"));
    EXPECT_EQ(vm->state(), LifeState::shutdown);
    EXPECT_THAT(hypervisor.alive, IsEmpty());
    EXPECT_FALSE(fileIsThere());
    EXPECT_EQ(hypervisor.watches(), 0U);
}

TEST_F(VmSaving, onlyARunningVmIsSavedAndOnlyOneWithoutADomainRestored) {
    open();
    EXPECT_THAT(outcome(vm->suspend(file(), false)), HasSubstr("bad state"));
    EXPECT_THAT(outcome(vm->checkpoint(file(), false)), HasSubstr("bad state"));
    EXPECT_THAT(outcome(vm->restore(file(), false, true)), HasSubstr(file()));
    EXPECT_EQ(vm->state(), LifeState::shutdown);
    run(vm->start(false));
    EXPECT_THAT(outcome(vm->restore(file(), false, true)), HasSubstr("already created"));
    writeFileAtomically(file(), "not saved by anybody, and long enough to be a header");
    run(vm->destroy());
    EXPECT_THAT(outcome(vm->restore(file(), false, true)), HasSubstr("no saved domain"));
    EXPECT_TRUE(fileIsThere());
}

TEST_F(VmSaving, aFailedRestoreKeepsTheFile) {
    started();
    run(vm->suspend(file(), false));
    hypervisor.failCreate = "no more domain ids";
    EXPECT_EQ(outcome(vm->restore(file(), false, true)), "no more domain ids");
    // What was saved counts still: a start would take the disks away from under it.
    EXPECT_EQ(vm->state(), LifeState::suspended);
    EXPECT_TRUE(fileIsThere());
    hypervisor.failCreate.clear();
    run(vm->restore(file(), false, true));
    EXPECT_EQ(vm->state(), LifeState::running);
}

TEST_F(VmSaving, startupRestores) {
    started();
    run(vm->suspend(file(), false));
    vm->close();
    hypervisor.xenstore.values.clear();
    writeConfig("startup = restore-del " + file() + "\n");
    open();
    ASSERT_TRUE(until([this] { return vm->state() == LifeState::running && !vm->busy(); }));
    EXPECT_FALSE(fileIsThere());
    EXPECT_THAT(hypervisor.calls, Contains("restore half and half"));
}

// ---- killed on the way

TEST_F(VmSaving, killedBeforeTheFileWasCompleteTheGuestGoesOn) {
    left("suspending", "", true);
    open();
    EXPECT_THAT(hypervisor.calls, ElementsAre("resume 1"));
    EXPECT_EQ(vm->state(), LifeState::running);
    EXPECT_THAT(take(), Contains(HasSubstr("goes on")));
    hypervisor.stop(1, ShutdownReason::poweroff);
    settle();
    EXPECT_EQ(vm->state(), LifeState::shutdown);
}

TEST_F(VmSaving, killedBeforeTheGuestSuspendedItGoesOnWhenItDoes) {
    left("suspending", "", false);
    open();
    EXPECT_EQ(vm->state(), LifeState::running);
    hypervisor.stop(1, ShutdownReason::suspend);
    settle();
    EXPECT_THAT(hypervisor.calls, ElementsAre("resume 1"));
    EXPECT_FALSE(hypervisor.alive.at(1).shutdown);
    EXPECT_EQ(vm->state(), LifeState::running);
}

TEST_F(VmSaving, killedAfterTheFileWasCompleteTheDomainGoes) {
    left("suspending", "halt", true);
    open();
    EXPECT_THAT(hypervisor.calls, ElementsAre("destroy 1"));
    EXPECT_EQ(vm->state(), LifeState::suspended);
    EXPECT_EQ(hypervisor.xenstore.values[stateNode], "suspended");
}

TEST_F(VmSaving, killedAfterTheDomainWentToTheFileItStaysSuspended) {
    hypervisor.xenstore.values[stateNode] = "suspending";
    hypervisor.xenstore.values[pendingNode] = "halt";
    open();
    EXPECT_EQ(vm->state(), LifeState::suspended);
}

TEST_F(VmSaving, killedWhileTheFileHadItsOtherNameThatGoes) {
    const std::string undoNode = "/state/" + uuid + "/undo";
    left("suspending", "", true);
    hypervisor.xenstore.values[undoNode] = "file " + file();
    writeFileAtomically(file() + ".part", "half");
    open();
    EXPECT_FALSE(fileIsThere());
    EXPECT_FALSE(hypervisor.xenstore.values.contains(undoNode));
    EXPECT_EQ(vm->state(), LifeState::running);
    // It is written down while it may be there, and no longer.
    hypervisor.saveWaits = true;
    auto suspend = begin(vm->suspend(file(), false));
    ASSERT_TRUE(until([this] { return hypervisor.called("save 1"); }));
    EXPECT_EQ(hypervisor.xenstore.values[undoNode], "file " + file());
    hypervisor.gate.set();
    ASSERT_TRUE(until([&] { return suspend->done; }));
    EXPECT_FALSE(hypervisor.xenstore.values.contains(undoNode));
}

// The file has all of it: it must never run on, not even after the next kill.
TEST_F(VmSaving, aSuspendedDomainThatDoesNotGoIsKeptForADestroy) {
    hypervisor.failDestroy = "a grant is still mapped";
    started();
    EXPECT_THAT(outcome(vm->suspend(file(), false)), HasSubstr("a grant is still mapped"));
    EXPECT_EQ(vm->state(), LifeState::suspending);
    EXPECT_EQ(hypervisor.xenstore.values[pendingNode], "halt");
    vm->close();
    take();
    open(); // by its successor
    EXPECT_THAT(take(), ElementsAre("suspending 1", HasSubstr("a grant is still mapped")));
    EXPECT_EQ(hypervisor.xenstore.values[pendingNode], "halt");
    hypervisor.failDestroy.clear();
    run(vm->destroy());
    EXPECT_EQ(vm->state(), LifeState::shutdown);
    EXPECT_TRUE(fileIsThere());
}

TEST_F(VmSaving, killedWhileRestoringTheHalfBuiltDomainGoes) {
    const auto domid = left("restoring", "", false);
    hypervisor.alive[domid].paused = true;
    open();
    EXPECT_THAT(hypervisor.alive, IsEmpty());
    EXPECT_EQ(vm->state(), LifeState::shutdown);
}

TEST_F(VmSaving, killedWhileSuspendedItStaysSo) {
    hypervisor.xenstore.values[stateNode] = "suspended";
    open();
    EXPECT_EQ(vm->state(), LifeState::suspended);
}

// ---- core dumps

TEST_F(VmSaving, aCrashedGuestIsDumpedBeforeThePolicyActs) {
    writeConfig("enable-dump = true\n");
    options.coreDirectory = directory.path() / "cores";
    started();
    hypervisor.stop(1, ShutdownReason::crash);
    ASSERT_TRUE(until([this] { return vm->state() == LifeState::shutdown && !vm->busy(); }));
    EXPECT_THAT(hypervisor.calls, ElementsAre("dump 1", "destroy 1"));
    const std::filesystem::directory_iterator cores(options.coreDirectory);
    EXPECT_THAT(cores->path().filename().string(), AllOf(HasSubstr(uuid), HasSubstr(".core")));
    run(vm->start(false));
    hypervisor.calls.clear();
    hypervisor.stop(2, ShutdownReason::poweroff);
    ASSERT_TRUE(until([this] { return vm->state() == LifeState::shutdown && !vm->busy(); }));
    EXPECT_THAT(hypervisor.calls, ElementsAre("destroy 2")) << "only crashes are dumped";
}

TEST_F(VmSaving, aDumpThatFailsDoesNotKeepThePolicyFromActing) {
    writeConfig("enable-dump = true\non_crash = destroy\n");
    options.coreDirectory = directory.path() / "cores";
    started();
    hypervisor.failDump = "no space left";
    hypervisor.stop(1, ShutdownReason::crash);
    ASSERT_TRUE(until([this] { return vm->state() == LifeState::shutdown && !vm->busy(); }));
    EXPECT_THAT(take(), Contains(HasSubstr("no space left")));
    EXPECT_THAT(hypervisor.alive, IsEmpty());
}

TEST_F(VmSaving, withoutEnableDumpThereIsNone) {
    started();
    hypervisor.stop(1, ShutdownReason::crash);
    settle();
    EXPECT_THAT(hypervisor.calls, ElementsAre("destroy 1"));
}

// ---- sleep

TEST_F(VmSaving, sleepWaitsForTheGuestAndWakeWakesIt) {
    started();
    run(vm->sleep(std::chrono::seconds(5)));
    run(vm->sleep(std::chrono::seconds(5))); // asleep it would not hear of it
    run(vm->wakeGuest());
    EXPECT_THAT(hypervisor.calls, ElementsAre("sleep s3 1", "wake 1"));
    EXPECT_EQ(vm->state(), LifeState::running);
}

TEST_F(VmSaving, sleepThatDoesNotHappenIsAnError) {
    started();
    hypervisor.sleepsIn = 0;
    EXPECT_THAT(outcome(vm->sleep(std::chrono::seconds(0))), HasSubstr("did not sleep within 0 s"));
    hypervisor.sleepsIn = 4;
    EXPECT_THAT(outcome(vm->sleep(std::chrono::seconds(0))), HasSubstr("hibernates"));
    hypervisor.acknowledges = false;
    EXPECT_THAT(outcome(vm->sleep(std::chrono::seconds(0))), HasSubstr("acknowledge"));
    hypervisor.pvDriver = false;
    EXPECT_THAT(outcome(vm->sleep(std::chrono::seconds(0))), HasSubstr("no PV driver"));
    EXPECT_EQ(vm->state(), LifeState::running);
}

TEST_F(VmSaving, hibernateTakesTheDomainDown) {
    started();
    run(vm->hibernate(std::chrono::seconds(5)));
    EXPECT_THAT(hypervisor.calls, ElementsAre("sleep s4 1", "destroy 1"));
    EXPECT_EQ(vm->state(), LifeState::shutdown);
    EXPECT_THAT(outcome(vm->hibernate(std::chrono::seconds(5))), HasSubstr("bad state"));
}

TEST_F(VmSaving, hibernationThatDoesNotHappenIsAnError) {
    started();
    hypervisor.obeys = false;
    EXPECT_THAT(outcome(vm->hibernate(std::chrono::seconds(0))), HasSubstr("did not hibernate"));
    EXPECT_EQ(vm->state(), LifeState::running);
    EXPECT_THAT(hypervisor.calls, Not(Contains("destroy 1")));
}

} // namespace
} // namespace xb::xenvm::test
