// SPDX-License-Identifier: Apache-2.0
// xenops migrate between two emulated hosts: the guest runs there and is gone here, or goes on here and
// nothing is left there.
#include "tests/integration/xenops/fixture.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/xenops/migration_frames.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <fcntl.h>
#include <unistd.h>

namespace xb::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class XenopsMigration : public XenopsIntegration {
protected:
    static void SetUpTestSuite() {
        XenopsIntegration::SetUpTestSuite();
        there = new xen::EmulatorControl(XEN_EMULATOR);
        rules = emulator->directory() + "/rules";
    }
    static void TearDownTestSuite() {
        EXPECT_EQ(there->stop(), 0);
        delete there;
        there = nullptr;
        XenopsIntegration::TearDownTestSuite();
    }

    void SetUp() override {
        writeFileAtomically(rules, "relocation-server yes\nrelocation-hosts-allow ^localhost$\n");
        const Result created = xenops({"create", "-q", config("mover")});
        ASSERT_EQ(created.status, 0) << created.err;
    }
    void TearDown() override {
        xenops({"destroy", "mover"});
        EXPECT_EQ(othersThere({"destroy", "mover"}).status, 2) << "something is left there";
    }

    Result othersThere(Words words) { return run(command(XENOPS, std::move(words), there->directory())); }

    static std::string receiver() {
        return fmt::format("{} migrate-receive -config {} -hypervisor emulated --emulator-directory {}",
                           XENOPS, rules, there->directory());
    }
    Result migrateTo(const std::string& command) { return xenops({"migrate", "mover", command, "-ssh", ""}); }
    // A receiver that is a shell script.
    Result migrateToScript(const std::string& script) {
        const std::string file = emulator->directory() + "/receiver";
        writeFileAtomically(file, script);
        return migrateTo("/bin/sh " + file);
    }

    void expectItGoesOnHere(const std::string& why) {
        const Result here = xenops({"list", "mover"});
        EXPECT_EQ(here.status, 0) << why;
        EXPECT_THAT(here.out, HasSubstr(" ------ ")) << why;
    }

    static inline xen::EmulatorControl* there = nullptr;
    static inline std::string rules;
};

TEST_F(XenopsMigration, itRunsThereAndIsGoneHere) {
    const auto uuid = xenops({"dom-uuid", "mover"}).out;
    const Result moved = migrateTo(receiver());
    EXPECT_EQ(moved.status, 0) << moved.err;
    EXPECT_THAT(moved.out, HasSubstr("migrated domain: "));
    EXPECT_EQ(xenops({"list", "mover"}).status, 2);
    EXPECT_THAT(othersThere({"list", "mover"}).out, HasSubstr(" ------ "));
    EXPECT_EQ(othersThere({"dom-uuid", "mover"}).out, uuid);
    EXPECT_EQ(othersThere({"destroy", "mover"}).status, 0);
}

TEST_F(XenopsMigration, aReceiverIsOffUnlessItsHostSaysOtherwise) {
    std::filesystem::remove(rules);
    const Result off = migrateTo(receiver());
    EXPECT_EQ(off.status, 2);
    EXPECT_THAT(off.err, HasSubstr("migration into this host is off"));
    expectItGoesOnHere("off");
    writeFileAtomically(rules,
                        "relocation-server yes\nrelocation-hosts-allow ^localhost$ ^10\\.0\\.0\\.7$\n");
    const Result stranger = migrateTo("env SSH_CONNECTION=10.0.0.77 " + receiver());
    EXPECT_EQ(stranger.status, 2);
    EXPECT_THAT(stranger.err, HasSubstr("may not migrate into this host"));
    expectItGoesOnHere("not allowed");
    EXPECT_EQ(migrateTo("env SSH_CONNECTION=10.0.0.7 " + receiver()).status, 0);
    EXPECT_EQ(othersThere({"destroy", "mover"}).status, 0);
}

TEST_F(XenopsMigration, whatTheReceiverCannotTakeGoesOnHere) {
    ASSERT_EQ(othersThere({"create", "-q", config("mover")}).status, 0);
    const Result taken = migrateTo(receiver());
    EXPECT_EQ(taken.status, 2);
    EXPECT_THAT(taken.err, HasSubstr("has the name or UUID of \"mover\" already"));
    expectItGoesOnHere("taken");
    ASSERT_EQ(othersThere({"destroy", "mover"}).status, 0);
    const Result broken = migrateTo(receiver() + " -name mover/2");
    EXPECT_EQ(broken.status, 2);
    EXPECT_THAT(broken.err, HasSubstr("mover/2"));
    expectItGoesOnHere("not restored");
}

TEST_F(XenopsMigration, receiversThatAreNone) {
    EXPECT_THAT(migrateTo("/bin/true").err, HasSubstr("is gone: it exited with status 0"));
    EXPECT_THAT(migrateTo("/bin/echo hello").err,
                HasSubstr("answers \"hello\" instead of xenops-migration 1"));
    EXPECT_THAT(migrateTo("/no/such/program").err, HasSubstr("/no/such/program"));
    EXPECT_EQ(migrateToScript("echo xenops-migration 1; echo accepted\n").status, 2);
    EXPECT_THAT(
        migrateToScript("echo xenops-migration 1; echo accepted; echo failed: no room; cat >/dev/null").err,
        HasSubstr("no room"));
    EXPECT_EQ(xenops({"migrate", "mover", "-oProxyCommand=x"}).status, 1);
    Command option = command(XENOPS, {"migrate"});
    option.arguments.insert(option.arguments.end(), {"--", "mover", "-oProxyCommand=x"});
    EXPECT_THAT(run(option).err, HasSubstr("would be an option of ssh"));
    expectItGoesOnHere("no receiver");
}

TEST_F(XenopsMigration, aDomainThatMayRunThereDoesNotGoOnHere) {
    const Result unknown = migrateToScript(
        "echo xenops-migration 1; echo accepted; echo restored; echo nonsense; exec cat >/dev/null\n");
    EXPECT_EQ(unknown.status, 2);
    EXPECT_THAT(unknown.err, AllOf(HasSubstr("has not confirmed it"), HasSubstr("xenops resume")));
    EXPECT_THAT(xenops({"list", "mover"}).out, HasSubstr("---s--"));
    EXPECT_EQ(xenops({"resume", "mover"}).status, 0);
    expectItGoesOnHere("resumed");
    EXPECT_THAT(xenops({"resume", "mover"}).err, HasSubstr("not suspended"));
}

// All of a domain but the word that it is to run.
TEST_F(XenopsMigration, aSenderThatGoesLeavesNothing) {
    const std::string saved = emulator->directory() + "/mover.saved";
    ASSERT_EQ(xenops({"chkpoint", "mover", saved}).status, 0);
    const std::string data = readFile(saved);
    std::filesystem::remove(saved);
    const auto frames = xb::xenops::frameHeader(data.size()) + data;
    for (const std::string& sent :
         {std::string(), frames.substr(0, 60), frames, frames + xb::xenops::frameHeader(0),
          frames + xb::xenops::frameHeader(0) + xb::xenops::frameHeader(2) + "no"}) {
        std::array<int, 2> ends{};
        ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        UniqueFd reader(ends[0]);
        UniqueFd writer(ends[1]);
        writeAll(writer.get(), sent, "a pipe");
        writer.reset();
        Command what = command(XENOPS, {"migrate-receive", "-config", rules}, there->directory());
        what.descriptors = {{reader.get(), 0}};
        const Result received = run(what);
        EXPECT_EQ(received.status, 2);
        EXPECT_THAT(received.out, AllOf(HasSubstr("xenops-migration 1\n"), HasSubstr("failed: the sender ")));
        EXPECT_EQ(othersThere({"list", "mover"}).status, 2) << sent.size();
    }
}

} // namespace
} // namespace xb::test
