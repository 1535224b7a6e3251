// SPDX-License-Identifier: Apache-2.0
// Power cuts after every single step that dbd makes on its disk, with every fate of what it had not synced.
// With --durability=sync nothing that was acknowledged is lost; without, nothing that was acknowledged before
// the last sync; and never is there anything but a state that the database once had. A disk that ignores
// syncs must lose data here, or these tests would prove nothing.
#include "daemon.hpp"
#include "power_cut.hpp"
#include "strace.hpp"

#include "tests/support/disk_log.h"
#include "tests/unit/dbd/fault_file_system.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include <cstdlib>

namespace xb::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t cutsTried = 80; // unless all are
constexpr std::size_t killsBeforeCut = 4;
constexpr std::size_t starts = 8; // of the real daemon after a cut, likewise

class PowerCut : public testing::Test {
protected:
    Words logging(bool ignoresSync = false) const {
        return onLoggedDisk(log(), daemon.config(), "", ignoresSync);
    }
    fs::path log() const { return daemon.scratch() / "disk.log"; }

    // Something that the client was told, and how much had happened on the disk by then.
    struct Answer {
        std::size_t state;   ///< that the database had
        std::size_t logged;  ///< bytes
        bool synced = false; ///< it was promised to survive
    };

    void remember(bool synced) {
        answers.push_back({states.size() - 1, static_cast<std::size_t>(fs::file_size(log())), synced});
    }
    void begin() {
        initial = daemon.scratch() / "initial";
        daemon.keep(initial);
        std::string complaints;
        states = {parseModel(loadedDump(daemon.config(), complaints))};
    }
    /// Works, writing down what was answered when.
    Account work(const Life& life, const Words& before, const Words& options) {
        const auto onAnswer = [&](const Operation& operation) {
            if (operation.changes()) {
                states.push_back(states.back());
                applyTo(states.back(), operation);
            }
            remember(!operation.changes());
        };
        Account account = daemon.live(life, states.back(), before, options, onAnswer);
        EXPECT_TRUE(account.refusals.empty()) << account.refusals.front();
        if (life.endsInOrder && !account.died)
            remember(true);
        return account;
    }
    void work(const Words& options, bool ignoresSync) {
        begin();
        for (const Life& life : workload()) {
            const Account account = work(life, logging(ignoresSync), options);
            ASSERT_FALSE(account.died) << account.messages;
        }
        end();
        ASSERT_GT(records.size(), 60U);
    }
    void end() {
        records = readDiskLog(log());
        for (const Model& state : states)
            texts.push_back(normalized(state));
    }

    struct Bounds {
        std::size_t least = 0; ///< of the states that may be there after a cut
        std::size_t most = 0;
    };
    Bounds boundsAt(std::size_t logged, bool everyAnswerCounts) const {
        Bounds bounds;
        for (const Answer& answer : answers) {
            if (answer.logged > logged)
                break;
            bounds.most = answer.state;
            if (everyAnswerCounts || answer.synced)
                bounds.least = answer.state;
        }
        bounds.most = std::min(bounds.most + 1, states.size() - 1);
        return bounds;
    }
    bool within(const Bounds& bounds, const std::string& json) const {
        const std::string text = normalized(json);
        return std::find(texts.begin() + static_cast<std::ptrdiff_t>(bounds.least),
                         texts.begin() + static_cast<std::ptrdiff_t>(bounds.most) + 1,
                         text) != texts.begin() + static_cast<std::ptrdiff_t>(bounds.most) + 1;
    }

    /// Cuts after each record (or a sample of them), lets dbd's library load what is left, and counts where
    /// something is missing. `first` gets a description of the first.
    std::size_t losses(bool everyAnswerCounts, std::string& first, std::size_t from = 0) {
        Disk disk(initial);
        std::size_t lost = 0;
        std::size_t tried = 0;
        const std::vector<std::size_t> cuts = sample(records.size() - from, cutsTried);
        for (std::size_t i = 0; i < records.size(); ++i) {
            apply(disk, records[i]);
            if (!std::ranges::binary_search(cuts, i - std::min(i, from)) || i < from)
                continue;
            const Bounds bounds = boundsAt(records[i].end, everyAnswerCounts);
            for (const Unsynced fate : everyFate) {
                ++tried;
                const fs::path place = fs::path(memory.path()) / "cut";
                fs::remove_all(place);
                disk.writeAfterCut(place, fate, static_cast<unsigned>(i));
                std::string found;
                std::string complaints;
                try {
                    found = loadedDump(place, complaints);
                    if (within(bounds, found))
                        continue;
                } catch (const std::exception& failure) {
                    complaints += failure.what();
                }
                if (lost++ == 0)
                    first = "cut after record " + std::to_string(i) + " (" + std::to_string(records[i].kind) +
                            " " + records[i].path + "), " + nameOf(fate) + "\n" + complaints +
                            "there is: " + found + "\nthere must be at least: " + texts[bounds.least];
            }
        }
        std::cout << std::string(from == 0 ? "" : "killed before: ") << tried << " power cuts after "
                  << cuts.size() << " of " << records.size() << " steps, " << lost << " with losses\n";
        return lost;
    }
    // The log names the directory where dbd worked; the disk began as a copy of it.
    void apply(Disk& disk, DiskRecord record) const {
        for (std::string* const path : {&record.path, &record.second}) {
            if (path->starts_with(daemon.config().string()))
                path->replace(0, daemon.config().string().size(), initial.string());
        }
        disk.apply(record);
    }

    Daemon daemon;
    dbd::TemporaryDirectory memory;
    fs::path initial;
    std::vector<Model> states;
    std::vector<std::string> texts; ///< of the states
    std::vector<Answer> answers;
    std::vector<DiskRecord> records;
};

TEST_F(PowerCut, ADiskThatIgnoresSyncsLosesWhatWasAcknowledged) {
    work({"--durability", "sync"}, true);
    ASSERT_FALSE(HasFatalFailure());
    std::string first;
    EXPECT_GT(losses(true, first), 0U);
}

TEST_F(PowerCut, WithDurabilitySyncNothingAcknowledgedIsLost) {
    work({"--durability", "sync"}, false);
    ASSERT_FALSE(HasFatalFailure());
    std::string first;
    EXPECT_EQ(losses(true, first), 0U) << first;
}

TEST_F(PowerCut, WithoutItNothingIsLostThatWasSynced) {
    work({}, false);
    ASSERT_FALSE(HasFatalFailure());
    std::string first;
    EXPECT_EQ(losses(false, first), 0U) << first;
    EXPECT_GT(losses(true, first), 0U) << "--durability=sync makes no difference";
}

TEST_F(PowerCut, TheRealDaemonStartsAfterIt) {
    work({"--durability", "sync"}, false);
    ASSERT_FALSE(HasFatalFailure());
    Disk disk(initial);
    const std::vector<std::size_t> cuts = sample(records.size(), starts);
    for (std::size_t i = 0; i < records.size() && !HasFailure(); ++i) {
        apply(disk, records[i]);
        if (!std::ranges::binary_search(cuts, i))
            continue;
        const Bounds bounds = boundsAt(records[i].end, true);
        Account account;
        account.acknowledged = states[bounds.least];
        account.perhaps = states[bounds.most];
        for (const Unsynced fate : {Unsynced::lost, Unsynced::random}) {
            fs::remove_all(daemon.config());
            disk.writeAfterCut(daemon.config(), fate, static_cast<unsigned>(i));
            daemon.expectSound(account,
                               "cut after record " + std::to_string(i) + " (" +
                                   std::to_string(records[i].kind) + " " + records[i].path + "), " +
                                   nameOf(fate),
                               true);
        }
    }
}

// What a killed dbd left unsynced is what the next one builds on.
TEST_F(PowerCut, AfterAKillAndAStartNothingIsLostEither) {
    using enum Operation::Kind;
    // A life that begins with a full journal, and what comes after it.
    const std::vector<Life> lives = workload();
    const Life after{{{settle, {}, {}}, {sync, {}, {}}, {write, "/after", "1"}}, true};
    begin();
    for (std::size_t i = 0; i < 2; ++i)
        work(lives[i], logging(), {});
    const fs::path copy = daemon.scratch() / "copy";
    daemon.keep(copy);
    const fs::path logCopy = daemon.scratch() / "log-copy";
    fs::copy_file(log(), logCopy);
    const auto statesThen = states;
    const auto answersThen = answers;
    std::size_t steps = 0;
    work(lives[2], logging(), {});
    for (const DiskRecord& record : readDiskLog(log())) {
        const bool isStep = record.kind != XB_DISK_SYNC_END && record.kind != XB_DISK_OPEN;
        steps += isStep && record.end > fs::file_size(logCopy) ? 1U : 0U;
    }
    ASSERT_GT(steps, 20U);
    for (const std::size_t step : sample(steps, killsBeforeCut)) {
        daemon.restore(copy);
        fs::copy_file(logCopy, log(), fs::copy_options::overwrite_existing);
        states = statesThen;
        answers = answersThen;
        texts.clear();
        const Words dying = onLoggedDisk(log(), daemon.config(), std::to_string(step + 1) + " 0");
        const Account killed = work(lives[2], dying, {});
        ASSERT_TRUE(killed.died) << "step " << step;
        const std::size_t from = readDiskLog(log()).size();
        // The change that got no answer is there or not, from the next start on.
        const fs::path copyToLoad = daemon.scratch() / "copy-to-load";
        fs::remove_all(copyToLoad);
        daemon.keep(copyToLoad);
        std::string complaints;
        const std::string there = normalized(loadedDump(copyToLoad, complaints));
        if (killed.perhaps && there == normalized(*killed.perhaps))
            states.push_back(*killed.perhaps);
        ASSERT_FALSE(work(after, logging(), {}).died);
        end();
        std::string first;
        EXPECT_EQ(losses(false, first, from), 0U) << "killed at step " << step << ", then " << first;
        if (HasFailure())
            break;
    }
}

// The periodic sync: a change that nobody asks to sync is on the disk in time, without any further call.
TEST_F(PowerCut, AChangeIsSyncedByItself) {
    daemon.keep(daemon.scratch() / "initial");
    Life life{{{Operation::Kind::settle, {}, {}}, {Operation::Kind::write, "/late", "1"}}, true};
    // Its file would be as good: the file comes with the same interval, behind a sync of the journal.
    bool synced = false;
    const auto onAnswer = [&](const Operation& operation) {
        if (operation.changes())
            synced = daemon.waitForChange(log(), [this] {
                const auto all = readDiskLog(log());
                const auto is = [](const DiskRecord& record) {
                    return record.kind == XB_DISK_WRITE && record.data.find("late") != std::string::npos;
                };
                const auto write = std::ranges::find_if(all, is);
                return write != all.end() && std::any_of(write, all.end(), [&](const DiskRecord& record) {
                           return record.kind == XB_DISK_SYNC_BEGIN && record.file == write->file;
                       });
            });
    };
    daemon.live(life, Model::nodes(), logging(), {}, onAnswer);
    EXPECT_TRUE(synced);
}

// What the log knows is what the kernel was asked.
TEST_F(PowerCut, TheLogMissesNothing) {
    std::map<std::string, std::size_t> traced;
    std::map<std::string, std::size_t> logged;
    const fs::path trace = daemon.scratch() / "trace";
    for (const Life& life : workload()) {
        Words words = tracing(trace);
        const Words inner = logging();
        words.insert(words.end(), inner.begin(), inner.end());
        words.push_back("ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0");
        daemon.live(life, Model::nodes(), words);
        for (const TracedCall& call : readTrace(trace, daemon.config(), lockIn(daemon.config()))) {
            if (call.changes && !call.failed && call.call != "fchmod")
                ++traced[call.call];
        }
    }
    for (const DiskRecord& record : readDiskLog(log())) {
        switch (static_cast<xb_disk_kind>(record.kind)) {
        case XB_DISK_CREATE:
            ++logged["openat"];
            break;
        case XB_DISK_WRITE:
            ++logged["write"];
            break;
        case XB_DISK_RENAME:
            ++logged["rename"];
            break;
        case XB_DISK_UNLINK:
            ++logged["unlink"];
            break;
        case XB_DISK_MAKE:
            ++logged["mkdir"];
            break;
        case XB_DISK_SYNC_BEGIN:
            ++logged["fsync"];
            break;
        case XB_DISK_SYNC_END:
        case XB_DISK_OPEN:
            break;
        case XB_DISK_HARMED:
        case XB_DISK_UNKNOWN:
            ADD_FAILURE() << "the log cannot express " << record.path;
        }
    }
    EXPECT_EQ(traced, logged);
}

} // namespace
} // namespace xb::test
