// SPDX-License-Identifier: Apache-2.0
// What a process that dies leaves in the journal, and what the next one makes of it: nothing that was
// answered is missing, at whatever point of whatever change of the disk it died, and files that people
// changed win.
#include "store_fixture.hpp"

#include "dbd/journal_format.hpp"

#include <gmock/gmock.h>

#include <functional>

namespace xb::dbd {
namespace {

using Fault = FaultFileSystem::Fault;
using testing::HasSubstr;

/// All of the tree, in an order that does not depend on where children came from.
std::string sorted(const Node& node) {
    if (!node.isInner())
        return std::to_string(static_cast<int>(node.kind())) + "'" + std::string(node.text()) + "'";
    std::vector<std::string> parts;
    for (const Node* child = node.firstChild(); child != nullptr; child = child->next())
        parts.push_back(std::string(child->name()) + ":" + sorted(*child));
    std::ranges::sort(parts);
    std::string text = "{";
    for (const std::string& part : parts)
        text += part + ",";
    return text + "}";
}

// ---- Kill points ----

using Act = std::function<void(Store&, FileSystem&)>;

void flush(Store& store, FileSystem& fs, std::size_t slice, const std::function<void()>& between = {}) {
    store.beginFlush();
    for (std::vector<FileImage> images; !(images = store.takeDirty(slice)).empty();) {
        const Journal::SyncJob job = store.journal().takeSync();
        store.journal().synced(job, job.run(fs).text.empty());
        if (between)
            between();
        static_cast<void>(store.completed(writeImages(fs, store.directory(), std::move(images))));
        if (between)
            break; // what came between is dirty again and again
    }
    store.journal().removed(removeSegments(fs, store.endFlush()).removed);
}

/// Every kind of change, of one file and of many, with flushes in whole and in part between them.
std::vector<Act> workload() {
    const auto change = [](auto operation) {
        return [operation](Store& store, FileSystem&) { operation(store); };
    };
    const auto save = [](Store& store, FileSystem& fs) { flush(store, fs, Store::noLimit); };
    const auto slice = [](Store& store, FileSystem& fs) { flush(store, fs, 1); };
    const auto during = [](Store& store, FileSystem& fs) {
        flush(store, fs, 1, [&store] { store.write("/vm/a/during", "d"); });
    };
    return {
        change([](Store& s) { s.write("/k", "1"); }),
        change([](Store& s) { s.write("/vm/a/n", "1"); }),
        change([](Store& s) { s.inject("/vm/b", R"({"n":"1","deep":{"x":[1,2],"f":1.5,"e":null}})"); }),
        save,
        change([](Store& s) { s.write("/vm/a/n", "2"); }),
        change([](Store& s) { s.write("/dom-store/d/n", "2"); }),
        slice,
        change([](Store& s) { s.rm("/vm/b"); }),
        change([](Store& s) { s.write("/k", "2"); }),
        during,
        change([](Store& s) { s.inject("/vm", R"({"c":{"n":"3"},"a":{"n":"3"}})"); }),
        change([](Store& s) { s.write("/vm/c/m", "4"); }),
        save,
        change([](Store& s) { s.rm("/dom-store"); }),
        change([](Store& s) {
            const StepView steps[] = {{StepKind::write, "/vm/e/n", "5"},
                                      {StepKind::rm, "/vm/a", ""},
                                      {StepKind::inject, "/x", R"({"y":true})"}};
            s.apply(steps);
        }),
        slice,
        change([](Store& s) { // one after the other
            const StepView steps[] = {{StepKind::remove, "/vm/c", ""},
                                      {StepKind::write, "/vm/c/x", "6"},
                                      {StepKind::inject, "/vm/h", R"({"n":{"m":"6"},"e":null})"},
                                      {StepKind::remove, "/vm/h/n/m", ""},
                                      {StepKind::write, "/dom-store/i/n", "6"}};
            s.apply(steps);
        }),
        during,
        change([](Store& s) { // /dom-store stays, childless
            const StepView steps[] = {{StepKind::remove, "/dom-store/i/n", ""},
                                      {StepKind::write, "/k/deep", "7"},
                                      {StepKind::remove, "/k/deep", ""}};
            s.apply(steps);
        }),
        save,
        change([](Store& s) {
            const StepView steps[] = {{StepKind::remove, "/vm", ""}, {StepKind::write, "/vm/j/n", "7"}};
            s.apply(steps);
        }),
        slice,
        change([](Store& s) { s.inject("/", R"({"db-version":"42","z":"6","vm":{"f":{"n":"6"}}})"); }),
        change([](Store& s) { s.write("/vm/f/n", "7"); }),
        during,
        change([](Store& s) { s.rm("/"); }),
        change([](Store& s) { s.write("/vm/g/n", "8"); }),
    };
}

std::vector<std::string> filesBelow(const std::string& directory) {
    std::vector<std::string> names;
    std::error_code absent;
    for (const auto& entry : std::filesystem::directory_iterator(directory, absent))
        names.push_back(entry.path().filename().string());
    return names;
}

TEST(JournalTest, AKillAtEveryPointLosesNothingThatWasAnswered) {
    std::size_t point = 1;
    for (;; ++point) {
        const TemporaryDirectory dir;
        FaultFileSystem fs;
        std::string before; // the last change was made, or was under way
        std::string after;
        fs.arm(Fault::Kill, point);
        bool loaded = false;
        std::size_t act = 0;
        const std::vector<Act> acts = workload();
        {
            Store store(fs, dir.path());
            try {
                store.load();
                loaded = true;
                before = after = sorted(store.tree().root());
                for (; act < acts.size(); ++act) {
                    acts[act](store, fs);
                    before = sorted(store.tree().root());
                }
            } catch (const Killed&) {
            }
            // A change that is under way is in the journal as a whole or not at all; the tree may lag behind
            // it.
            FaultFileSystem shadow;
            const TemporaryDirectory other;
            Store twin(shadow, other.path());
            twin.load();
            for (std::size_t i = 0; loaded && i <= act && i < acts.size(); ++i)
                acts[i](twin, shadow);
            after = sorted(twin.tree().root());
            before = before.empty() ? after : before;
        }
        const bool complete = !fs.fired();
        fs.disarm();
        const std::string when = "killed at change " + std::to_string(point) + ", act " + std::to_string(act);
        Store store(fs, dir.path());
        const std::vector<Problem> problems = store.load();
        for (const Problem& problem : problems)
            EXPECT_THAT(problem.message(), testing::AnyOf(HasSubstr("starting with the default tree"),
                                                          HasSubstr("is missing; it is recovered")))
                << when;
        EXPECT_THAT(sorted(store.tree().root()), testing::AnyOf(before, after)) << when;
        // A start that is followed by a death again changes nothing, and an orderly end leaves no journal.
        const std::string found = sorted(store.tree().root());
        Store second(fs, dir.path());
        second.load();
        EXPECT_EQ(sorted(second.tree().root()), found) << when;
        EXPECT_THAT(second.saveNow(), testing::IsEmpty()) << when;
        EXPECT_TRUE(second.journal().empty()) << when;
        EXPECT_THAT(filesBelow(dir.path() + "/set-aside"), testing::IsEmpty()) << when;
        Store third(fs, dir.path());
        EXPECT_THAT(third.load(), testing::IsEmpty()) << when;
        EXPECT_EQ(sorted(third.tree().root()), found) << when;
        if (complete || testing::Test::HasFailure())
            break;
    }
    std::cout << point - 1 << " kill points\n";
    EXPECT_GT(point, 150U);
}

// ---- Files and people ----

class JournalStoreTest : public StoreTest {
protected:
    /// As kill -9.
    void die() { store.reset(); }
    std::string setAside() const {
        std::string all;
        for (const auto& entry : std::filesystem::directory_iterator(dir.path() + "/set-aside"))
            all += entry.path().filename().string() + ": " +
                   dir.get("set-aside/" + entry.path().filename().string());
        return all;
    }
};

TEST_F(JournalStoreTest, AnOrderlyEndLeavesNoJournal) {
    startWith("{}");
    store->write("/k", "1");
    EXPECT_TRUE(dir.has("journal/00000001.log"));
    save();
    EXPECT_TRUE(std::filesystem::is_empty(dir.path() + "/journal"));
}

TEST_F(JournalStoreTest, ARefusedChangeIsNotRecorded) {
    startWith("{}");
    EXPECT_THROW(store->inject("/k", "{"), Error);
    EXPECT_THROW(store->write("/k", "\xff"), Error);
    EXPECT_TRUE(store->journal().empty());
}

TEST_F(JournalStoreTest, AStepThatIsRefusedRefusesThemAll) {
    startWith("{}");
    const StepView steps[] = {{StepKind::write, "/a", "1"}, {StepKind::inject, "/b", "{"}};
    EXPECT_THROW(store->apply(steps), Error);
    EXPECT_EQ(read("/a"), "");
    EXPECT_TRUE(store->journal().empty());
}

TEST_F(JournalStoreTest, ARestoredFileWinsAndTheChangesAreKept) {
    dir.put("vms/a.db", R"({"n":"old"})");
    startWith("{}");
    store->write("/vm/a/n", "new");
    store->write("/vm/b/n", "of another VM");
    die();
    dir.put("vms/a.db", R"({"n":"restored"})");
    start();
    EXPECT_EQ(read("/vm/a/n"), "restored");
    EXPECT_EQ(read("/vm/b/n"), "of another VM");
    EXPECT_THAT(allProblems(), HasSubstr("/vms/a.db: was changed by somebody else"));
    EXPECT_THAT(setAside(), HasSubstr(R"({"change":2,"do":"write","path":"\/vm\/a\/n","value":"new"})"));
    store->write("/vm/a/m", "later");
    die();
    start();
    EXPECT_EQ(read("/vm/a/n"), "restored") << "the old journal does not come back";
    EXPECT_EQ(read("/vm/a/m"), "later");
}

TEST_F(JournalStoreTest, ADeletedFileWins) {
    dir.put("vms/a.db", R"({"n":"old"})");
    startWith("{}");
    store->write("/vm/a/n", "new");
    die();
    std::filesystem::remove(dir.path() + "/vms/a.db");
    start();
    EXPECT_FALSE(store->tree().exists("/vm/a"));
    EXPECT_THAT(setAside(), HasSubstr("new"));
}

TEST_F(JournalStoreTest, AFileThatWentBadKeepsItsChangesAside) {
    dir.put("vms/a.db", R"({"n":"old"})");
    startWith("{}");
    store->write("/vm/a/n", "new");
    die();
    dir.put("vms/a.db", R"({"n":)");
    start();
    EXPECT_FALSE(store->tree().exists("/vm/a"));
    EXPECT_THAT(allProblems(), HasSubstr("vms/a.db:1:"));
    EXPECT_THAT(setAside(), HasSubstr("new"));
}

TEST_F(JournalStoreTest, AReloadedFileIsTheNewBase) {
    dir.put("vms/a.db", R"({"n":"1"})");
    startWith("{}");
    store->write("/vm/a/n", "2");
    save();
    dir.put("vms/a.db", R"({"n":"edited"})");
    problems = store->reloadNow();
    store->write("/vm/a/m", "after");
    die();
    start();
    EXPECT_EQ(read("/vm/a/n"), "edited");
    EXPECT_EQ(read("/vm/a/m"), "after");
    EXPECT_EQ(allProblems(), "");
}

TEST_F(JournalStoreTest, ADamagedSegmentIsSetAside) {
    startWith("{}");
    store->write("/before", "1");
    store->write("/behind", "2");
    store->write("/last", "3");
    die();
    std::string bytes = dir.get("journal/00000001.log");
    bytes[bytes.find("behind")] = 'X';
    dir.put("journal/00000001.log", bytes);
    start();
    EXPECT_THAT(allProblems(), HasSubstr("/journal/00000001.log: is damaged from byte "));
    EXPECT_EQ(read("/before"), "1");
    save();
    EXPECT_EQ(allProblems(), "");
    EXPECT_TRUE(store->journal().empty());
    EXPECT_FALSE(dir.has("journal/00000001.log"));
    EXPECT_EQ(dir.get("set-aside/journal_00000001.log.1"), bytes);
    start();
    EXPECT_EQ(allProblems(), "");
    EXPECT_EQ(read("/before"), "1");
}

TEST_F(JournalStoreTest, DamagedSegmentsThatAreKeptAreBounded) {
    startWith("{}");
    dir.put("set-aside/vms_x.db.1", "another's");
    const auto kept = [this] {
        std::vector<std::string> texts;
        for (const auto& entry : std::filesystem::directory_iterator(dir.path() + "/set-aside")) {
            const std::string name = entry.path().filename().string();
            if (name.starts_with("journal_"))
                texts.push_back(dir.get("set-aside/" + name));
        }
        return texts;
    };
    const std::filesystem::file_time_type begin = std::filesystem::file_time_type::clock::now();
    for (std::size_t i = 0; i < maxDamagedKept + 2; ++i) {
        dir.put("journal/00000001.log", "not one of ours " + std::to_string(i));
        std::filesystem::last_write_time(dir.path() + "/journal/00000001.log",
                                         begin + std::chrono::seconds(i));
        start();
        save();
        EXPECT_EQ(allProblems(), "");
    }
    EXPECT_EQ(kept().size(), maxDamagedKept);
    EXPECT_THAT(kept(), testing::Not(testing::Contains("not one of ours 1")));
    EXPECT_THAT(kept(), testing::Contains("not one of ours 2"));
    EXPECT_TRUE(dir.has("set-aside/vms_x.db.1"));
}

TEST_F(JournalStoreTest, WhatLiesBetweenTheSegmentsIsReportedAndLeft) {
    startWith("{}");
    dir.put("journal/notes.txt", "mine");
    dir.put("journal/18446744073709551615.log", "beyond counting");
    start();
    EXPECT_THAT(allProblems(), HasSubstr("/journal/notes.txt: is ignored"));
    EXPECT_THAT(allProblems(), HasSubstr("/journal/18446744073709551615.log: is ignored"));
    store->write("/k", "1");
    save();
    EXPECT_TRUE(dir.has("journal/notes.txt"));
}

TEST_F(JournalStoreTest, AFullDiskRefusesChangesAndTakesThemAgain) {
    startWith("{}");
    store->write("/k", "1");
    fs.arm(Fault::Fail, 1, ENOSPC, true);
    EXPECT_THROW(store->write("/k", "2"), Error);
    EXPECT_EQ(read("/k"), "1");
    fs.disarm();
    store->write("/m", "3");
    die();
    start();
    EXPECT_EQ(read("/k"), "1") << "the change that was refused half-way";
    EXPECT_EQ(read("/m"), "3") << "behind it";
    EXPECT_EQ(allProblems(), "");
}

TEST_F(JournalStoreTest, WhileFilesCannotBeWrittenTheJournalKeepsAll) {
    startWith("{}");
    for (int round = 1; round <= 5; ++round) {
        store->write("/vm/a/n", std::to_string(round));
        std::filesystem::remove_all(dir.path() + "/vms");
        dir.put("vms", "in the way"); // no directory can be made
        save();
        EXPECT_FALSE(problems.empty());
    }
    store->write("/k", "v");
    die();
    std::filesystem::remove(dir.path() + "/vms");
    start();
    EXPECT_EQ(read("/vm/a/n"), "5");
    EXPECT_EQ(read("/k"), "v");
}

TEST_F(JournalStoreTest, AFullJournalRefusesChangesByName) {
    dir.put("db", "{}");
    Limits limits;
    limits.journalBytes = 1000;
    Store small(fs, dir.path(), limits);
    small.load();
    try {
        for (int i = 0; i < 100; ++i)
            small.write("/k", std::string(100, 'x') + std::to_string(i));
        ADD_FAILURE() << "no limit";
    } catch (const Error& error) {
        EXPECT_EQ(error.name(), std::string(errors::limitsExceeded));
        EXPECT_THAT(error.what(), HasSubstr("the limit is 1000"));
    }
    EXPECT_THAT(small.saveNow(), testing::IsEmpty());
    EXPECT_TRUE(small.write("/k", "again"));
}

// ---- The bytes ----

std::string sample() {
    std::string bytes = journalHeader();
    const StepView steps[] = {{StepKind::write, "/a", "v"}, {StepKind::rm, "/b", ""}};
    appendChange(bytes, 7, steps);
    appendMark(bytes, {FileMark::Kind::saved, "vm/x", 7, true, 12, 34});
    return bytes;
}

TEST(JournalFormat, WhatIsWrittenIsRead) {
    const JournalSegment segment = parseSegment(sample());
    EXPECT_EQ(segment.trouble, "");
    ASSERT_EQ(segment.entries.size(), 2U);
    const auto& change = std::get<Change>(segment.entries[0]);
    EXPECT_EQ(change.sequence, 7U);
    ASSERT_EQ(change.steps.size(), 2U);
    EXPECT_EQ(change.steps[0].kind, StepKind::write);
    EXPECT_EQ(change.steps[0].path, "/a");
    EXPECT_EQ(change.steps[0].value, "v");
    EXPECT_EQ(change.steps[1].kind, StepKind::rm);
    const auto& mark = std::get<FileMark>(segment.entries[1]);
    EXPECT_EQ(mark.kind, FileMark::Kind::saved);
    EXPECT_EQ(mark.record, "vm/x");
    EXPECT_EQ(mark.position, 7U);
    EXPECT_TRUE(mark.exists);
    EXPECT_EQ(mark.size, 12U);
    EXPECT_EQ(mark.hash, 34U);
}

TEST(JournalFormat, CutOffAnywhereTheEntriesBeforeAreRead) {
    const std::string bytes = sample();
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        const JournalSegment segment = parseSegment(bytes.substr(0, length));
        EXPECT_LT(segment.entries.size(), 2U) << length;
        EXPECT_TRUE(segment.trouble.empty() || segment.torn) << length;
        const JournalSegment padded = parseSegment(bytes.substr(0, length) + std::string(100, '\0'));
        EXPECT_LT(padded.entries.size(), 2U) << length;
    }
}

TEST(JournalFormat, AFlippedBitIsNoticed) {
    const std::string bytes = sample();
    for (std::size_t at = journalHeader().size(); at < bytes.size(); ++at) {
        std::string bad = bytes;
        bad[at] = static_cast<char>(bad[at] ^ 0x10);
        const JournalSegment segment = parseSegment(bad);
        EXPECT_FALSE(segment.trouble.empty()) << at;
        EXPECT_LT(segment.entries.size(), 2U) << at;
    }
}

} // namespace
} // namespace xb::dbd
