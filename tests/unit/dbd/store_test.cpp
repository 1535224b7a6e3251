// SPDX-License-Identifier: Apache-2.0
// The tree and its files: layout, start, saving, and what happens to files that are bad, edited or gone.
#include "dbd/store.hpp"

#include "fault_file_system.hpp"
#include "toolstack/libs/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include <sys/stat.h>
#include <unistd.h>

namespace xb::dbd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Names = std::vector<std::string>;

class StoreTest : public testing::Test {
protected:
    /// Starts over from the files, as a new process would.
    void start() {
        store = std::make_unique<Store>(fs, dir.path());
        problems = store->load();
    }
    std::string startError() {
        try {
            start();
        } catch (const Error& error) {
            return error.what();
        }
        return {};
    }
    void save() { problems = store->saveNow(); }
    std::string read(const char* path) const { return store->tree().read(path); }
    std::string allProblems() const {
        std::string text;
        for (const Problem& problem : problems)
            text += problem.message() + "\n";
        return text;
    }
    void startWith(std::string_view db) {
        dir.put("db", db);
        start();
        ASSERT_EQ(allProblems(), "");
    }

    TemporaryDirectory dir;
    FaultFileSystem fs;
    std::unique_ptr<Store> store;
    std::vector<Problem> problems;
};

TEST_F(StoreTest, AMissingDbIsTheDefaultTree) {
    start();
    EXPECT_THAT(allProblems(), HasSubstr("does not exist; starting with the default tree"));
    EXPECT_EQ(read("/db-version"), "42");
    EXPECT_EQ(read("/touchpad/speed"), "5");
    EXPECT_EQ(read("/power-management/battery-lid-close-action"), "sleep");
    EXPECT_EQ(store->tree().dump("/xenmgr/showMsgOnVmStart"), "true\n");
    EXPECT_EQ(store->dirtyFiles(), 1U);
    save();
    EXPECT_EQ(allProblems(), "");
    EXPECT_TRUE(dir.has("db"));
    start();
    EXPECT_EQ(allProblems(), "");
    EXPECT_EQ(store->dirtyFiles(), 0U);
}

TEST_F(StoreTest, AMissingDirectoryIsMade) {
    store = std::make_unique<Store>(fs, dir.path() + "/a/b");
    store->load();
    store->write("/vm/x/name", "web");
    EXPECT_THAT(store->saveNow(), IsEmpty());
    EXPECT_EQ(dir.get("a/b/vms/x.db"), "{\n  \"name\": \"web\"\n}\n");
}

TEST_F(StoreTest, BlankDbIsAnEmptyTree) {
    startWith(" \n");
    EXPECT_EQ(store->tree().dump("/"), "{ }\n");
}

TEST_F(StoreTest, FilesHoldWhatTheyShould) {
    startWith("{}");
    store->write("/k", "v/w");
    store->write("/vm/x/name", "web");
    store->inject("/dom-store/y", R"({"n":1.50,"e":null})");
    save();
    EXPECT_EQ(dir.get("db"), "{\n  \"k\": \"v\\/w\"\n}\n");
    EXPECT_EQ(dir.get("vms/x.db"), "{\n  \"name\": \"web\"\n}\n");
    EXPECT_EQ(dir.get("dom-store/y.db"), "{\n  \"n\": 1.50,\n  \"e\": null\n}\n");
    struct stat raw {};
    ASSERT_EQ(::stat((dir.path() + "/vms/x.db").c_str(), &raw), 0);
    EXPECT_EQ(raw.st_mode & 07777U, 0644U);
    EXPECT_EQ(store->dirtyFiles(), 0U);
    start();
    EXPECT_EQ(allProblems(), "");
    EXPECT_EQ(read("/vm/x/name"), "web");
    EXPECT_EQ(read("/dom-store/y/n"), "1.500000");
}

TEST_F(StoreTest, OneWriteIsOneFile) {
    dir.put("vms/a.db", R"({"n":"1"})");
    dir.put("vms/b.db", R"({"n":"1"})");
    startWith("{}");
    store->write("/vm/b/n", "2");
    const std::size_t before = fs.creations();
    save();
    EXPECT_EQ(fs.creations(), before + 1);
    EXPECT_EQ(dir.get("vms/a.db"), R"({"n":"1"})");
    store->write("/vm/b/n", "2"); // the same again changes nothing
    EXPECT_EQ(store->dirtyFiles(), 0U);
}

TEST_F(StoreTest, OrderAndChildrenOfASampleFile) {
    dir.put("vms/6b7c.db", R"({ "type": "svm", "name": "web", "policies": { "cd-access": "true" },
      "config": { "kernel": "\/boot\/guest", "disk": { "0": { "path": "\/storage\/disks\/web.raw" } } },
      "rpc-firewall-rules": { "0": "allow destination com.citrix.xenclient.xenmgr" } })");
    startWith("{}");
    EXPECT_EQ(store->tree().list("/vm"), Names{"6b7c"});
    EXPECT_EQ(store->tree().list("/vm/6b7c"),
              (Names{"type", "name", "policies", "config", "rpc-firewall-rules"}));
    EXPECT_EQ(read("/vm/6b7c/config/disk/0/path"), "/storage/disks/web.raw");
}

// Mended: the ancestor left the files, and the VMs came back.
TEST_F(StoreTest, RmOfVmReachesTheDisk) {
    dir.put("vms/a.db", "{\"n\":\"1\"}");
    dir.put("vms/b.db", "{\"n\":\"1\"}");
    dir.put("dom-store/c.db", "{\"n\":\"1\"}");
    startWith("{\"k\":\"v\"}");
    const Effect effect = store->rm("/vm");
    EXPECT_THAT(effect.lifecycle, ElementsAre("vm/a", "vm/b"));
    save();
    EXPECT_FALSE(dir.has("vms/a.db"));
    EXPECT_FALSE(dir.has("vms/b.db"));
    EXPECT_TRUE(dir.has("dom-store/c.db"));
    store->rm("/dom-store");
    save();
    EXPECT_FALSE(dir.has("dom-store/c.db"));
    start();
    EXPECT_EQ(store->tree().dump("/"), "{\n  \"k\": \"v\"\n}\n");
}

TEST_F(StoreTest, RmOfTheRootReachesTheDisk) {
    dir.put("vms/a.db", "{\"n\":\"1\"}");
    startWith("{\"k\":\"v\"}");
    store->rm("/");
    save();
    start();
    EXPECT_EQ(store->tree().dump("/"), "{ }\n");
}

TEST_F(StoreTest, ChildlessAreasAreKeptInDb) {
    startWith("{}");
    store->inject("/vm", "{}");
    store->inject("/dom-store", "\"text\"");
    save();
    start();
    EXPECT_TRUE(store->tree().exists("/vm"));
    EXPECT_EQ(read("/dom-store"), "text");
    store->write("/vm/a/n", "1");
    save();
    store->rm("/vm/a");
    save();
    start();
    EXPECT_FALSE(store->tree().exists("/vm"));
}

TEST_F(StoreTest, CreationAndDeletionOfVmsAreNamed) {
    startWith("{}");
    EXPECT_THAT(store->write("/vm/x/name", "a").lifecycle, ElementsAre("vm/x"));
    EXPECT_FALSE(store->isSaved("vm/x"));
    EXPECT_THAT(store->write("/k", "1").lifecycle, IsEmpty());
    EXPECT_THAT(store->write("/dom-store/y/k", "1").lifecycle, IsEmpty());
    std::vector<FileImage> images = store->takeRecords({"vm/x"});
    ASSERT_EQ(images.size(), 1U);
    EXPECT_TRUE(store->busy());
    EXPECT_THAT(store->takeDirty(), IsEmpty()); // one job at a time
    store->completed(writeImages(fs, dir.path(), std::move(images)));
    EXPECT_TRUE(store->isSaved("vm/x"));
    EXPECT_TRUE(dir.has("vms/x.db"));
    EXPECT_FALSE(dir.has("dom-store/y.db"));
    EXPECT_EQ(store->dirtyFiles(), 2U);
    EXPECT_THAT(store->write("/vm/x/name", "b").lifecycle, IsEmpty());
    EXPECT_THAT(store->rm("/vm/x/name").lifecycle, ElementsAre("vm/x")); // its last child
    EXPECT_THAT(store->inject("/vm", R"({"p":{},"q":{}})").lifecycle, ElementsAre("vm/p", "vm/q", "vm/x"));
}

TEST_F(StoreTest, ChangesWhileAFileIsBeingWrittenAreNotLost) {
    startWith("{}");
    store->write("/vm/x/n", "1");
    std::vector<FileImage> images = store->takeDirty();
    store->write("/vm/x/n", "2");
    store->completed(writeImages(fs, dir.path(), std::move(images)));
    EXPECT_EQ(dir.get("vms/x.db"), "{\n  \"n\": \"1\"\n}\n");
    EXPECT_EQ(store->dirtyFiles(), 1U);
    EXPECT_FALSE(store->isSaved("vm/x"));
    images = store->takeDirty();
    store->rm("/vm/x"); // while it is written
    store->completed(writeImages(fs, dir.path(), std::move(images)));
    save();
    EXPECT_FALSE(dir.has("vms/x.db"));
    EXPECT_EQ(store->dirtyFiles(), 0U);
}

TEST_F(StoreTest, WorkCanBeTakenInSlices) {
    startWith("{}");
    for (int i = 0; i < 10; ++i)
        store->write("/vm/" + std::to_string(i) + "/n", std::string(100, 'v'));
    store->write("/k", "v");
    std::size_t slices = 0;
    for (std::vector<FileImage> images; !(images = store->takeDirty(200)).empty(); ++slices) {
        EXPECT_LE(images.size(), 2U);
        store->completed(writeImages(fs, dir.path(), std::move(images)));
    }
    EXPECT_EQ(slices, 6U);
    EXPECT_EQ(store->dirtyFiles(), 0U);
}

TEST_F(StoreTest, ListenerHearsChangesAndReloads) {
    startWith("{\"k\":\"v\"}");
    Names heard;
    store->setListener([&heard](std::string_view path) { heard.emplace_back(path); });
    store->write("/vm/x/n", "1");
    store->rm("/k");
    EXPECT_EQ(heard, (Names{"/vm/x/n", "/k"}));
    save();
    heard.clear();
    dir.put("vms/x.db", R"({"n":"22"})");
    EXPECT_THAT(store->reloadNow(), IsEmpty());
    EXPECT_EQ(heard, Names{"/vm/x"});
    EXPECT_EQ(store->dirtyFiles(), 0U);
}

// ---- Bad files
// -----------------------------------------------------------------------------------------------------

TEST_F(StoreTest, ABadDbIsNoStart) {
    dir.put("db", "{\n  \"a\": 1,\n  \"a\": 2\n}");
    EXPECT_THAT(startError(), HasSubstr(dir.path() + "/db:3: column "));
    EXPECT_THAT(startError(), HasSubstr("duplicate key \"a\""));
    dir.put("db", "{");
    EXPECT_THAT(startError(), HasSubstr("/db:1:"));
    std::filesystem::remove(dir.path() + "/db");
    std::filesystem::create_directory(dir.path() + "/db");
    EXPECT_THAT(startError(), HasSubstr("/db: is not a regular file"));
}

TEST_F(StoreTest, AnUnreadableDbIsNoStart) {
    dir.put("db", "{}");
    fs.unreadable = "/db";
    EXPECT_THAT(startError(), HasSubstr("/db: cannot be read: Permission denied"));
}

TEST_F(StoreTest, ADbOfALaterVersionIsNoStart) {
    for (const char* good : {R"({"db-version":"42"})", R"({"db-version":9})", "{}"}) {
        dir.put("db", good);
        EXPECT_EQ(startError(), "") << good;
    }
    dir.put("db", R"({"db-version":"43"})");
    EXPECT_THAT(startError(), HasSubstr("db-version is 43, this dbd understands up to 42"));
    dir.put("db", R"({"db-version":"99999999999999999999999"})");
    EXPECT_NE(startError(), "");
    dir.put("db", R"({"db-version":"new"})");
    EXPECT_THAT(startError(), HasSubstr("not a number"));
}

TEST_F(StoreTest, ABadVmFileIsLeftAloneAndTheRestIsServed) {
    const std::string bad = "{\n  \"name\": \"web\",\n  \"x\"\n}";
    dir.put("vms/bad.db", bad);
    dir.put("vms/empty.db", "");
    dir.put("vms/deep.db", std::string(100'000, '['));
    dir.put("vms/utf8.db", "{\"a\":\"\xFF\"}");
    dir.put("vms/nul.db", std::string_view("{\"a\":1}\0", 8));
    dir.put("vms/good.db", R"({"n":"1"})");
    dir.put("db", "{}");
    start();
    EXPECT_THAT(allProblems(), HasSubstr("/vms/bad.db:4: column 1: "));
    EXPECT_EQ(store->quarantined().size(), 5U);
    EXPECT_EQ(store->tree().list("/vm"), Names{"good"});
    EXPECT_THROW(store->write("/vm/bad/name", "x"), Error);
    EXPECT_THROW(store->inject("/vm/bad", "{}"), Error);
    EXPECT_THROW(store->inject("/vm", R"({"bad":{}})"), Error);
    EXPECT_THROW(store->inject("/", R"({"vm":{"bad":{}}})"), Error);
    store->rm("/vm/bad");
    store->rm("/");
    save();
    EXPECT_EQ(dir.get("vms/bad.db"), bad);
    EXPECT_FALSE(dir.has("vms/good.db"));
    dir.put("vms/bad.db", R"({"name":"mended"})");
    EXPECT_EQ(store->reloadNow().size(), 4U); // the others are still bad
    EXPECT_EQ(read("/vm/bad/name"), "mended");
    store->write("/vm/bad/name", "again");
    std::filesystem::remove(dir.path() + "/vms/nul.db");
    store->reloadNow();
    store->write("/vm/nul/name", "new");
    save();
    EXPECT_EQ(dir.get("vms/nul.db"), "{\n  \"name\": \"new\"\n}\n");
}

TEST_F(StoreTest, DirectoriesAndFifosInThePlaceOfFiles) {
    std::filesystem::create_directories(dir.path() + "/vms/dir.db");
    ASSERT_EQ(::mkfifo((dir.path() + "/vms/fifo.db").c_str(), 0644), 0);
    ASSERT_EQ(::mkfifo((dir.path() + "/vms/fifo").c_str(), 0644), 0);
    std::filesystem::create_directory_symlink(dir.path(), dir.path() + "/vms/loop");
    dir.put("vms/good.db", R"({"n":"1"})");
    dir.put("db", "{}");
    start();
    EXPECT_EQ(problems.size(), 4U) << allProblems();
    EXPECT_EQ(store->tree().list("/vm"), Names{"good"});
    EXPECT_THROW(store->write("/vm/dir/n", "1"), Error);
    EXPECT_THROW(store->write("/vm/fifo/n", "1"), Error);
}

TEST_F(StoreTest, AFileInThePlaceOfTheDirectory) {
    dir.put("vms", "not a directory");
    dir.put("db", "{}");
    start();
    EXPECT_THAT(allProblems(), HasSubstr("/vms: cannot be listed"));
    store->write("/vm/x/n", "1");
    store->write("/k", "1");
    save();
    EXPECT_THAT(allProblems(), HasSubstr("/vms/x.db: "));
    EXPECT_EQ(store->dirtyFiles(), 1U);
    EXPECT_EQ(dir.get("db"), "{\n  \"k\": \"1\"\n}\n");
}

TEST_F(StoreTest, AnUnreadableFileIsNeverOverwritten) {
    dir.put("vms/x.db", R"({"n":"1"})");
    dir.put("db", "{}");
    fs.unreadable = "/x.db";
    start();
    EXPECT_THAT(allProblems(), HasSubstr("/vms/x.db: cannot be read: Permission denied"));
    EXPECT_THROW(store->write("/vm/x/n", "2"), Error);
    fs.unreadable.clear();
    store->reloadNow();
    EXPECT_EQ(read("/vm/x/n"), "1");
}

/// Root may write anywhere: for a while, be somebody who may not.
class AsOrdinaryUser {
public:
    explicit AsOrdinaryUser(const std::string& directory) {
        if (::geteuid() != 0)
            return;
        constexpr uid_t nobody = 65534;
        if (::chown(directory.c_str(), nobody, nobody) != 0 || ::seteuid(nobody) != 0)
            throw std::system_error(errno, std::generic_category(), "becoming an ordinary user");
        changed_ = true;
    }
    ~AsOrdinaryUser() {
        if (changed_ && ::seteuid(0) != 0)
            std::abort();
    }
    AsOrdinaryUser(const AsOrdinaryUser&) = delete;
    AsOrdinaryUser& operator=(const AsOrdinaryUser&) = delete;

private:
    bool changed_ = false;
};

TEST_F(StoreTest, AReadOnlyDirectory) {
    startWith("{}");
    const AsOrdinaryUser user(dir.path());
    std::filesystem::permissions(dir.path(),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    store->write("/k", "1");
    save();
    EXPECT_THAT(allProblems(), HasSubstr("/db: cannot create " + dir.path() + "/db.tmp: Permission denied"));
    EXPECT_EQ(store->dirtyFiles(), 1U);
    std::filesystem::permissions(dir.path(), std::filesystem::perms::owner_all);
    save();
    EXPECT_EQ(allProblems(), "");
    EXPECT_EQ(dir.get("db"), "{\n  \"k\": \"1\"\n}\n");
}

TEST_F(StoreTest, AnUnreadableDirectoryIsReportedAndTheRestServed) {
    dir.put("vms/x.db", R"({"n":"1"})");
    dir.put("db", R"({"k":"1"})");
    std::filesystem::permissions(dir.path() + "/vms", std::filesystem::perms::none);
    {
        const AsOrdinaryUser user(dir.path());
        start();
    }
    EXPECT_THAT(allProblems(),
                HasSubstr("/vms: cannot be listed, what it holds is missing: Permission denied"));
    EXPECT_EQ(read("/k"), "1");
    std::filesystem::permissions(dir.path() + "/vms", std::filesystem::perms::owner_all);
    EXPECT_THAT(store->reloadNow(), IsEmpty());
    EXPECT_EQ(read("/vm/x/n"), "1");
    std::filesystem::permissions(dir.path() + "/vms", std::filesystem::perms::none);
    {
        const AsOrdinaryUser user(dir.path());
        store->reloadNow();
    }
    EXPECT_EQ(read("/vm/x/n"), "1"); // not taken for deleted
    std::filesystem::permissions(dir.path() + "/vms", std::filesystem::perms::owner_all);
}

TEST_F(StoreTest, NamesThatAreTooLongForAFile) {
    startWith("{}");
    const std::string fits(maxFileChildName, 'n');
    EXPECT_THROW(store->write("/vm/" + fits + "x/k", "1"), Error);
    EXPECT_THROW(store->inject("/vm", "{\"" + fits + "x\":{}}"), Error);
    store->write("/vm/" + fits + "/k", "1");
    store->write("/vm/../k", "2"); // just a name
    save();
    EXPECT_EQ(allProblems(), "");
    start();
    EXPECT_EQ(read(("/vm/" + fits + "/k").c_str()), "1");
    EXPECT_EQ(read("/vm/../k"), "2");
}

TEST_F(StoreTest, OddFileNamesAreReported) {
    dir.put("db", "{}");
    dir.put("vms/.db", "{}");
    dir.put("vms/a\xFF.db", "{}");
    start();
    EXPECT_EQ(problems.size(), 2U) << allProblems();
}

// ---- Left-over temporaries
// -----------------------------------------------------------------------------------------

// Mended: the ancestor's recovery failed.
TEST_F(StoreTest, ALeftOverTemporaryIsRecovered) {
    dir.put("db.tmp", "{\"k\":\"v\"}\n");
    dir.put("vms/x.db.tmp", "{\"n\":\"1\"}\n");
    start();
    EXPECT_THAT(allProblems(), HasSubstr("/db: was missing; it was recovered from"));
    EXPECT_THAT(allProblems(), HasSubstr("/vms/x.db: was missing; it was recovered from"));
    EXPECT_EQ(read("/k"), "v");
    EXPECT_EQ(read("/vm/x/n"), "1");
    EXPECT_TRUE(dir.has("db"));
    EXPECT_FALSE(dir.has("db.tmp"));
    EXPECT_TRUE(dir.has("vms/x.db"));
    EXPECT_EQ(store->dirtyFiles(), 0U);
}

TEST_F(StoreTest, AStaleTemporaryIsRemoved) {
    dir.put("db", "{\"k\":\"new\"}");
    dir.put("db.tmp", "{\"k\":\"old\"}\n");
    dir.put("vms/x.db", "{\"n\":\"1\"}");
    dir.put("vms/x.db.tmp", "{\"n\":");
    start();
    EXPECT_EQ(allProblems(), "");
    EXPECT_EQ(read("/k"), "new");
    EXPECT_EQ(read("/vm/x/n"), "1");
    EXPECT_FALSE(dir.has("db.tmp"));
    EXPECT_FALSE(dir.has("vms/x.db.tmp"));
}

TEST_F(StoreTest, ATornTemporaryIsSetAside) {
    dir.put("db", "{}");
    dir.put("vms/x.db.tmp", "{\"n\":\"1\",");
    dir.put("vms/y.db.tmp", "12"); // parses, but its end is missing
    start();
    EXPECT_EQ(problems.size(), 2U) << allProblems();
    EXPECT_FALSE(store->tree().exists("/vm"));
    EXPECT_EQ(dir.get("set-aside/vms_x.db.tmp.1"), "{\"n\":\"1\",");
    store->write("/vm/x/n", "2");
    save();
    EXPECT_EQ(allProblems(), "");
}

TEST_F(StoreTest, RecoveryOnAReadOnlyDiskServesTheContent) {
    dir.put("db", "{}");
    dir.put("vms/x.db.tmp", "{\"n\":\"1\"}\n");
    fs.arm(FaultFileSystem::Fault::Fail, 1, EROFS, true);
    start();
    EXPECT_THAT(allProblems(), HasSubstr("Read-only file system"));
    EXPECT_EQ(read("/vm/x/n"), "1");
    save();
    EXPECT_EQ(store->dirtyFiles(), 1U);
    fs.disarm();
    save();
    EXPECT_EQ(dir.get("vms/x.db"), "{\n  \"n\": \"1\"\n}\n");
}

// ---- db with children of /vm
// ---------------------------------------------------------------------------------------

TEST_F(StoreTest, ChildrenOfVmInDbMoveToTheirOwnFiles) {
    dir.put("vms/b.db", R"({"n":"file"})");
    dir.put("db", R"({"vm":{"a":{"n":"1"},"b":{"n":"db"}},"k":"v"})");
    start();
    EXPECT_THAT(allProblems(), HasSubstr("holds /vm/b too"));
    EXPECT_EQ(read("/vm/b/n"), "file");
    save();
    EXPECT_EQ(dir.get("vms/a.db"), "{\n  \"n\": \"1\"\n}\n");
    EXPECT_EQ(dir.get("db"), "{\n  \"k\": \"v\"\n}\n");
    EXPECT_THAT(dir.get("set-aside/db.1"), HasSubstr("\"n\":\"db\"")); // what lost is not gone
    start();
    EXPECT_EQ(allProblems(), "");
    EXPECT_EQ(read("/vm/a/n"), "1");
}

TEST_F(StoreTest, DbKeepsWhatCouldNotMove) {
    dir.put("db", R"({"vm":{"a":{"n":"1"}}})");
    start();
    fs.arm(FaultFileSystem::Fault::Fail, 1, ENOSPC);
    save();
    EXPECT_EQ(store->dirtyFiles(), 2U);
    EXPECT_EQ(dir.get("db"), R"({"vm":{"a":{"n":"1"}}})");
    fs.disarm();
    save();
    EXPECT_EQ(allProblems(), "");
    EXPECT_EQ(dir.get("db"), "{ }\n");
    EXPECT_EQ(dir.get("vms/a.db"), "{\n  \"n\": \"1\"\n}\n");
}

TEST_F(StoreTest, DbServesWhatItsBadFileCannot) {
    dir.put("db", R"({"vm":{"a":{"n":"1"}}})");
    dir.put("vms/a.db", "{");
    start();
    EXPECT_EQ(read("/vm/a/n"), "1");
    save();
    EXPECT_EQ(dir.get("set-aside/vms_a.db.1"), "{");
    start();
    EXPECT_EQ(read("/vm/a/n"), "1");
}

// ---- Binary nodes and sub-directories
// ------------------------------------------------------------------------------

TEST_F(StoreTest, OtherFilesAreBinaryNodes) {
    dir.put("dom-store/u/blob", "bytes");
    dir.put("dom-store/u/deep/er/blob2", "bytes");
    dir.put("dom-store/u.db", R"({"k":"1"})");
    dir.put("vms/image", "bytes");
    std::filesystem::create_directory(dir.path() + "/dom-store/hollow");
    startWith("{}");
    EXPECT_EQ(read("/dom-store/u/blob"), "file:" + dir.path() + "/dom-store/u/blob");
    EXPECT_EQ(store->tree().binaryPath("/dom-store/u/deep/er/blob2"),
              dir.path() + "/dom-store/u/deep/er/blob2");
    EXPECT_EQ(read("/dom-store/u/k"), "1");
    EXPECT_TRUE(store->tree().exists("/vm/image"));
    EXPECT_TRUE(store->tree().exists("/dom-store/hollow"));
    EXPECT_EQ(store->dirtyFiles(), 0U);
    store->write("/dom-store/u/k", "2");
    store->write("/dom-store/u/deep/l", "3");
    save();
    EXPECT_EQ(allProblems(), "");
    EXPECT_EQ(dir.get("dom-store/u.db"),
              "{\n  \"k\": \"2\",\n  \"deep\": {\n    \"er\": { },\n    \"l\": \"3\"\n  }\n}\n");
    start();
    EXPECT_EQ(allProblems(), "");
    EXPECT_EQ(read("/dom-store/u/deep/l"), "3");
    EXPECT_TRUE(store->tree().exists("/dom-store/u/deep/er/blob2"));
    store->rm("/dom-store/u");
    save();
    EXPECT_FALSE(dir.has("dom-store/u.db"));
    EXPECT_TRUE(dir.has("dom-store/u/blob")); // drops out of memory only
}

TEST_F(StoreTest, ABinaryFileWhoseNodeHasAValueIsReported) {
    dir.put("dom-store/u", "bytes");
    dir.put("dom-store/u.db", "{}");
    dir.put("db", "{}");
    start();
    EXPECT_THAT(allProblems(), HasSubstr("/dom-store/u: is not served"));
}

TEST_F(StoreTest, RecordsInSubDirectoriesBecomePartOfTheOneAbove) {
    dir.put("dom-store/u/foo.db", R"({"n":"1"})");
    dir.put("dom-store/u/bar.db", R"({"n":"2"})");
    dir.put("dom-store/u/blob", "bytes");
    startWith("{}");
    EXPECT_EQ(read("/dom-store/u/foo/n"), "1");
    EXPECT_EQ(read("/dom-store/u/bar/n"), "2");
    store->rm("/dom-store/u/foo");
    save();
    EXPECT_TRUE(dir.has("dom-store/u.db"));
    EXPECT_FALSE(dir.has("dom-store/u/foo.db"));
    EXPECT_EQ(dir.get("set-aside/dom-store_u_foo.db.1"), R"({"n":"1"})");
    start();
    EXPECT_FALSE(store->tree().exists("/dom-store/u/foo"));
    EXPECT_EQ(read("/dom-store/u/bar/n"), "2");
    EXPECT_TRUE(store->tree().exists("/dom-store/u/blob"));
}

// ---- Hand edits
// ----------------------------------------------------------------------------------------------------

TEST_F(StoreTest, ReloadTakesEditsOfUnchangedFiles) {
    dir.put("vms/a.db", R"({"n":"1"})");
    dir.put("vms/b.db", R"({"n":"1"})");
    startWith(R"({"k":"1","l":{"m":"1"}})");
    dir.put("vms/a.db", R"({"n":"edited"})");
    dir.put("vms/c.db", R"({"n":"new"})");
    std::filesystem::remove(dir.path() + "/vms/b.db");
    dir.put("db", R"({"k":"edited","x":"new"})");
    dir.put("dom-store/blob", "bytes");
    EXPECT_THAT(store->reloadNow(), IsEmpty());
    EXPECT_EQ(read("/vm/a/n"), "edited");
    EXPECT_EQ(read("/vm/c/n"), "new");
    EXPECT_FALSE(store->tree().exists("/vm/b"));
    EXPECT_EQ(read("/k"), "edited");
    EXPECT_EQ(read("/x"), "new");
    EXPECT_FALSE(store->tree().exists("/l"));
    EXPECT_TRUE(store->tree().exists("/dom-store/blob"));
    EXPECT_EQ(store->dirtyFiles(), 0U);
    std::filesystem::remove(dir.path() + "/dom-store/blob");
    EXPECT_THAT(store->reloadNow(), IsEmpty());
    EXPECT_FALSE(store->tree().exists("/dom-store"));
}

TEST_F(StoreTest, ReloadKeepsUnsavedChangesAndTheEdit) {
    dir.put("vms/a.db", R"({"n":"1"})");
    startWith(R"({"k":"1"})");
    store->write("/vm/a/n", "mine");
    store->write("/k", "mine");
    dir.put("vms/a.db", R"({"n":"theirs"})");
    dir.put("db", R"({"k":"theirs"})");
    problems = store->reloadNow();
    EXPECT_EQ(problems.size(), 2U) << allProblems();
    EXPECT_THAT(allProblems(), HasSubstr("/vms/a.db: was changed while dbd has unsaved changes"));
    EXPECT_EQ(read("/vm/a/n"), "mine");
    EXPECT_EQ(read("/k"), "mine");
    save();
    EXPECT_EQ(problems.size(), 2U) << allProblems();
    EXPECT_EQ(dir.get("vms/a.db"), "{\n  \"n\": \"mine\"\n}\n");
    EXPECT_EQ(dir.get("set-aside/vms_a.db.1"), R"({"n":"theirs"})");
    EXPECT_EQ(dir.get("set-aside/db.1"), R"({"k":"theirs"})");
}

TEST_F(StoreTest, AnEditThatNobodyToldUsAboutIsSetAsideByTheSave) {
    startWith("{}");
    store->write("/vm/a/n", "1");
    save();
    dir.put("vms/a.db", R"({"n":"theirs 1"})");
    store->write("/vm/a/n", "2");
    save();
    EXPECT_THAT(allProblems(), HasSubstr("/vms/a.db: was changed by somebody else"));
    dir.put("vms/a.db", R"({"n":"theirs 2"})");
    store->rm("/vm/a");
    save();
    EXPECT_FALSE(dir.has("vms/a.db"));
    EXPECT_EQ(dir.get("set-aside/vms_a.db.1"), R"({"n":"theirs 1"})");
    EXPECT_EQ(dir.get("set-aside/vms_a.db.2"), R"({"n":"theirs 2"})");
}

TEST_F(StoreTest, ATouchedFileIsNoEdit) {
    startWith("{}");
    store->write("/vm/a/n", "1");
    save();
    dir.put("vms/a.db", dir.get("vms/a.db"));
    store->write("/vm/a/n", "2");
    save();
    EXPECT_EQ(allProblems(), "");
    EXPECT_FALSE(dir.has("set-aside"));
}

TEST_F(StoreTest, ABadEditLeavesMemoryAsItWas) {
    dir.put("vms/a.db", R"({"n":"1"})");
    startWith(R"({"k":"1"})");
    dir.put("vms/a.db", "{\n\"n\":");
    dir.put("vms/b.db", "{");
    dir.put("db", R"({"db-version":"50"})");
    problems = store->reloadNow();
    EXPECT_THAT(allProblems(), HasSubstr("/vms/a.db:2: "));
    EXPECT_THAT(allProblems(), HasSubstr("/vms/b.db:1: "));
    EXPECT_THAT(allProblems(), HasSubstr("db-version is 50"));
    EXPECT_EQ(read("/vm/a/n"), "1");
    EXPECT_EQ(read("/k"), "1");
    EXPECT_THROW(store->write("/vm/b/n", "1"), Error);
    store->write("/vm/a/n", "2");
    save();
    EXPECT_EQ(dir.get("set-aside/vms_a.db.1"), "{\n\"n\":");
}

TEST_F(StoreTest, FilesThatVanishWithUnsavedChangesComeBack) {
    dir.put("vms/a.db", R"({"n":"1"})");
    startWith(R"({"k":"1"})");
    store->write("/vm/a/n", "2");
    std::filesystem::remove(dir.path() + "/vms/a.db");
    std::filesystem::remove(dir.path() + "/db");
    problems = store->reloadNow();
    EXPECT_EQ(problems.size(), 2U) << allProblems();
    save();
    EXPECT_EQ(dir.get("vms/a.db"), "{\n  \"n\": \"2\"\n}\n");
    EXPECT_EQ(dir.get("db"), "{\n  \"k\": \"1\"\n}\n");
}

TEST_F(StoreTest, VmsWrittenIntoDbByHandAreTakenOver) {
    dir.put("vms/a.db", R"({"n":"1"})");
    startWith("{}");
    dir.put("db", R"({"vm":{"a":{"n":"db"},"b":{"n":"2"}}})");
    EXPECT_EQ(store->reloadNow().size(), 1U);
    EXPECT_EQ(read("/vm/a/n"), "1");
    EXPECT_EQ(read("/vm/b/n"), "2");
    save();
    EXPECT_THAT(dir.get("set-aside/db.1"), HasSubstr("\"n\":\"db\""));
    start();
    EXPECT_EQ(read("/vm/a/n"), "1");
    EXPECT_EQ(read("/vm/b/n"), "2");
    EXPECT_EQ(dir.get("db"), "{ }\n");
}

} // namespace
} // namespace xb::dbd
