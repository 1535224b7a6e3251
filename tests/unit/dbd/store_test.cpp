// SPDX-License-Identifier: Apache-2.0
// The tree and its files: layout, the first start, which changes reach which files and when.
#include "store_fixture.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <unistd.h>

namespace xb::dbd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Names = std::vector<std::string>;

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

TEST_F(StoreTest, ADbVersionThatTheNextStartWouldRefuseIsRefused) {
    start();
    for (const char* version : {"/dev/zero", "", "43", "-1", "4 2", "99999999999999999999"}) {
        EXPECT_THROW(store->write("db-version", version), Error) << version;
        EXPECT_THROW(store->inject("//db-version/", '"' + std::string(version) + '"'), Error) << version;
        EXPECT_THROW(store->inject("/", R"({"db-version":")" + std::string(version) + R"("})"), Error)
            << version;
    }
    EXPECT_THROW(store->write("/db-version/below", "1"), Error);
    EXPECT_THROW(store->inject("/db-version/below", "{}"), Error);
    EXPECT_THROW(store->inject("/db-version", "{}"), Error);
    EXPECT_EQ(read("/db-version"), "42");
    store->write("/db-version", "9");
    store->write("/db-versions/below", "43");
    store->write("/other/db-version", "43");
    save();
    start();
    EXPECT_EQ(read("/db-version"), "9");
    store->inject("/", R"({"db-version":41,"a":"b"})");
    save();
    start();
    EXPECT_EQ(read("/db-version"), "41");
    store->rm("/db-version");
    save();
    start();
    EXPECT_FALSE(store->tree().exists("/db-version"));
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
    fs.log.clear();
    save();
    EXPECT_EQ(
        std::ranges::count_if(
            fs.log, [](const auto& each) { return each.starts_with("create") && each.ends_with(".tmp"); }),
        1);
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
    EXPECT_TRUE(store->rm("/vm"));
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

TEST_F(StoreTest, TellsWhetherTheTreeChanged) {
    startWith("{}");
    EXPECT_TRUE(store->write("/vm/x/name", "a"));
    EXPECT_FALSE(store->write("/vm/x/name", "a"));
    EXPECT_FALSE(store->write("/vm", "ignored: an inner node"));
    EXPECT_FALSE(store->rm("/vm/absent"));
    EXPECT_TRUE(store->rm("/vm/x/name"));
}

TEST_F(StoreTest, OneDiskJobAtATime) {
    startWith("{}");
    store->write("/vm/x/name", "a");
    std::vector<FileImage> images = store->takeDirty();
    ASSERT_EQ(images.size(), 1U);
    EXPECT_TRUE(store->busy());
    store->write("/k", "1");
    EXPECT_THAT(store->takeDirty(), IsEmpty());
    store->completed(writeImages(fs, dir.path(), std::move(images)));
    EXPECT_TRUE(dir.has("vms/x.db"));
    EXPECT_EQ(store->dirtyFiles(), 1U);
}

TEST_F(StoreTest, ChangesWhileAFileIsBeingWrittenAreNotLost) {
    startWith("{}");
    store->write("/vm/x/n", "1");
    std::vector<FileImage> images = store->takeDirty();
    store->write("/vm/x/n", "2");
    store->completed(writeImages(fs, dir.path(), std::move(images)));
    EXPECT_EQ(dir.get("vms/x.db"), "{\n  \"n\": \"1\"\n}\n");
    EXPECT_EQ(store->dirtyFiles(), 1U);
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

} // namespace
} // namespace xb::dbd
