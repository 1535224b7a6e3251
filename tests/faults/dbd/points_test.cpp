// SPDX-License-Identifier: Apache-2.0
// dbd at every call by which it changes its files: killed before the call, and with the call failing, once
// or from there on. Nothing that was acknowledged is lost, no file is torn, and it goes on. The points are
// those of a trace of the same workload; each of them has to be hit.
#include "daemon.hpp"
#include "power_cut.hpp"
#include "strace.hpp"

#include "tests/support/disk_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>

namespace xb::test {
namespace {

namespace fs = std::filesystem;

// How many points are tried unless all are.
constexpr std::size_t kills = 25;
constexpr std::size_t failures = 8;
constexpr int attempts = 3; // that a point may need, as a thread may be late once

// By strace's name, and as errno; 0: a kill.
struct Harm {
    std::string name;
    int value;
};
const Harm errors[] = {{"error=ENOSPC", ENOSPC}, {"error=EIO", EIO}};

struct Stage {
    Life life;
    Model known; ///< at its start
    fs::path before;
    std::vector<TracedCall> calls;
};
struct Case {
    const Stage* stage;
    Point point;
};

class Points : public testing::Test {
protected:
    // The workload unharmed: what each life starts from, and its points.
    void SetUp() override {
        std::string complaints;
        Model known = parseModel(loadedDump(daemon.config(), complaints));
        for (const Life& life : workload()) {
            Stage stage{life, known, daemon.scratch() / ("before-" + std::to_string(stages.size())), {}};
            daemon.keep(stage.before);
            const Account account = trace(stage, stage.calls);
            ASSERT_EQ(account.messages.find("error"), std::string::npos) << account.messages;
            ASSERT_THAT(account.refusals, testing::IsEmpty());
            ASSERT_FALSE(account.died);
            known = account.acknowledged;
            stages.push_back(std::move(stage));
        }
        Account knownAlone;
        knownAlone.acknowledged = known;
        daemon.expectSound(knownAlone, "unharmed");
        for (const Stage& stage : stages) {
            for (const Point& point : pointsOf(stage.calls))
                cases.push_back({&stage, point});
        }
        ASSERT_GT(cases.size(), kills);
    }

    Account trace(const Stage& stage, std::vector<TracedCall>& calls) {
        const fs::path file = daemon.scratch() / "trace";
        Account account = daemon.live(stage.life, stage.known, tracing(file));
        calls = readTrace(file, daemon.config(), lockIn(daemon.config()));
        return account;
    }

    /// The life of a case, harmed. Nothing when its point was not come to.
    std::optional<Account> harm(const Case& each, const Harm& how, bool onwards) {
        const fs::path file = daemon.scratch() / "trace";
        const fs::path log = daemon.scratch() / "disk.log";
        const bool counted = each.point.step == 0;
        for (int attempt = 0; attempt < attempts; ++attempt) {
            daemon.restore(each.stage->before);
            fs::remove(log);
            const std::string step = std::to_string(each.point.step) + " " + std::to_string(how.value);
            const Words before = counted ? harming(file, each.point, how.name, onwards)
                                         : onLoggedDisk(log, daemon.config(), step + (onwards ? " +" : ""));
            Account account = daemon.live(each.stage->life, each.stage->known, before);
            if (counted ? reached(each.point, readTrace(file, daemon.config(), lockIn(daemon.config())))
                        : harmed(log, each.point))
                return account;
        }
        return std::nullopt;
    }
    static bool harmed(const fs::path& log, const Point& point) {
        return std::ranges::any_of(readDiskLog(log), [&point](const DiskRecord& record) {
            return record.kind == XB_DISK_HARMED && record.second == point.call && record.path == point.path;
        });
    }

    /// Does `check` with each harmed life of the sample, or of all.
    void withEach(const Harm& how, bool onwards, std::size_t sampled,
                  const std::function<void(const Account&, const std::string& when)>& check) {
        const std::vector<std::size_t> wanted = sample(cases.size(), sampled);
        std::size_t covered = 0;
        for (const std::size_t number : wanted) {
            const Case& each = cases[number];
            const std::string when =
                how.name + (onwards ? " from " : " at ") + "point " + std::to_string(number) + ", life " +
                std::to_string(each.stage - stages.data()) + ": " + each.point.describe();
            const std::optional<Account> account = harm(each, how, onwards);
            EXPECT_TRUE(account.has_value()) << "not come to: " << when;
            if (!account)
                continue;
            ++covered;
            check(*account, when);
            daemon.expectSound(*account, when);
            if (HasFailure())
                break; // the first says it all
        }
        std::cout << how.name << (onwards ? " onwards: " : ": ") << covered << " of " << cases.size()
                  << " points covered\n";
        EXPECT_EQ(covered, wanted.size());
    }

    static void expectReasonTold(const Account& account, const std::string& reason, const std::string& when) {
        const auto tells = [&](const std::string& text) { return text.find(reason) != std::string::npos; };
        EXPECT_TRUE(tells(account.messages) || std::ranges::any_of(account.refusals, tells))
            << when << ": nobody heard of it\n"
            << account.messages;
    }
    static void expectSurvived(const Account& account, const std::string& when) {
        if (account.neverServed) { // it may refuse to start, saying why
            EXPECT_EQ(account.status, 1) << when << "\n" << account.messages;
            return;
        }
        EXPECT_FALSE(account.died) << when << ", status " << account.status << "\n" << account.messages;
        // Both the flush at the end and its repetition may fail: "once" is once in each thread.
        const bool unsaved = account.messages.find("could not be saved") != std::string::npos;
        EXPECT_EQ(account.status, account.endedInOrder ? (unsaved ? 1 : 0) : 128 + SIGKILL)
            << when << "\n"
            << account.messages;
        if (!account.shown.empty()) {
            EXPECT_TRUE(account.allows(account.shown))
                << when << "\nserved: " << account.shown
                << "\nbut acknowledged was: " << normalized(account.acknowledged) << "\n"
                << testing::PrintToString(account.refusals);
        }
    }

    Daemon daemon;
    std::vector<Stage> stages;
    std::vector<Case> cases;
};

TEST_F(Points, KilledThereItLosesNothing) {
    withEach({"signal=SIGKILL", 0}, false, kills, [](const Account& account, const std::string& when) {
        EXPECT_EQ(account.status, 128 + SIGKILL) << when;
    });
    // No point came or went while we looked.
    for (const Stage& stage : stages) {
        daemon.restore(stage.before);
        std::vector<TracedCall> calls;
        trace(stage, calls);
        const auto changes = [](const TracedCall& call) { return call.changes; };
        EXPECT_EQ(std::ranges::count_if(calls, changes), std::ranges::count_if(stage.calls, changes));
    }
}

TEST_F(Points, ACallThatFailsOnceLosesNothing) {
    for (const Harm& how : errors) {
        withEach(how, false, failures, [&](const Account& account, const std::string& when) {
            expectSurvived(account, when);
            expectReasonTold(account, std::strerror(how.value), when);
        });
    }
}

TEST_F(Points, ACallThatFailsFromThereOnLosesNothing) {
    for (const Harm& how : errors) {
        withEach(how, true, failures, [&](const Account& account, const std::string& when) {
            expectSurvived(account, when);
            expectReasonTold(account, std::strerror(how.value), when);
        });
    }
}

} // namespace
} // namespace xb::test
