// SPDX-License-Identifier: Apache-2.0
// Files that are bad, left over, in the wrong place, edited by somebody or gone.
#include "store_fixture.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <unistd.h>

namespace xb::dbd {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Names = std::vector<std::string>;

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

TEST_F(StoreTest, AKeyThatIsThereTwiceIsNamedWithFileAndLine) {
    dir.put("vms/x.db", "{\n  \"a\": \"1\",\n  \"in\": {\n    \"b\": \"1\",\n    \"b\": \"2\"\n  }\n}\n");
    dir.put("db", "{}");
    start();
    EXPECT_THAT(allProblems(), HasSubstr(dir.path() + "/vms/x.db:5: column 8: duplicate key \"b\""));
    EXPECT_FALSE(store->tree().exists("/vm/x"));
}

TEST_F(StoreTest, NothingButJsonReachesAFile) {
    startWith("{}");
    for (const char* bad :
         {"01", "-", "1.", ".5", "1e", "+1", "0x10", "NaN", "Infinity", "1e999", "[1,01]", R"({"a":-})"})
        EXPECT_THROW(store->inject("/n", bad), Error) << bad;
    save();
    EXPECT_EQ(dir.get("db"), "{}");
    std::string controls;
    for (char c = 1; c < 0x20; ++c)
        controls += c;
    store->write("/c", controls);
    store->inject("/raw", "{\"a\x01\":\""
                          "\x02\x1F\"}");
    save();
    const std::string text = dir.get("db");
    EXPECT_TRUE(std::ranges::none_of(text, [](char c) { return c >= 0 && c < 0x20 && c != '\n'; })) << text;
    EXPECT_EQ(std::ranges::count(text, '\n'), 6) << "a line feed of the value is one of the file: " << text;
    start();
    EXPECT_EQ(allProblems(), "");
    EXPECT_EQ(read("/c"), controls);
    EXPECT_EQ(read("/raw/a\x01"), "\x02\x1F");
}

TEST_F(StoreTest, AStringOfAHundredMegabytesIsRefusedAndTheRestServed) {
    std::string huge = R"({"a":")";
    huge.append(100'000'000, 'x').append("\"}");
    dir.put("vms/huge.db", huge);
    dir.put("vms/good.db", R"({"n":"1"})");
    dir.put("db", "{}");
    start();
    EXPECT_THAT(allProblems(), HasSubstr("/vms/huge.db: cannot be read: File too large"));
    EXPECT_EQ(read("/vm/good/n"), "1");
    Limits limits;
    limits.fileBytes = 2 * huge.size();
    Store larger(fs, dir.path(), limits);
    problems = larger.load();
    EXPECT_THAT(allProblems(), HasSubstr("/vms/huge.db:1: column "));
    EXPECT_THAT(allProblems(), HasSubstr("a string has 100000000 bytes, the limit is 16777216"));
    EXPECT_EQ(larger.tree().read("/vm/good/n"), "1");
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
    try {
        store->write("/k", "1");
        ADD_FAILURE() << "a change that would not survive was taken";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("nothing was changed: creating " + dir.path() + "/journal/"));
        EXPECT_THAT(error.what(), HasSubstr("Permission denied"));
    }
    EXPECT_EQ(read("/k"), "");
    std::filesystem::permissions(dir.path(), std::filesystem::perms::owner_all);
    store->write("/k", "1");
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

// ---- Left-over temporaries ----

// Mended: the ancestor's recovery failed.
TEST_F(StoreTest, ALeftOverTemporaryIsRecovered) {
    dir.put("db.tmp", "{\"k\":\"v\"}\n");
    dir.put("vms/x.db.tmp", "{\"n\":\"1\"}\n");
    start();
    EXPECT_THAT(allProblems(), HasSubstr("/db: is missing; it is recovered from"));
    EXPECT_THAT(allProblems(), HasSubstr("/vms/x.db: is missing; it is recovered from"));
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

// ---- db with children of /vm ----

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

// ---- Binary nodes and sub-directories ----

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

// ---- Hand edits ----

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
