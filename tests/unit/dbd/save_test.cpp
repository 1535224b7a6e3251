// SPDX-License-Identifier: Apache-2.0
// Faults at every single change of the disk, one after another: a kill, a full disk, an I/O error. The
// workload is run until it completes without meeting its fault, so that every point is covered whatever the
// code does.
#include "dbd/store.hpp"
#include "fault_file_system.hpp"
#include "toolstack/libs/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <span>

namespace xb::dbd {
namespace {

using Fault = FaultFileSystem::Fault;
constexpr int rounds = 4;

std::string number(int value) {
    return std::to_string(value);
}

/// Round n writes n into db, two VMs and a domain's store, creates VM "n" and deletes VM "n-1".
void change(Store& store, int round) {
    store.write("/k", number(round));
    store.write("/vm/a/n", number(round));
    store.inject("/vm/b", "{\"n\":\"" + number(round) + "\",\"long\":\"" + std::string(300, 'x') + "\"}");
    store.write("/dom-store/d/n", number(round));
    store.write("/vm/" + number(round) + "/n", number(round));
    store.rm("/vm/" + number(round - 1));
}

/// What a fresh process finds. Fails if anything but left-overs is wrong with the files.
std::unique_ptr<Store> loaded(FileSystem& fs, const std::string& directory, const std::string& when) {
    auto store = std::make_unique<Store>(fs, directory);
    const std::vector<Problem> problems = store->load();
    EXPECT_TRUE(store->quarantined().empty()) << when << ": " << problems.front().message();
    return store;
}

/// Each file holds the round that was saved last or the one that was being saved.
void expectOldOrNew(const Tree& tree, int savedRound, const std::string& when) {
    const auto oneOf = testing::AnyOf(number(savedRound), number(savedRound + 1));
    for (const char* path : {"/k", "/vm/a/n", "/vm/b/n", "/dom-store/d/n"}) {
        if (savedRound > 0 || tree.exists(path)) {
            EXPECT_THAT(tree.read(path), oneOf) << path << ", " << when;
        }
    }
    for (int round = 1; round < savedRound; ++round)
        EXPECT_FALSE(tree.exists("/vm/" + number(round))) << round << ", " << when;
    if (savedRound > 0) { // the new VM is written before the old one is removed
        const bool both =
            tree.exists("/vm/" + number(savedRound)) || tree.exists("/vm/" + number(savedRound + 1));
        EXPECT_TRUE(both) << when;
    }
}

TEST(SaveTest, EveryKillPoint) {
    std::size_t point = 1;
    for (;; ++point) {
        const TemporaryDirectory dir;
        FaultFileSystem fs;
        fs.arm(Fault::Kill, point);
        int saved = 0;
        const std::string when = "killed at change " + std::to_string(point);
        try {
            Store store(fs, dir.path());
            store.load();
            for (int round = 1; round <= rounds; ++round) {
                change(store, round);
                EXPECT_THAT(store.saveNow(), testing::IsEmpty());
                saved = round;
            }
        } catch (const Killed&) {
        }
        const bool complete = !fs.fired();
        fs.disarm();
        const auto store = loaded(fs, dir.path(), when);
        expectOldOrNew(store->tree(), saved, when);
        // Life goes on from what was found.
        change(*store, rounds + 1);
        store->rm("/vm/" + number(saved + 1));
        store->saveNow();
        EXPECT_EQ(store->dirtyFiles(), 0U) << when;
        const auto again = loaded(fs, dir.path(), when);
        EXPECT_EQ(again->tree().read("/vm/b/n"), number(rounds + 1)) << when;
        EXPECT_FALSE(std::filesystem::exists(dir.path() + "/db.tmp")) << when;
        if (complete)
            break;
    }
    std::cout << point - 1 << " kill points\n";
    EXPECT_GT(point, 100U);
}

class FaultTest : public testing::TestWithParam<std::pair<int, bool>> {};

TEST_P(FaultTest, EveryFault) {
    const auto [errnoValue, sticky] = GetParam();
    std::size_t point = 1;
    for (;; ++point) {
        const TemporaryDirectory dir;
        FaultFileSystem fs;
        const std::string when = "fault at change " + std::to_string(point);
        Store store(fs, dir.path());
        store.load();
        bool reported = false;
        fs.arm(Fault::Fail, point, errnoValue, sticky);
        for (int round = 1; round <= rounds; ++round) {
            bool refused = false;
            try {
                change(store, round);
            } catch (const Error&) {
                refused = true; // the rest of the round was not tried
            }
            const std::vector<Problem> problems = store.saveNow();
            reported = reported || refused || !problems.empty();
            if (refused || store.dirtyFiles() > 0) {
                EXPECT_TRUE(refused || !problems.empty()) << when;
                // Somebody who starts now: on a copy, for a start tidies up.
                const TemporaryDirectory copy;
                std::filesystem::copy(dir.path(), copy.path(), std::filesystem::copy_options::recursive);
                PosixFileSystem real;
                expectOldOrNew(loaded(real, copy.path(), when)->tree(), round - 1, when);
                break;
            }
        }
        const bool complete = !fs.fired();
        if (!complete && sticky) {
            EXPECT_TRUE(reported) << when;
        }
        // The disk is well again: the next save brings everything.
        fs.disarm();
        for (const Problem& problem : store.saveNow())
            ADD_FAILURE() << when << ": " << problem.message();
        EXPECT_EQ(store.dirtyFiles(), 0U) << when;
        Store fresh(fs, dir.path());
        for (const Problem& problem : fresh.load())
            ADD_FAILURE() << when << ": " << problem.message();
        EXPECT_EQ(fresh.tree().read("/k"), store.tree().read("/k")) << when;
        EXPECT_EQ(fresh.tree().dump("/vm/b"), store.tree().dump("/vm/b")) << when;
        EXPECT_TRUE(reported || fresh.tree().list("/vm").size() == 3U) << when;
        EXPECT_FALSE(dir.has("set-aside")) << when;
        if (complete)
            break;
    }
    std::cout << point - 1 << " fault points\n";
    EXPECT_GT(point, 100U);
}

INSTANTIATE_TEST_SUITE_P(Errors, FaultTest,
                         testing::Values(std::pair{ENOSPC, false}, std::pair{ENOSPC, true},
                                         std::pair{EIO, false}, std::pair{EIO, true},
                                         std::pair{EROFS, true}));

TEST(SaveTest, AFailedSaveSaysWhichFileAndWhyAndKeepsTheOldOne) {
    const TemporaryDirectory dir;
    dir.put("db", "{\"k\":\"old\"}");
    FaultFileSystem fs;
    Store store(fs, dir.path());
    store.load();
    store.write("/k", "new");
    fs.arm(Fault::Fail, 8,
           ENOSPC); // five of the journal: create, write, fsync, fsync, fsync(dir); unlink, create, write
    const std::vector<Problem> problems = store.saveNow();
    ASSERT_EQ(problems.size(), 1U);
    EXPECT_EQ(problems.front().message(),
              dir.path() + "/db: cannot write " + dir.path() + "/db.tmp: No space left on device");
    EXPECT_EQ(dir.get("db"), "{\"k\":\"old\"}");
    EXPECT_FALSE(dir.has("db.tmp"));
    EXPECT_EQ(store.dirtyFiles(), 1U);
}

// What a power cut needs: content before name, name before the answer, the new before the removal of the old.
TEST(SaveTest, TheOrderOfChanges) {
    const TemporaryDirectory dir;
    dir.put("db", "{}");
    dir.put("vms/a.db", "{\"n\":\"1\"}");
    dir.put("dom-store/c.db", "{\"n\":\"1\"}");
    FaultFileSystem fs;
    Store store(fs, dir.path());
    store.load();
    store.write("/dom-store/b/n", "2");
    store.rm("/vm/a");
    store.write("/k", "1");
    fs.log.clear();
    EXPECT_THAT(store.saveNow(), testing::IsEmpty());
    const std::string& at = dir.path();
    const std::string journal = at + "/journal";
    // The changes, and what the files are about to be, are safe before the first file changes; the journal
    // goes last.
    const std::vector<std::string> begin{"create " + journal + "/00000002.log", "write", "sync the file",
                                         "sync the file", "sync " + journal};
    const std::vector<std::string> end{"unlink " + journal + "/00000001.log", "sync " + journal,
                                       "unlink " + journal + "/00000002.log"};
    ASSERT_GT(fs.log.size(), begin.size() + end.size());
    EXPECT_TRUE(std::ranges::equal(std::span(fs.log).first(begin.size()), begin))
        << testing::PrintToString(fs.log);
    EXPECT_TRUE(std::ranges::equal(std::span(fs.log).last(end.size()), end))
        << testing::PrintToString(fs.log);
    const std::vector<std::string> middle(fs.log.begin() + 5, fs.log.end() - 3);
    EXPECT_THAT(middle, testing::ElementsAre("unlink " + at + "/dom-store/b.db.tmp",
                                             "create " + at + "/dom-store/b.db.tmp", "write", "sync the file",
                                             "rename " + at + "/dom-store/b.db", "unlink " + at + "/db.tmp",
                                             "create " + at + "/db.tmp", "write", "sync the file",
                                             "rename " + at + "/db", "sync " + at,
                                             "sync " + at + "/dom-store", "unlink " + at + "/vms/a.db.tmp",
                                             "unlink " + at + "/vms/a.db", "sync " + at + "/vms"));
}

TEST(SaveTest, AStartAfterAKillSyncsWhatItFindsFirst) {
    const TemporaryDirectory dir;
    FaultFileSystem fs;
    {
        Store killed(fs, dir.path());
        killed.load();
        killed.write("/vm/a/n", "1");
    }
    dir.put("dom-store/left.db.tmp", "{ }\n"); // whole, but who wrote it may not have synced it
    fs.log.clear();
    Store store(fs, dir.path());
    store.load();
    const std::string& at = dir.path();
    EXPECT_THAT(fs.log,
                testing::ElementsAre("sync " + at, "sync " + at + "/journal/00000001.log",
                                     "sync " + at + "/journal", "sync " + at + "/vms",
                                     "sync " + at + "/dom-store", "sync " + at + "/dom-store/left.db.tmp",
                                     "rename " + at + "/dom-store/left.db", "sync " + at + "/dom-store"));
}

TEST(SaveTest, ShortWritesAreContinued) {
    const TemporaryDirectory dir;
    FaultFileSystem fs;
    fs.writeAtMost(7);
    Store store(fs, dir.path());
    store.load();
    store.write("/vm/a/n", std::string(1000, 'v'));
    EXPECT_THAT(store.saveNow(), testing::IsEmpty());
    Store fresh(fs, dir.path());
    EXPECT_THAT(fresh.load(), testing::IsEmpty());
    EXPECT_EQ(fresh.tree().read("/vm/a/n"), std::string(1000, 'v'));
}

// A directory whose sync failed holds the new file, but nobody knows for how long: it is synced again.
TEST(SaveTest, AFailedDirectorySyncIsRepeated) {
    const TemporaryDirectory dir;
    dir.put("db", "{}");
    FaultFileSystem fs;
    Store store(fs, dir.path());
    store.load();
    store.write("/k", "1");
    fs.arm(Fault::Fail, 11, EIO); // five of the journal; unlink, create, write, fsync, rename, fsync(dir)
    EXPECT_EQ(store.saveNow().size(), 1U);
    EXPECT_EQ(store.dirtyFiles(), 1U);
    fs.disarm();
    fs.log.clear();
    EXPECT_THAT(store.saveNow(), testing::IsEmpty());
    const auto created = [](const std::string& each) {
        return each.starts_with("create ") && each.ends_with(".tmp");
    };
    EXPECT_TRUE(std::ranges::none_of(fs.log, created))
        << "the file is there, only its directory has to be synced";
    EXPECT_EQ(store.dirtyFiles(), 0U);
    EXPECT_FALSE(dir.has("set-aside"));
}

// The kill between setting a foreign file aside and putting ours in its place.
TEST(SaveTest, KillsAroundAFileThatSomebodyEdited) {
    for (std::size_t point = 1;; ++point) {
        const TemporaryDirectory dir;
        dir.put("vms/a.db", "{\"n\":\"1\"}");
        dir.put("db", "{}");
        FaultFileSystem fs;
        Store store(fs, dir.path());
        store.load();
        store.write("/vm/a/n", "ours");
        dir.put("vms/a.db", "{\"n\":\"theirs\"}");
        fs.arm(Fault::Kill, point);
        try {
            store.saveNow();
        } catch (const Killed&) {
        }
        const bool complete = !fs.fired();
        fs.disarm();
        const auto fresh = loaded(fs, dir.path(), std::to_string(point));
        EXPECT_THAT(fresh->tree().read("/vm/a/n"), testing::AnyOf("ours", "theirs")) << point;
        const bool kept = dir.get("set-aside/vms_a.db.1") == "{\"n\":\"theirs\"}";
        EXPECT_TRUE(kept || fresh->tree().read("/vm/a/n") == "theirs") << point;
        if (complete)
            break;
    }
}

} // namespace
} // namespace xb::dbd
