// SPDX-License-Identifier: Apache-2.0
// Checking, settling and repairing a directory: everything that is wrong is found and nothing is changed;
// what is repaired is clean afterwards and nothing that a file held is gone.
#include "dbd/maintenance.hpp"

#include "dbd/lock.hpp"
#include "store_fixture.hpp"

#include <gmock/gmock.h>

#include <map>
#include <random>

#include <sys/stat.h>

namespace xb::dbd {
namespace {

using Fault = FaultFileSystem::Fault;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Every file below a directory, by its path there.
using Snapshot = std::map<std::string, std::string>;
Snapshot snapshotOf(const TemporaryDirectory& dir) {
    Snapshot result;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path())) {
        const std::string name = entry.path().string().substr(dir.path().size() + 1);
        result[name] = entry.is_regular_file() ? dir.get(name) : "no file";
    }
    return result;
}

std::string textOf(const Report& report) {
    std::string text;
    for (const Problem& line : report.lines)
        text += line.message() + "\n";
    return text;
}

constexpr const char* goodDb = "{\n  \"db-version\": \"42\",\n  \"k\": \"v\"\n}\n";

class MaintenanceTest : public StoreTest {
protected:
    Report check() {
        Report report = dbd::check(fs, dir.path(), {});
        EXPECT_EQ(report.good, report.lines.empty());
        return report;
    }
    std::string checked() { return textOf(check()); }
    Report repair() { return dbd::repair(fs, dir.path(), {}); }
    /// Repairs, and sees that nothing is wrong afterwards. What it said.
    std::string repaired() {
        const Report report = repair();
        EXPECT_TRUE(report.good) << textOf(report);
        EXPECT_EQ(checked(), "");
        start();
        EXPECT_EQ(allProblems(), "");
        return textOf(report);
    }
    /// Leaves a change in the journal that is not in its file.
    void leaveJournal(const char* path, const char* value) {
        start();
        store->write(path, value);
        store.reset();
    }
};

// ---- check ----

TEST_F(MaintenanceTest, NothingIsWrongWithWhatDbdLeaves) {
    startWith(goodDb);
    store->write("/vm/x/n", "1");
    store->write("/dom-store/y/n", "1");
    save();
    store.reset();
    const Report report = check();
    EXPECT_EQ(textOf(report), "");
    EXPECT_THAT(report.notes, IsEmpty());
}

TEST_F(MaintenanceTest, CheckFindsEverythingAndChangesNothing) {
    dir.put("db", goodDb);
    dir.put("vms/behind.db", "{ }\n");
    leaveJournal("/vm/behind/n", "1");
    dir.put("journal/00000009.log", "not ours at all, and long enough to be sure");
    dir.put("journal/notes", "?");
    dir.put("vms/bad.db", "{\n  \"a\": \"1\",\n");
    dir.put("vms/twice.db", "{\n  \"a\": \"1\",\n  \"a\": \"2\"\n}\n");
    dir.put("vms/directory.db/x", "");
    dir.put("vms/x\xff.db", "{ }\n");
    dir.put("vms/.db", "{ }\n");
    dir.put("vms/recovered.db.tmp", "{ }\n");
    dir.put("vms/torn.db.tmp", "{");
    dir.put("vms/behind.db.tmp", "{ }\n");
    ASSERT_EQ(::mkfifo((dir.path() + "/dom-store").c_str(), 0600), 0);
    const Snapshot before = snapshotOf(dir);
    const std::string text = checked();
    for (const char* expected : {
             "/dom-store: cannot be listed",
             "/journal/00000009.log: is not a journal of this version from byte 0 on",
             "/journal/notes: is ignored",
             "/vms/.db: is ignored",
             "/vms/bad.db:3: column 1: ",
             "/vms/behind.db: the journal holds later changes",
             "/vms/behind.db.tmp: is left over",
             "/vms/directory.db: is not a regular file",
             "/vms/recovered.db: is missing; it is recovered from",
             "/vms/torn.db.tmp: left over from an interrupted write and torn",
             "/vms/twice.db:3: column 6: duplicate key \"a\"",
             "/vms/x?.db: is ignored",
         })
        EXPECT_THAT(text, HasSubstr(expected));
    EXPECT_EQ(std::ranges::count(text, '\n'), 12) << text;
    EXPECT_EQ(snapshotOf(dir), before);
}

TEST_F(MaintenanceTest, ABadDbDoesNotHideTheOthers) {
    dir.put("vms/bad.db", "[");
    const auto both = [this](const char* db, const char* expected) {
        dir.put("db", db);
        const Snapshot before = snapshotOf(dir);
        const std::string text = checked();
        EXPECT_THAT(text, HasSubstr(dir.path() + expected));
        EXPECT_THAT(text, HasSubstr("/vms/bad.db:1: "));
        EXPECT_EQ(std::ranges::count(text, '\n'), 2) << text;
        EXPECT_EQ(snapshotOf(dir), before);
    };
    both("{\n \"a\": }", "/db:2: column 7: ");
    both(R"({"db-version":"43"})", "/db: db-version is 43, this dbd understands up to 42");
    both(R"({"db-version":"4x"})", "/db: db-version is '4x', which is not a number");
    both(R"({"a":"1","a":"2"})", "/db:1: column 13: duplicate key \"a\"");
    std::filesystem::remove(dir.path() + "/db");
    EXPECT_THAT(checked(), HasSubstr("/db: does not exist"));
    dir.put("db/x", "");
    EXPECT_THAT(checked(), HasSubstr("/db: is not a regular file"));
}

TEST_F(MaintenanceTest, AnUnreadableFileIsNamed) {
    dir.put("db", goodDb);
    dir.put("vms/x.db", "{ }\n");
    fs.unreadable = "/x.db";
    EXPECT_THAT(checked(), HasSubstr("/vms/x.db: cannot be read: Permission denied"));
}

TEST_F(MaintenanceTest, AFileThatOverrulesTheJournalIsNamed) {
    dir.put("db", goodDb);
    dir.put("vms/x.db", "{ }\n");
    leaveJournal("/vm/x/n", "1");
    dir.put("vms/x.db", "{ \"n\": \"restored\" }\n");
    const Snapshot before = snapshotOf(dir);
    EXPECT_THAT(checked(), HasSubstr("/vms/x.db: was changed by somebody else"));
    EXPECT_EQ(snapshotOf(dir), before);
}

TEST_F(MaintenanceTest, ALiveDirectoryIsCheckedAndSaidToBeOne) {
    dir.put("db", goodDb);
    const DirectoryLock lock(fs, dir.path());
    start();
    store->write("/vm/x/n", "1"); // in the journal alone, as it may be
    dir.put("vms/bad.db", "[");
    const Snapshot before = snapshotOf(dir);
    const Report report = check();
    EXPECT_THAT(textOf(report), HasSubstr("/vms/bad.db:1: "));
    EXPECT_EQ(report.lines.size(), 1U) << textOf(report);
    ASSERT_EQ(report.notes.size(), 1U);
    EXPECT_THAT(report.notes[0],
                HasSubstr("dbd, process " + std::to_string(::getpid()) + ", runs on " + dir.path()));
    EXPECT_EQ(snapshotOf(dir), before);
    EXPECT_THROW(dbd::settle(fs, dir.path(), {}), Error);
    EXPECT_THROW(dbd::repair(fs, dir.path(), {}), Error);
    EXPECT_EQ(snapshotOf(dir), before);
}

TEST_F(MaintenanceTest, WithoutADirectoryTheyAllSaySo) {
    for (const auto work : {dbd::check, dbd::settle, dbd::repair}) {
        try {
            work(fs, dir.path() + "/none", {});
            ADD_FAILURE();
        } catch (const Error& error) {
            EXPECT_THAT(error.what(), HasSubstr(dir.path() + "/none cannot be listed: No such file"));
        }
    }
    EXPECT_FALSE(dir.has("none"));
}

// ---- settle ----

TEST_F(MaintenanceTest, SettleEmptiesTheJournalIntoTheFiles) {
    dir.put("db", goodDb);
    leaveJournal("/vm/x/n", "1");
    const Report report = dbd::settle(fs, dir.path(), {});
    EXPECT_TRUE(report.good);
    EXPECT_EQ(textOf(report), "");
    EXPECT_EQ(dir.get("vms/x.db"), "{\n  \"n\": \"1\"\n}\n");
    EXPECT_FALSE(dir.has("journal/00000001.log"));
    EXPECT_EQ(checked(), "");
    EXPECT_EQ(holderOf(dir.path()), std::nullopt);
}

TEST_F(MaintenanceTest, SettleSaysWhatCouldNotBeSaved) {
    dir.put("db", goodDb);
    leaveJournal("/vm/x/n", "1");
    fs.arm(Fault::Fail, 3, ENOSPC, true);
    const Report report = dbd::settle(fs, dir.path(), {});
    ASSERT_TRUE(fs.fired());
    EXPECT_FALSE(report.good);
    EXPECT_THAT(textOf(report), HasSubstr("No space left on device"));
    EXPECT_THAT(textOf(report), HasSubstr("1 files could not be written"));
    fs.disarm();
    start();
    EXPECT_EQ(read("/vm/x/n"), "1");
}

TEST_F(MaintenanceTest, SettleRefusesALaterVersion) {
    dir.put("db", R"({"db-version":"43"})");
    EXPECT_THROW(dbd::settle(fs, dir.path(), {}), CannotStart);
    EXPECT_EQ(dir.get("db"), R"({"db-version":"43"})");
}

// ---- repair ----

TEST_F(MaintenanceTest, RepairHasNothingToSayOfAGoodDirectory) {
    dir.put("db", goodDb);
    dir.put("vms/x.db", "{ }\n");
    EXPECT_EQ(repaired(), "");
    EXPECT_FALSE(dir.has("set-aside"));
}

TEST_F(MaintenanceTest, OfEqualKeysTheFirstIsKept) {
    const std::string text = R"({"a":"1","in":{"b":"2","b":{"c":["x"]}},"a":{"d":"3"}})";
    dir.put("db", goodDb);
    dir.put("vms/x.db", text);
    const std::string said = repaired();
    EXPECT_THAT(said, HasSubstr("/vms/x.db: the key \"b\" in \"in\" is left out: it is there before"));
    EXPECT_THAT(said, HasSubstr("/vms/x.db: the key \"a\" is left out"));
    EXPECT_THAT(said,
                HasSubstr("is mended; as it was it is kept as " + dir.path() + "/set-aside/vms_x.db.1"));
    EXPECT_EQ(store->tree().dump("/vm/x"), "{\n  \"a\": \"1\",\n  \"in\": {\n    \"b\": \"2\"\n  }\n}\n");
    EXPECT_EQ(dir.get("set-aside/vms_x.db.1"), text);
}

TEST_F(MaintenanceTest, WhatIsBeyondDoubtIsMended) {
    dir.put("db", goodDb);
    dir.put("vms/tail.db", "{\n  \"a\": \"new\"\n}\nold\"\n}\n");
    dir.put("vms/zeros.db", std::string("{\n  \"a\": \"1\"\n}\n") + std::string(500, '\0'));
    dir.put("vms/keys.db", R"({"":"x","a/b":{"c":"y"},"d":"z"})");
    const std::string said = repaired();
    EXPECT_THAT(said, HasSubstr("/vms/tail.db: what follows the value, 8 bytes, is left out"));
    EXPECT_EQ(read("/vm/tail/a"), "new");
    EXPECT_THAT(said, HasSubstr("/vms/zeros.db: 500 NUL bytes at its end are left out"));
    EXPECT_EQ(read("/vm/zeros/a"), "1");
    EXPECT_THAT(said, HasSubstr("/vms/keys.db: the key \"a/b\" is left out: no path reaches it"));
    EXPECT_EQ(store->tree().dump("/vm/keys"), "{\n  \"d\": \"z\"\n}\n");
}

TEST_F(MaintenanceTest, WhatIsInDoubtIsSetAside) {
    dir.put("db", goodDb);
    const std::map<std::string, std::string> damaged = {
        {"vms/cut.db", "{\n  \"a\": \"1\",\n  \"b\": \"2"},
        {"vms/garbled.db", "{\"a\":\"1\"}\"b\":\"2\"}"}, // as much may be missing as is left
        {"vms/empty.db", ""},
        {"vms/latin1.db", "{\"a\":\"\xe4\"}"},
        {"vms/number.db", R"({"a":1e999})"},
        {"dom-store/zeros.db", std::string(100, '\0')},
    };
    for (const auto& [name, text] : damaged)
        dir.put(name, text);
    const std::string said = repaired();
    for (const auto& [name, text] : damaged) {
        EXPECT_THAT(said, HasSubstr("/" + name + ": "));
        EXPECT_FALSE(dir.has(name));
        std::string kept = "set-aside/" + name + ".1";
        kept[kept.rfind('/')] = '_';
        EXPECT_EQ(dir.get(kept), text) << name;
    }
    EXPECT_EQ(read("/k"), "v");
    EXPECT_FALSE(store->tree().exists("/vm/cut"));
}

TEST_F(MaintenanceTest, AWholeTemporaryTakesThePlaceOfADamagedFile) {
    dir.put("db", "{\n  \"k");
    dir.put("db.tmp", goodDb);
    dir.put("vms/x.db", "{\n  \"a\": \"1");
    dir.put("vms/x.db.tmp", "{\n  \"a\": \"2\"\n}\n");
    dir.put("vms/y.db", "{ }\n");
    dir.put("vms/y.db.tmp", "{\n  \"a\": \"unf");
    const std::string said = repaired();
    EXPECT_THAT(said, HasSubstr("/vms/x.db: is recovered from "));
    EXPECT_EQ(read("/k"), "v");
    EXPECT_EQ(read("/vm/x/a"), "2");
    EXPECT_EQ(dir.get("set-aside/vms_y.db.tmp.1"), "{\n  \"a\": \"unf");
}

TEST_F(MaintenanceTest, ARecordThatTheJournalHasWholeIsMadeAgain) {
    startWith(goodDb);
    store->inject("/vm/x", R"({"a":"0"})");
    save();
    store->inject("/vm/x", R"({"a":"1","b":"2"})");
    store->write("/vm/x/c", "3");
    store->write("/vm/y/part", "of it");
    save(); // all is in the files, but the segments are still there
    store.reset();
    startWith(dir.get("db"));
    store->inject("/vm/x", R"({"a":"1","b":"2"})");
    store->write("/vm/x/c", "4");
    store->write("/vm/y/part", "new");
    store.reset();
    dir.put("vms/x.db", "{\n  \"a\": \"1\",");
    dir.put("vms/y.db", "{\n  \"pa");
    const std::string said = repaired();
    EXPECT_THAT(said, HasSubstr("/vms/x.db: is made again from the journal"));
    EXPECT_EQ(read("/vm/x/a"), "1");
    EXPECT_EQ(read("/vm/x/c"), "4");
    // Of y the journal has a part: that is kept, but nobody takes it for the whole.
    EXPECT_FALSE(store->tree().exists("/vm/y"));
    EXPECT_THAT(said, HasSubstr("/vms/y.db: was changed by somebody else while dbd had changes"));
    EXPECT_THAT(dir.get("set-aside/vms_y.db.changes.1"), HasSubstr("\"new\""));
}

TEST_F(MaintenanceTest, ADbThatIsLostIsTheDefaultTree) {
    dir.put("db", "{");
    dir.put("vms/x.db", "{\n  \"a\": \"1\"\n}\n");
    const std::string said = repaired();
    EXPECT_THAT(said, HasSubstr("/db: does not exist; starting with the default tree"));
    EXPECT_EQ(read("/db-version"), "42");
    EXPECT_EQ(read("/vm/x/a"), "1");
    EXPECT_EQ(dir.get("set-aside/db.1"), "{");
}

TEST_F(MaintenanceTest, ALaterVersionIsNotDamage) {
    for (const char* db :
         {R"({"db-version":"43"})", R"({"db-version":"x"})", R"({"db-version":"43","a":1,"a":2})"}) {
        dir.put("db", db);
        dir.put("vms/bad.db", "[");
        const Snapshot before = snapshotOf(dir);
        EXPECT_THROW(repair(), CannotStart);
        EXPECT_EQ(snapshotOf(dir), before);
    }
}

TEST_F(MaintenanceTest, WhatMayNotBeReadIsNotTouched) {
    dir.put("db", goodDb);
    dir.put("vms/x.db", "[");
    fs.unreadable = "/x.db";
    const Report report = repair();
    EXPECT_FALSE(report.good);
    EXPECT_THAT(textOf(report), HasSubstr("/vms/x.db: cannot be read: Permission denied"));
    EXPECT_EQ(dir.get("vms/x.db"), "[");
}

TEST_F(MaintenanceTest, WhatIsInTheWayIsSetAside) {
    dir.put("db/x", "1");
    dir.put("db.tmp/x", "2");
    dir.put("vms/a.db/x", "3");
    dir.put("vms/a.db.tmp/x", "4");
    dir.put("dom-store", "5");
    dir.put("journal", "6");
    dir.put("vms/\xff", "7");
    dir.put("vms/.db", "8");
    dir.put("vms/sub/.db.tmp", "9");
    dir.put("vms/b/bad.db", "[10");
    dir.put("vms/c.db", R"({"leaf":"1"})");
    dir.put("vms/c/covered.db", R"("11")");
    dir.put("vms/c/leaf", "12");
    ASSERT_EQ(::mkfifo((dir.path() + "/vms/fifo").c_str(), 0600), 0);
    ASSERT_EQ(::symlink("nowhere", (dir.path() + "/vms/link.db").c_str()), 0);
    repaired();
    std::string all;
    for (const auto& [name, text] : snapshotOf(dir))
        all += name.starts_with("set-aside/") ? text + ";" : "";
    for (const char* text : {"1;", "2;", "3;", "4;", "5;", "6;", "7;", "8;", "9;", "[10;", "\"11\";", "12;"})
        EXPECT_THAT(all, HasSubstr(text));
    EXPECT_EQ(read("/vm/c/leaf"), "1");
}

TEST_F(MaintenanceTest, EveryFaultLeavesEveryContentSomewhere) {
    const std::string damaged = R"({"a":"1","a":"2"})";
    const std::string cut = "{\n  \"b\": \"";
    std::size_t point = 0;
    for (bool complete = false; !complete && point < 200; ++point) {
        const TemporaryDirectory place;
        place.put("db", goodDb);
        place.put("vms/damaged.db", damaged);
        place.put("vms/cut.db", cut);
        place.put("vms/cut.db.tmp", "{ }\n");
        FaultFileSystem faulty;
        faulty.arm(point % 2 == 0 ? Fault::Fail : Fault::Kill, point / 2 + 1, EIO);
        try {
            static_cast<void>(dbd::repair(faulty, place.path(), {}));
        } catch (const Killed&) {
        } catch (const Error&) { // no lock
        }
        complete = !faulty.fired();
        std::vector<std::string> texts;
        for (const auto& [name, text] : snapshotOf(place))
            texts.push_back(text);
        EXPECT_THAT(texts, testing::Contains(damaged)) << "point " << point;
        EXPECT_THAT(texts, testing::Contains(cut)) << "point " << point;
        PosixFileSystem again;
        const Report report = dbd::repair(again, place.path(), {});
        EXPECT_TRUE(report.good) << "point " << point << "\n" << textOf(report);
        Store after(again, place.path());
        EXPECT_THAT(after.load(), IsEmpty()) << "point " << point;
        EXPECT_EQ(after.tree().read("/vm/damaged/a"), "1") << "point " << point;
    }
    EXPECT_GT(point, 20U);
    EXPECT_LT(point, 200U);
}

// ---- Any damage ----

class RandomDamage : public testing::TestWithParam<unsigned> {
protected:
    std::size_t upTo(std::size_t end) { return end == 0 ? 0 : random_() % end; }
    void damage(std::string& text) {
        const std::size_t at = upTo(text.size());
        switch (random_() % 8) {
        case 0:
            text.resize(at);
            break;
        case 1:
            text.insert(at, 1, static_cast<char>(random_()));
            break;
        case 2:
            text.erase(at, 1 + upTo(20));
            break;
        case 3:
            text.insert(at, text.substr(upTo(text.size()), 40)); // keys twice, too
            break;
        case 4:
            text += std::string(upTo(100), '\0');
            break;
        case 5:
            text += text.substr(at);
            break;
        case 6:
            text += text;
            break;
        default:
            if (!text.empty())
                text[at] = static_cast<char>(text[at] ^ (1 << random_() % 8));
        }
    }
    std::mt19937 random_;
};

TEST_P(RandomDamage, IsRepairedAndLosesNothing) {
    std::size_t refused = 0;
    std::size_t damagedTrees = 0;
    for (unsigned round = 0; round < 60; ++round) {
        random_.seed(GetParam() * 1000 + round);
        const TemporaryDirectory dir;
        PosixFileSystem fs;
        {
            Store store(fs, dir.path());
            store.load();
            for (const char* name : {"a", "b", "c"})
                store.inject(std::string("/vm/") + name,
                             R"({"name":"x","config":{"memory":"256","nic":{"0":{"id":"0"}}}})");
            store.write("/dom-store/a/key", "value");
            store.saveNow();
            dir.put("vms/a/binary", "\x01\x02");
            store.inject("/vm/a", R"({"name":"again"})");
            store.write("/vm/b/name", "changed");
            store.write("/k", "changed");
        } // killed
        if (random_() % 2 == 0)
            dir.put("vms/b.db.tmp", dir.get("vms/b.db"));
        std::vector<std::string> names;
        for (const auto& [name, text] : snapshotOf(dir)) {
            if (text != "no file")
                names.push_back(name);
        }
        for (std::size_t count = 1 + upTo(4); count > 0; --count) {
            const std::string& name = names[upTo(names.size())];
            std::string text = dir.get(name);
            damage(text);
            dir.put(name, text);
        }
        const Snapshot before = snapshotOf(dir);
        const Report found = check(fs, dir.path(), {});
        EXPECT_EQ(snapshotOf(dir), before);
        try {
            const Report report = repair(fs, dir.path(), {});
            EXPECT_TRUE(report.good) << "round " << round << "\n" << textOf(report);
        } catch (const CannotStart& error) {
            ++refused;
            EXPECT_THAT(error.what(), HasSubstr("db-version"));
            EXPECT_EQ(snapshotOf(dir), before);
            continue;
        }
        damagedTrees += found.good ? 0 : 1;
        EXPECT_EQ(textOf(check(fs, dir.path(), {})), "") << "round " << round;
        Store store(fs, dir.path());
        EXPECT_THAT(store.load(), IsEmpty()) << "round " << round;
        const Snapshot after = snapshotOf(dir);
        for (const Problem& problem : found.lines) {
            const auto old = before.find(problem.file.substr(dir.path().size() + 1));
            // A file that the journal brings up to date, or whose temporary comes back, is no damaged one.
            const std::string_view place = problem.file;
            const bool adopted =
                place.ends_with(".tmp") && std::ranges::any_of(found.lines, [place](const Problem& other) {
                    return other.file + ".tmp" == place; // changes of the journal go on top
                });
            if (old == before.end() || adopted || problem.text.find("which count") != std::string::npos ||
                problem.text.find("the file counts") != std::string::npos)
                continue;
            EXPECT_TRUE(
                std::ranges::any_of(after, [&](const auto& file) { return file.second == old->second; }))
                << "round " << round << ": what " << old->first << " held is gone: " << problem.message();
        }
        if (HasFailure())
            break;
    }
    std::cout << damagedTrees << " damaged trees, " << refused << " refused\n";
    EXPECT_GT(damagedTrees, 30U);
    EXPECT_LT(refused, 10U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomDamage, testing::Range(1U, 9U));

} // namespace
} // namespace xb::dbd
