// SPDX-License-Identifier: Apache-2.0
// Checking and settling a database directory.
#include "dbd/maintenance.hpp"

#include "dbd/dry_run.hpp"
#include "dbd/lock.hpp"
#include "dbd/maintenance_detail.hpp"
#include "dbd/store.hpp"
#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>

namespace xb::dbd {

namespace {

/// What a running dbd may be seen in the middle of is gone when one looks again.
constexpr int looksAtALiveDirectory = 3;

struct Survey {
    std::vector<Problem> problems;
    std::vector<std::string> unsaved; ///< records that a start would write
};

/// Loads the directory without changing it. If db keeps dbd from starting, that is reported and the others
/// are loaded beside an empty one.
Survey survey(FileSystem& disk, const std::string& directory, const Limits& limits, bool withJournal) {
    Survey result;
    const std::string db = recordPath(directory, "");
    const auto load = [&](DryRun& fs) {
        JournalContent journal = readJournal(fs, directory, limits);
        if (!withJournal)
            journal.entries.clear();
        Store store(fs, directory, limits);
        std::vector<Problem> found = store.load(std::move(journal));
        std::ranges::move(found, std::back_inserter(result.problems));
        for (const std::string& path : fs.unlinked())
            result.problems.push_back(
                {path, 0, "is left over from an interrupted write; a start removes it"});
        result.unsaved = store.unsaved();
    };
    try {
        DryRun fs(disk);
        load(fs);
    } catch (const CannotStart& error) {
        DryRun fs(disk);
        fs.put(db, {});
        load(fs);
        std::erase_if(result.problems, [&db](const Problem& problem) { return problem.file == db; });
        std::erase(result.unsaved, std::string());
        result.problems.push_back(error.problem());
    }
    return result;
}

std::string asMessage(const Problem& problem) {
    return problem.message();
}

} // namespace

void requireDirectory(FileSystem& fs, const std::string& directory) {
    std::vector<std::string> names;
    if (const std::error_code error = fs.list(directory, names))
        throw Error(directory + " cannot be listed: " + error.message() +
                    "; name the directory that holds the file db, as in --check /config");
}

JournalContent readJournal(FileSystem& fs, const std::string& directory, const Limits& limits) {
    return readJournal(fs, directory, limits.journalBytes + maxEntryBytes);
}

std::vector<Problem> inspect(FileSystem& fs, const std::string& directory, const Limits& limits, bool live) {
    Survey found = survey(fs, directory, limits, !live);
    if (!live) {
        std::set<std::string> mentioned;
        for (const Problem& problem : found.problems)
            mentioned.insert(problem.file);
        const std::vector<std::string> anyway = survey(fs, directory, limits, false).unsaved;
        for (const std::string& record : found.unsaved) {
            const std::string file = recordPath(directory, record);
            if (std::ranges::find(anyway, record) == anyway.end() && !mentioned.contains(file))
                found.problems.push_back(
                    {file, 0, "the journal holds later changes of it, which count; --settle writes them"});
        }
    }
    const auto key = [](const Problem& problem) {
        return std::tie(problem.file, problem.line, problem.text);
    };
    std::ranges::sort(found.problems, {}, key);
    const auto same = [](const Problem& a, const Problem& b) { return asMessage(a) == asMessage(b); };
    const auto repeated =
        std::unique(found.problems.begin(), found.problems.end(), same); // clang 14: no ranges
    found.problems.erase(repeated, found.problems.end());
    return std::move(found.problems);
}

Report check(FileSystem& fs, const std::string& directory, const Limits& limits) {
    requireDirectory(fs, directory);
    Report report;
    const std::optional<std::string> holder = holderOf(directory);
    report.lines = inspect(fs, directory, limits, holder.has_value());
    for (int look = 1; holder && !report.lines.empty() && look < looksAtALiveDirectory; ++look) {
        std::set<std::string> still;
        std::ranges::transform(inspect(fs, directory, limits, true), std::inserter(still, still.end()),
                               asMessage);
        std::erase_if(report.lines,
                      [&still](const Problem& problem) { return !still.contains(problem.message()); });
    }
    if (holder)
        report.notes.push_back(fmt::format(
            "dbd, {}, runs on {}: the last changes may be in its journal alone", *holder, directory));
    std::vector<std::string> kept;
    if (!fs.list(asideDirectory(directory), kept) && !kept.empty())
        report.notes.push_back(
            fmt::format("{} holds {} that were set aside", asideDirectory(directory),
                        kept.size() == 1 ? "1 file" : fmt::format("{} files", kept.size())));
    report.good = report.lines.empty();
    return report;
}

void loadAndSave(FileSystem& fs, const std::string& directory, const Limits& limits, JournalContent journal,
                 Report& report) {
    Store store(fs, directory, limits);
    const auto say = [&report](std::vector<Problem> problems) {
        std::ranges::move(problems, std::back_inserter(report.lines));
    };
    say(store.load(std::move(journal)));
    say(store.saveNow());
    if (store.dirtyFiles() > 0)
        say({{directory, 0,
              fmt::format("{} files could not be written; the journal keeps their changes",
                          store.dirtyFiles())}});
    else if (!store.journal().empty())
        say({{journalDirectory(directory), 0, "could not be emptied, although all is in the files"}});
    report.good = report.good && store.dirtyFiles() == 0 && store.journal().empty();
}

Report settle(FileSystem& fs, const std::string& directory, const Limits& limits) {
    requireDirectory(fs, directory);
    const DirectoryLock lock(fs, directory);
    if (!lock.trouble().text.empty())
        throw Error(lock.trouble().message());
    Report report;
    loadAndSave(fs, directory, limits, readJournal(fs, directory, limits), report);
    return report;
}

} // namespace xb::dbd
