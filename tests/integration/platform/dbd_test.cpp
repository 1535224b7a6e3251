// SPDX-License-Identifier: Apache-2.0
// The real dbd on a bus: what reaches the disk and when, who hears of changes, and what becomes of it all
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

TEST_F(DbdIntegration, CreationAndDeletionOfAVmAreOnDiskBeforeTheAnswer) {
    platform.await(platform.db().inject(vmNode, R"({"name":"web"})"));
    EXPECT_THAT(readFile(platform.root() / vmFile), HasSubstr("\"web\""));
    Platform::kill(platform.dbd());
    platform.startDbd();
    EXPECT_EQ(platform.await(platform.db().read(std::string(vmNode) + "/name")), "web");
    platform.await(platform.db().rm(vmNode));
    EXPECT_FALSE(std::filesystem::exists(platform.root() / vmFile));
}

TEST_F(DbdIntegration, AnOrdinaryEndSavesEverything) {
    platform.await(platform.db().write("/a/b", "c"));
    restart(SIGTERM);
    EXPECT_EQ(platform.await(platform.db().read("/a/b")), "c");
}

TEST_F(DbdIntegration, SyncPutsEverythingOnDisk) {
    platform.await(platform.db().write("/a/b", "synced"));
    platform.await(extension(platform.bus()).sync());
    EXPECT_THAT(readFile(platform.root() / "config/db"), HasSubstr("synced"));
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
    writeFileAtomically(platform.root() / vmFile, R"({"name":"edited"})");
    Bus other(platform.loop(), platform.address());
    bool told = false;
    auto subscription = extension(other).onChanged([&](std::vector<std::string>) { told = true; });
    platform.await(extension(other).watch("/vm"));
    platform.dbd().signal(SIGHUP);
    EXPECT_TRUE(platform.waitFor([&] { return told; }));
    EXPECT_EQ(platform.await(platform.db().read(std::string(vmNode) + "/name")), "edited");
}

TEST_F(DbdIntegration, ABadVmFileIsReportedAndTheRestServed) {
    platform.await(platform.db().inject(vmNode, R"({"name":"web"})"));
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
    EXPECT_THAT(second.messages(), HasSubstr("com.citrix.xenclient.db is taken"));
}

TEST_F(DbdIntegration, WithoutABusItSaysSo) {
    Process lost(platform.root(), "lost",
                 {DBD, "--bus", "unix:path=/no/such/bus", "--root", platform.root(), "--log-to", "stderr"});
    EXPECT_EQ(lost.waitEnd(), 1);
    EXPECT_THAT(lost.messages(), HasSubstr("cannot connect to the bus at unix:path=/no/such/bus"));
}

} // namespace
} // namespace xb::test
