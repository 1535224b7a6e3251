// SPDX-License-Identifier: Apache-2.0
// What becomes of a VM whose domain ended by itself, for every reason and policy.
#include "toolstack/xenvm/policy.hpp"

#include <gtest/gtest.h>

namespace xb::xenvm {
namespace {

using xen::DomainEvent;
using xen::ShutdownReason;

struct Case {
    DomainEvent event;
    Policy policy;
    bool error;
    bool tearDown;
    bool rebooted;
    bool shutdown;
    bool restart;
};

DomainEvent stopped(ShutdownReason reason) {
    return {DomainEvent::Kind::shutdown, reason};
}
constexpr DomainEvent vanished{DomainEvent::Kind::death, ShutdownReason::poweroff};

const Case cases[]{
    // event, policy                                       error  down   reboot shut   restart
    {stopped(ShutdownReason::poweroff), Policy::destroy, false, true, false, true, false},
    {stopped(ShutdownReason::poweroff), Policy::restart, false, true, false, true, true},
    {stopped(ShutdownReason::poweroff), Policy::preserve, false, false, false, false, false},
    {stopped(ShutdownReason::reboot), Policy::destroy, false, true, true, true, false},
    {stopped(ShutdownReason::reboot), Policy::restart, false, true, true, false, true},
    {stopped(ShutdownReason::reboot), Policy::preserve, false, true, true, false, false},
    {stopped(ShutdownReason::crash), Policy::destroy, true, true, false, true, false},
    {stopped(ShutdownReason::crash), Policy::restart, true, true, false, true, true},
    {stopped(ShutdownReason::crash), Policy::preserve, true, false, false, false, false},
    {stopped(ShutdownReason::watchdog), Policy::destroy, true, true, false, true, false},
    {stopped(ShutdownReason::watchdog), Policy::restart, true, true, false, true, true},
    {stopped(ShutdownReason::suspend), Policy::destroy, true, false, false, false, false},
    {stopped(ShutdownReason::softReset), Policy::destroy, true, true, false, true, false},
    {vanished, Policy::restart, false, true, false, true, false},
    {vanished, Policy::preserve, false, true, false, true, false},
};

TEST(Policy, decidesByReasonAndPolicy) {
    for (const Case& c : cases) {
        Config config;
        // Only the policy that belongs to the reason may count: the others say the opposite.
        const Policy other = c.policy == Policy::destroy ? Policy::restart : Policy::destroy;
        const bool reboots = c.event.reason == ShutdownReason::reboot;
        const bool crashes =
            c.event.reason == ShutdownReason::crash || c.event.reason == ShutdownReason::watchdog;
        config.onRestart = reboots ? c.policy : other;
        config.onCrash = crashes ? c.policy : other;
        config.onHalt = reboots || crashes ? other : c.policy;
        const Reaction reaction = reactTo(c.event, config, 7);
        const std::string what = std::string(toString(c.event.reason)) + ", " + toString(c.policy);
        EXPECT_EQ(!reaction.error.empty(), c.error) << what;
        EXPECT_EQ(reaction.tearDown, c.tearDown) << what;
        EXPECT_EQ(reaction.rebooted, c.rebooted) << what;
        EXPECT_EQ(reaction.shutdown, c.shutdown) << what;
        EXPECT_EQ(reaction.restart, c.restart) << what;
    }
}

TEST(Policy, namesACrashByTheWordThatClientsKnow) {
    EXPECT_EQ(reactTo(stopped(ShutdownReason::crash), Config(), 7).error, "crashed");
}

} // namespace
} // namespace xb::xenvm
