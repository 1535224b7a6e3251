// SPDX-License-Identifier: Apache-2.0
// The real dbd on a bus: what survives it, who hears of changes, and what becomes of it all
// when it is killed, told to end, or told to read its files again.
#include "platform.hpp"

#include "idl/org_xenbroker_db_client.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace xb::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr auto vmFile = "config/vms/6b7c0000-aaaa-4bcd-9ef0-0123456789ab.db";
constexpr auto vmNode = "/vm/6b7c0000-aaaa-4bcd-9ef0-0123456789ab";

class DbdIntegration : public testing::Test {
protected:
    void restart(int signal) {
        platform.dbd().signal(signal);
        platform.dbd().waitEnd();
        platform.startDbd();
    }
    idl::org_xenbroker_db::DbClient extension(Bus& bus) {
        return idl::org_xenbroker_db::DbClient(bus, "com.citrix.xenclient.db", "/");
    }

    Platform platform;
};

TEST_F(DbdIntegration, AKillLosesNothingThatWasAnswered) {
    const std::string vm = vmNode;
    platform.await(platform.db().write("/a/b", "before the first flush"));
    platform.await(platform.db().inject(vm, R"({"name":"web"})"));
    restart(SIGKILL);
    EXPECT_EQ(platform.await(platform.db().read("/a/b")), "before the first flush");
    EXPECT_EQ(platform.await(platform.db().read(vm + "/name")), "web");
    platform.await(platform.db().write(vm + "/name", "mail"));
    platform.await(platform.db().rm("/a"));
    restart(SIGKILL);
    EXPECT_EQ(platform.await(platform.db().read(vm + "/name")), "mail");
    EXPECT_FALSE(platform.await(platform.db().exists("/a")));
    platform.await(platform.db().rm(vm));
    restart(SIGKILL);
    EXPECT_FALSE(platform.await(platform.db().exists(vm)));
    restart(SIGTERM);
    for (const auto& entry : std::filesystem::directory_iterator(platform.root() / "config/journal"))
        EXPECT_EQ(entry.path().filename(), "lock");
    EXPECT_FALSE(std::filesystem::exists(platform.root() / "config/set-aside"));
}

TEST_F(DbdIntegration, AFileRestoredWhileItWasDeadWins) {
    const std::string vm = vmNode;
    platform.await(platform.db().inject(vm, R"({"name":"web"})"));
    restart(SIGTERM);
    platform.await(platform.db().write(vm + "/name", "mail"));
    platform.dbd().signal(SIGKILL);
    platform.dbd().waitEnd();
    writeFileAtomically(platform.root() / vmFile, R"({"name":"restored"})");
    platform.startDbd();
    EXPECT_EQ(platform.await(platform.db().read(vm + "/name")), "restored");
    EXPECT_THAT(platform.dbd().messages(), HasSubstr("was changed by somebody else"));
}

TEST_F(DbdIntegration, AnOrdinaryEndSavesEverything) {
    platform.await(platform.db().write("/a/b", "c"));
    restart(SIGTERM);
    EXPECT_EQ(platform.await(platform.db().read("/a/b")), "c");
}

TEST_F(DbdIntegration, SyncFindsEverythingInTheJournalOrTheFile) {
    platform.await(platform.db().write("/a/b", "synced"));
    platform.await(extension(platform.bus()).sync());
    platform.dbd().signal(SIGKILL); // nothing moves while we look
    platform.dbd().waitEnd();
    std::string disk = readFileIfThere(platform.root() / "config/db").value_or("");
    for (const auto& entry : std::filesystem::directory_iterator(platform.root() / "config/journal"))
        disk += readFile(entry.path());
    EXPECT_THAT(disk, HasSubstr("synced"));
}

TEST_F(DbdIntegration, WatchersHearOfOthersChangesBeforeTheMakerIsAnswered) {
    Bus other(platform.loop(), platform.address());
    std::vector<std::string> heard;
    auto subscription = extension(other).onChanged(
        [&](std::vector<std::string> paths) { heard.insert(heard.end(), paths.begin(), paths.end()); });
    platform.await(extension(other).watch("/a"));
    platform.await(platform.db().write("/b", "elsewhere"));
    platform.await(platform.db().write("/a//x/", "1"));
    // A call of the watcher made after the maker's answer is answered after the signal was delivered.
    EXPECT_EQ(platform.await(idl::db::DbClient(other, "com.citrix.xenclient.db", "/").read("/a/x")), "1");
    EXPECT_THAT(heard, ElementsAre("/a/x"));
    platform.await(idl::db::DbClient(other, "com.citrix.xenclient.db", "/").write("/a/own", "1"));
    platform.await(idl::db::DbClient(other, "com.citrix.xenclient.db", "/").read("/a/own"));
    EXPECT_EQ(heard.size(), 1U) << "the maker heard of his own change";
    platform.await(extension(other).unwatch("/a"));
    EXPECT_THROW(platform.await(extension(other).unwatch("/a")), Error);
}

TEST_F(DbdIntegration, HangUpReadsAHandEditAgain) {
    platform.await(platform.db().inject(vmNode, R"({"name":"web"})"));
    restart(SIGTERM);
    writeFileAtomically(platform.root() / vmFile, R"({"name":"edited"})");
    Bus other(platform.loop(), platform.address());
    bool told = false;
    auto subscription = extension(other).onChanged([&](std::vector<std::string>) { told = true; });
    platform.await(extension(other).watch("/vm"));
    platform.dbd().signal(SIGHUP);
    EXPECT_TRUE(platform.waitFor([&] { return told; }));
    EXPECT_EQ(platform.await(platform.db().read(std::string(vmNode) + "/name")), "edited");
}

TEST_F(DbdIntegration, AnEditedFileIsSetAsideWhichIsNoFailure) {
    platform.await(platform.db().inject(vmNode, R"({"name":"web"})"));
    restart(SIGTERM);
    writeFileAtomically(platform.root() / vmFile, R"({"name":"edited"})");
    platform.await(platform.db().write(std::string(vmNode) + "/name", "mail"));
    platform.dbd().signal(SIGTERM);
    EXPECT_EQ(platform.dbd().waitEnd(), 0);
    EXPECT_THAT(platform.dbd().messages(), HasSubstr("it was kept as"));
    EXPECT_THAT(platform.dbd().messages(), Not(HasSubstr(" error: ")));
    platform.startDbd();
    EXPECT_EQ(platform.await(platform.db().read(std::string(vmNode) + "/name")), "mail");
}

TEST_F(DbdIntegration, ABadVmFileIsReportedAndTheRestServed) {
    platform.await(platform.db().inject(vmNode, R"({"name":"web"})"));
    restart(SIGTERM);
    const auto bad = platform.root() / "config/vms/11111111-2222-4333-8444-555555555555.db";
    writeFileAtomically(bad, "{ \"name\": ");
    restart(SIGTERM);
    EXPECT_THAT(platform.dbd().messages(), HasSubstr("11111111-2222-4333-8444-555555555555.db:1"));
    EXPECT_EQ(platform.await(platform.db().read(std::string(vmNode) + "/name")), "web");
    EXPECT_EQ(readFile(bad), "{ \"name\": ") << "the file must be left as it is";
}

TEST_F(DbdIntegration, ASecondOneRefusesToRun) {
    Process second(platform.root(), "second",
                   {DBD, "--bus", platform.address(), "--root", platform.root(), "--log-to", "stderr"});
    EXPECT_EQ(second.waitEnd(), 1);
    EXPECT_THAT(second.messages(), HasSubstr("/config is in use by dbd, process "));
    Process elsewhere(platform.root(), "elsewhere",
                      {DBD, "--bus", platform.address(), "--root", platform.root(), "--directory", "/other",
                       "--log-to", "stderr"});
    EXPECT_EQ(elsewhere.waitEnd(), 1);
    EXPECT_THAT(elsewhere.messages(), HasSubstr("com.citrix.xenclient.db is taken"));
}

TEST_F(DbdIntegration, ItsDirectoryIsCheckedSettledAndRepaired) {
    const std::string config = platform.root() / "config";
    std::string said;
    int runs = 0;
    const auto run = [&](const char* what) {
        const std::string name = what + std::to_string(++runs); // messages of one name are in one file
        // What it prints goes where we can see it.
        Process tool(platform.root(), name,
                     {"/bin/sh", "-c", "exec \"$0\" \"$@\" 1>&2", DBD, what, config + "/"});
        const std::optional<int> status = tool.waitEnd();
        said = tool.messages();
        return status;
    };
    platform.await(platform.db().write("/a/b", "c"));
    EXPECT_EQ(run("--check"), 0) << said;
    EXPECT_THAT(said,
                HasSubstr("dbd, process " + std::to_string(platform.dbd().pid()) + ", runs on " + config));
    EXPECT_EQ(run("--settle"), 1);
    EXPECT_THAT(said,
                HasSubstr(config + " is in use by dbd, process " + std::to_string(platform.dbd().pid())));
    EXPECT_EQ(run("--repair"), 1);
    EXPECT_THAT(said, HasSubstr("is in use by dbd"));
    platform.await(platform.db().inject(vmNode, R"({"name":"web"})"));
    platform.dbd().signal(SIGKILL);
    platform.dbd().waitEnd();
    EXPECT_EQ(run("--settle"), 0) << said;
    EXPECT_THAT(readFile(platform.root() / vmFile), HasSubstr("web"));
    EXPECT_EQ(run("--check"), 0) << said;
    EXPECT_EQ(said, "");
    writeFileAtomically(platform.root() / vmFile, "{\n  \"name\": \"web\",\n  \"name\": \"mail\"\n}\n");
    EXPECT_EQ(run("--check"), 1);
    EXPECT_EQ(said, (platform.root() / vmFile).string() + ":3: column 9: duplicate key \"name\"; /" +
                        std::string(vmNode).substr(1) + " is not served and the file is left as it is\n");
    EXPECT_EQ(run("--repair"), 0) << said;
    EXPECT_THAT(said, HasSubstr("is mended; as it was it is kept as " + config + "/set-aside/vms_"));
    EXPECT_EQ(run("--check"), 0) << said;
    platform.startDbd();
    EXPECT_EQ(platform.await(platform.db().read(std::string(vmNode) + "/name")), "web");
}

TEST_F(DbdIntegration, WithoutABusItSaysSo) {
    Process lost(platform.root(), "lost",
                 {DBD, "--bus", "unix:path=/no/such/bus", "--root", platform.root(), "--log-to", "stderr"});
    EXPECT_EQ(lost.waitEnd(), 1);
    EXPECT_THAT(lost.messages(), HasSubstr("cannot connect to the bus at unix:path=/no/such/bus"));
}

} // namespace
} // namespace xb::test
