// SPDX-License-Identifier: Apache-2.0
// What a VM makes of the domain or the state that it finds, and of a domain that ends unasked.
#include "vm_fixture.hpp"

namespace xb::xenvm::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using xen::ShutdownReason;

class VmAdoption : public VmTest {
protected:
    void recorded(const std::string& state, const std::string& pending = "") {
        hypervisor.xenstore.values[stateNode] = state;
        if (!pending.empty())
            hypervisor.xenstore.values[pendingNode] = pending;
    }
    bool reaches(LifeState state) {
        return until([&] { return vm->state() == state; });
    }
};

TEST_F(VmAdoption, takesOverRunningAndPausedDomains) {
    recorded("running");
    hypervisor.add(uuid, false);
    open();
    EXPECT_THAT(take(), ElementsAre("running 1"));
    EXPECT_THAT(hypervisor.calls, IsEmpty()) << "the domain is not touched";
    run(vm->halt(false));
    EXPECT_EQ(vm->state(), LifeState::shutdown);
}

TEST_F(VmAdoption, believesTheHypervisorAboutPaused) {
    recorded("running");
    hypervisor.add(uuid, true);
    open();
    EXPECT_THAT(take(), ElementsAre("paused 1"));
    EXPECT_EQ(hypervisor.xenstore.values[stateNode], "paused");
}

TEST_F(VmAdoption, takesOverADomainThatNobodyWroteAbout) {
    hypervisor.add(uuid, false);
    hypervisor.add("00000000-0000-0000-0000-000000000009", false);
    open();
    EXPECT_EQ(vm->domid(), 1);
    EXPECT_EQ(vm->state(), LifeState::running);
}

TEST_F(VmAdoption, createdAndWaitingStaysSo) {
    recorded("created");
    hypervisor.add(uuid, true);
    open();
    EXPECT_EQ(vm->state(), LifeState::created);
    run(vm->unpause());
    EXPECT_EQ(vm->state(), LifeState::running);
}

TEST_F(VmAdoption, halfBuiltDomainIsDestroyedAndReported) {
    for (const char* state : {"creating-domain", "creating-devices"}) {
        recorded(state);
        const auto domid = hypervisor.add(uuid, true);
        open();
        EXPECT_THAT(hypervisor.alive, IsEmpty()) << state;
        EXPECT_THAT(take(), ElementsAre("shutdown -1", HasSubstr("half built"))) << state;
        EXPECT_TRUE(hypervisor.called(fmt::format("destroy {}", domid)));
        run(vm->start(false));
        run(vm->destroy());
        take();
    }
}

TEST_F(VmAdoption, whatCannotBeTakenDownNowIsToldAndWaitsForADestroy) {
    hypervisor.failDestroy = "a grant is still mapped";
    recorded("creating-devices");
    hypervisor.add(uuid, true);
    open();
    EXPECT_THAT(take(), ElementsAre("creating-devices 1", HasSubstr("a grant is still mapped")));
    EXPECT_THAT(outcome(vm->start(false)), HasSubstr("already created"));
    hypervisor.failDestroy.clear();
    run(vm->destroy());
    EXPECT_THAT(hypervisor.alive, IsEmpty());
    run(vm->start(false));
}

TEST_F(VmAdoption, unpausedDomainIsNeverTakenForHalfBuilt) {
    recorded("creating-devices");
    hypervisor.add(uuid, false);
    open();
    EXPECT_EQ(vm->state(), LifeState::running);
    EXPECT_THAT(hypervisor.calls, IsEmpty());
}

TEST_F(VmAdoption, domainThatEndedMeanwhileGetsItsPolicy) {
    writeConfig("on_crash = restart\n");
    recorded("running");
    hypervisor.stop(hypervisor.add(uuid, false), ShutdownReason::crash);
    open();
    EXPECT_TRUE(reaches(LifeState::running));
    EXPECT_THAT(take(), ElementsAre("running 1", "error crashed", "shutdown -1", "creating-domain -1",
                                    "creating-devices 2", "created 2", "running 2"));
}

TEST_F(VmAdoption, domainThatVanishedMeanwhileIsDown) {
    recorded("running");
    open();
    EXPECT_THAT(take(), ElementsAre("shutdown -1"));
    EXPECT_EQ(hypervisor.xenstore.values[stateNode], "shutdown");
}

TEST_F(VmAdoption, rebootedStaysRebootedUnlessARestartIsOwed) {
    recorded("rebooted");
    open();
    EXPECT_THAT(take(), ElementsAre("rebooted -1"));
    recorded("rebooted", "restart");
    open();
    EXPECT_TRUE(reaches(LifeState::running));
    EXPECT_FALSE(hypervisor.xenstore.values.contains(pendingNode));
}

TEST_F(VmAdoption, restartOwedByAKilledMonitorIsMade) {
    recorded("rebooting", "restart"); // it was killed between taking the domain down and building the new one
    open();
    EXPECT_TRUE(reaches(LifeState::running));
}

TEST_F(VmAdoption, restartThatWasBuildingIsFinished) {
    recorded("creating-devices", "restart");
    hypervisor.add(uuid, true);
    open();
    EXPECT_TRUE(reaches(LifeState::running));
    EXPECT_TRUE(hypervisor.called("destroy 1")) << "the half-built one is of no use";
    EXPECT_EQ(vm->domid(), 2);
    run(vm->destroy());

    recorded("created", "restart");
    const auto domid = hypervisor.add(uuid, true);
    open();
    EXPECT_TRUE(reaches(LifeState::running));
    EXPECT_EQ(vm->domid(), static_cast<int>(domid));
}

TEST_F(VmAdoption, guestThatWasAskedToHaltIsNotRestarted) {
    writeConfig("on_halt = restart\n");
    recorded("running", "halt");
    hypervisor.stop(hypervisor.add(uuid, false), ShutdownReason::poweroff);
    open();
    EXPECT_TRUE(reaches(LifeState::shutdown));
    EXPECT_TRUE(hypervisor.built.empty());
}

TEST_F(VmAdoption, guestOnItsWayDownGoesWhereItWasSent) {
    writeConfig("on_halt = restart\n");
    recorded("shutdowning", "halt");
    const auto domid = hypervisor.add(uuid, false);
    open();
    EXPECT_EQ(vm->state(), LifeState::shutdowning);
    hypervisor.stop(domid, ShutdownReason::poweroff);
    settle();
    EXPECT_EQ(vm->state(), LifeState::shutdown) << "a halt is no reason to restart";

    recorded("shutdowning", "restart");
    hypervisor.stop(hypervisor.add(uuid, false), ShutdownReason::reboot);
    open();
    EXPECT_TRUE(reaches(LifeState::running));
}

TEST_F(VmAdoption, needsAConfigurationOnlyWithoutADomain) {
    options.configFile = directory.path() / "none";
    vm = std::make_shared<Vm>(executor(), hypervisor, options, *this);
    EXPECT_THAT(outcome(vm->adopt()), HasSubstr("none"));

    hypervisor.add(uuid, false);
    open();
    EXPECT_EQ(vm->state(), LifeState::running);
    EXPECT_THAT(events, testing::Contains(HasSubstr("without its configuration")));
    run(vm->destroy());
    EXPECT_THAT(outcome(vm->start(false)), HasSubstr("memory"));
}

TEST_F(VmAdoption, strictConfigurationErrorsAreFatal) {
    writeConfig("colour = red\n");
    options.strictConfig = true;
    vm = std::make_shared<Vm>(executor(), hypervisor, options, *this);
    EXPECT_THAT(outcome(vm->adopt()), HasSubstr("config:4: the key \"colour\""));
    options.strictConfig = false;
    open();
    run(vm->start(false));
}

// ---- events of a domain that runs

class VmEvents : public VmTest {
protected:
    xen::DomId running(const std::string& policies) {
        writeConfig(policies);
        open();
        run(vm->start(false));
        take();
        return static_cast<xen::DomId>(vm->domid());
    }
};

TEST_F(VmEvents, guestPowersOff) {
    hypervisor.stop(running(""), ShutdownReason::poweroff);
    settle();
    EXPECT_THAT(take(), ElementsAre("shutdown -1"));
    EXPECT_THAT(hypervisor.alive, IsEmpty());
}

TEST_F(VmEvents, guestReboots) {
    hypervisor.stop(running(""), ShutdownReason::reboot);
    EXPECT_TRUE(until([this] { return vm->state() == LifeState::running && vm->domid() == 2; }));
    EXPECT_THAT(take(), ElementsAre("rebooted -1", "creating-domain -1", "creating-devices 2", "created 2",
                                    "running 2"));
}

TEST_F(VmEvents, guestRebootsAndSomebodyElseStartsIt) {
    hypervisor.stop(running("on_restart = preserve\n"), ShutdownReason::reboot);
    settle();
    EXPECT_THAT(take(), ElementsAre("rebooted -1"));
    EXPECT_THAT(hypervisor.alive, IsEmpty());
    run(vm->start(false));
    EXPECT_EQ(vm->domid(), 2);
}

TEST_F(VmEvents, guestCrashes) {
    hypervisor.stop(running(""), ShutdownReason::crash);
    settle();
    EXPECT_THAT(take(), ElementsAre("error crashed", "shutdown -1"));
    EXPECT_EQ(vm->lastError(), "crashed");
}

TEST_F(VmEvents, crashedGuestIsKeptIfWanted) {
    const auto domid = running("on_crash = preserve\n");
    hypervisor.stop(domid, ShutdownReason::crash);
    settle();
    EXPECT_THAT(take(), ElementsAre("error crashed"));
    EXPECT_TRUE(hypervisor.alive.contains(domid));
    EXPECT_THAT(outcome(vm->pause()), HasSubstr("has stopped"));
    hypervisor.vanish(domid); // somebody looked at it and destroyed it
    settle();
    EXPECT_THAT(take(), ElementsAre("shutdown -1"));
}

TEST_F(VmEvents, domainDestroyedByOthersIsDown) {
    hypervisor.vanish(running(""));
    settle();
    EXPECT_THAT(take(), ElementsAre("shutdown -1"));
    EXPECT_EQ(vm->domid(), -1);
}

TEST_F(VmEvents, restartReadsTheFileAgain) {
    const auto domid = running("vcpus = 1\n");
    writeConfig("vcpus = 2\n");
    hypervisor.stop(domid, ShutdownReason::reboot);
    EXPECT_TRUE(until([this] { return vm->state() == LifeState::running && vm->domid() == 2; }));
    EXPECT_EQ(hypervisor.built.back().vcpus, 2U);
}

TEST_F(VmEvents, restartsAreSpacedAndYieldToOthers) {
    options.limits.restartSpacing = std::chrono::hours(1);
    hypervisor.stop(running(""), ShutdownReason::reboot);
    settle();
    EXPECT_EQ(vm->state(), LifeState::rebooted) << "it ran for less than the spacing";
    EXPECT_EQ(hypervisor.built.size(), 1U);
    EXPECT_EQ(hypervisor.xenstore.values[pendingNode], "restart");
    run(vm->destroy());
    EXPECT_EQ(vm->state(), LifeState::shutdown);
    run(vm->start(false));
    EXPECT_EQ(hypervisor.built.size(), 2U);
}

TEST_F(VmEvents, restartsInARowBecomeRare) {
    options.limits.restartSpacing = std::chrono::milliseconds(10);
    running("");
    const auto begin = std::chrono::steady_clock::now();
    for (std::size_t builds = 2; builds <= 6; ++builds) {
        hypervisor.stop(static_cast<xen::DomId>(vm->domid()), ShutdownReason::reboot);
        ASSERT_TRUE(
            until([&] { return hypervisor.built.size() == builds && vm->state() == LifeState::running; }));
    }
    // A start is made up to a millisecond sooner: the clock of timers is coarser than ours.
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(20 + 40 + 80 + 160 - 5))
        << "the first was due 10 ms after the start, which was before";
}

TEST_F(VmEvents, failedRestartIsReported) {
    const auto domid = running("");
    hypervisor.failCreate = "out of domains";
    hypervisor.stop(domid, ShutdownReason::reboot);
    EXPECT_TRUE(until([this] { return vm->state() == LifeState::shutdown; }));
    settle();
    EXPECT_THAT(take(),
                ElementsAre("rebooted -1", "creating-domain -1", "shutdown -1", "error out of domains"));
}

TEST_F(VmEvents, dyingDomainIsReportedAndCanBeDestroyedLater) {
    const auto domid = running("");
    hypervisor.failDestroy = "a grant is still mapped";
    hypervisor.stop(domid, ShutdownReason::poweroff);
    settle();
    EXPECT_THAT(take(), ElementsAre(HasSubstr("a grant is still mapped")));
    EXPECT_EQ(vm->domid(), 1);
    hypervisor.failDestroy.clear();
    run(vm->destroy());
    EXPECT_THAT(take(), ElementsAre("shutdown -1"));
}

TEST_F(VmEvents, guestThatSuspendsItselfIsKept) {
    const auto domid = running("");
    hypervisor.stop(domid, ShutdownReason::suspend);
    settle();
    EXPECT_THAT(take(), ElementsAre(HasSubstr("suspended itself")));
    EXPECT_TRUE(hypervisor.alive.contains(domid));
}

} // namespace
} // namespace xb::xenvm::test
