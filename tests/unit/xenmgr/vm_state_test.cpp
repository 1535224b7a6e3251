// SPDX-License-Identifier: Apache-2.0
// The words of a VM's state, which clients compare with.
#include "xenmgr/vm_state.hpp"

#include <gtest/gtest.h>

namespace xb::xenmgr {
namespace {

struct Expectation {
    VmState state;
    const char* internal;
    const char* shown;
    bool running;
    int acpi;
};

constexpr Expectation all[] = {
    {VmState::preCreate, "pre-create", "creating", true, 0},
    {VmState::creatingDomain, "creating-domain", "creating", true, 0},
    {VmState::creatingDevices, "creating-devices", "creating", true, 0},
    {VmState::created, "created", "creating", true, 0},
    {VmState::running, "running", "running", true, 0},
    {VmState::paused, "paused", "paused", true, 0},
    {VmState::suspending, "suspending", "suspending", true, 0},
    {VmState::suspended, "suspended", "suspended", true, 3},
    {VmState::restoring, "restoring", "restoring", true, 0},
    {VmState::shutdowning, "shutdowning", "stopping", true, 0},
    {VmState::rebooting, "rebooting", "rebooting", true, 0},
    {VmState::rebooted, "rebooted", "rebooted", false, 5},
    {VmState::shutdown, "shutdown", "stopped", false, 5},
};

TEST(VmState, WordsAndMeanings) {
    for (const auto& each : all) {
        EXPECT_STREQ(internalWord(each.state), each.internal);
        EXPECT_STREQ(publicWord(each.state), each.shown);
        EXPECT_EQ(isRunning(each.state), each.running) << each.internal;
        EXPECT_EQ(acpiStateOf(each.state, false), each.acpi) << each.internal;
        EXPECT_EQ(parseVmState(each.internal), each.state);
    }
}

TEST(VmState, OffAndHibernatedIsFour) {
    EXPECT_EQ(acpiStateOf(VmState::shutdown, true), 4);
    EXPECT_EQ(acpiStateOf(VmState::rebooted, true), 4);
    EXPECT_EQ(acpiStateOf(VmState::running, true), 0);
    EXPECT_EQ(acpiStateOf(VmState::suspended, true), 3);
}

TEST(VmState, UnknownWordsAreNoState) {
    for (const char* word : {"", "stopped", "Running", "running ", "creating"})
        EXPECT_FALSE(parseVmState(word)) << word;
}

} // namespace
} // namespace xb::xenmgr
