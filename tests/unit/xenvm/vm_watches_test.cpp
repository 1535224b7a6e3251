// SPDX-License-Identifier: Apache-2.0
// What a VM hears from xenstore: the guest's clock and the nodes of its configuration.
#include "vm_fixture.hpp"

namespace xb::xenvm::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class VmWatches : public VmTest {
protected:
    VmWatches() { writeConfig("time-offset = 60\nextra-vm-watch = a/b\nextra-local-watch = power-state\n"); }

    void startIt() {
        open();
        run(vm->start(false));
        settle();
        take();
    }
    /// Somebody writes to xenstore.
    void store(const std::string& path, const std::optional<std::string>& value) {
        hypervisor.xenstore.change(path, value);
        settle();
    }
    std::string home() const { return fmt::format("/local/domain/{}/", vm->domid()); }

    const std::string clock = "/vm/" + uuid + "/rtc/timeoffset";
    const std::string node = "/vm/" + uuid + "/a/b";
};

TEST_F(VmWatches, NewOffsetsOfTheGuestsClockAreToldOnce) {
    startIt();
    store(clock, "60"); // as it was built
    EXPECT_THAT(take(), IsEmpty());
    store(clock, "-3600");
    store(clock, "-3600");
    store(clock, "0");
    EXPECT_THAT(take(), ElementsAre("rtc -3600", "rtc 0"));
}

TEST_F(VmWatches, OffsetsThatAreNoSecondsAreNotTold) {
    startIt();
    for (const std::string bad :
         {"", "x", "1.5", "2147483648", "-2147483648", "9999999999999999999", "1 2", "1\n"})
        store(clock, bad);
    store(clock, std::nullopt);
    EXPECT_THAT(take(), IsEmpty());
    store(clock, "2147483647");
    EXPECT_THAT(take(), ElementsAre("rtc 2147483647"));
}

TEST_F(VmWatches, AClockThatWasSetWhileNobodyLookedIsTold) {
    hypervisor.xenstore.values[clock] = "7";
    hypervisor.add(uuid, false);
    open();
    EXPECT_THAT(take(), Contains("rtc 7"));
}

TEST_F(VmWatches, AClockThatIsSetLastIsToldBeforeTheDomainGoes) {
    startIt();
    hypervisor.xenstore.values[clock] = "9"; // the event is still on its way
    run(vm->destroy());
    EXPECT_THAT(take(), ElementsAre("rtc 9", "shutdown -1"));
}

TEST_F(VmWatches, NodesOfTheConfigurationAreToldByTheirNames) {
    hypervisor.xenstore.values[node] = "there before";
    open();
    run(vm->start(false));
    settle();
    EXPECT_THAT(take(), Contains("node a/b there before"));
    store(home() + "power-state", "3");
    store(node, "now");
    store(node, "now");
    store("/vm/" + uuid + "/a", std::nullopt);
    store(node, "now");
    store("/vm/" + uuid + "/a/bc", "something else");
    EXPECT_THAT(take(), ElementsAre("node power-state 3", "node a/b now", "node a/b now"));
}

TEST_F(VmWatches, ValuesThatNoMessageCanCarryAreNotTold) {
    startIt();
    for (const std::string bad : {"two\nlines", "\xff\xfe", "\x01", "\xed\xa0\x80"})
        store(home() + "power-state", bad);
    store(home() + "power-state", std::string("a\0b", 3));
    EXPECT_THAT(take(), IsEmpty());
    store(home() + "power-state", "\u00fc");
    EXPECT_THAT(take(), ElementsAre("node power-state \u00fc"));
}

TEST_F(VmWatches, LastValuesAreToldWhenManyComeAtOnce) {
    startIt();
    for (int i = 0; i <= 100; ++i)
        hypervisor.xenstore.change(node, std::to_string(i));
    settle();
    const auto told = take();
    ASSERT_FALSE(told.empty());
    EXPECT_EQ(told.back(), "node a/b 100");
}

TEST_F(VmWatches, NothingIsWatchedWithoutADomain) {
    open();
    EXPECT_THAT(hypervisor.xenstore.watched(), IsEmpty());
    run(vm->start(false));
    EXPECT_THAT(hypervisor.xenstore.watched(), UnorderedElementsAre(clock, node, home() + "power-state"));
    run(vm->destroy());
    EXPECT_THAT(hypervisor.xenstore.watched(), IsEmpty());
    take();
    store(clock, "5");
    EXPECT_THAT(take(), IsEmpty());
}

TEST_F(VmWatches, AStartSucceedsWithoutWatchesAndSaysSo) {
    hypervisor.xenstore.failWatch = "xenstored is full";
    open();
    run(vm->start(false));
    EXPECT_EQ(vm->state(), LifeState::running);
    EXPECT_THAT(take(), Contains(HasSubstr("xenstored is full")));
}

// What xenconsoled writes; the fake domain is called after its UUID.
TEST_F(VmWatches, TheLogOfTheConsoleIsKeptSmallWhileThereIsADomain) {
    options.consoleDirectory = directory.path();
    options.consoleLimits = {4, 1};
    const auto log = directory.path() / ("guest-" + uuid + ".log");
    const auto older = log.string() + ".1";
    startIt();
    writeFileAtomically(log, "a long line");
    EXPECT_TRUE(
        until([&] { return std::filesystem::exists(older) && std::filesystem::file_size(log) == 0; }));
    EXPECT_EQ(readFile(older), "a long line");
    run(vm->destroy());
    writeFileAtomically(log, "somebody else's");
    settle();
    EXPECT_EQ(readFile(log), "somebody else's");
}

TEST_F(VmWatches, WithoutLogsOfConsolesThereIsNothingToKeepSmall) {
    options.consoleDirectory = directory.path() / "none";
    startIt();
    EXPECT_GT(vm->domid(), 0);
}

} // namespace
} // namespace xb::xenvm::test
