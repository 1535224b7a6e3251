// SPDX-License-Identifier: Apache-2.0
// From nothing to the first answer, and what a change does to the files.
#include "database.hpp"

#include "database_text.hpp"
#include "tests/support/process_facts.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <fmt/format.h>

#include <map>

#include <sys/stat.h>

namespace xb::bench {

namespace {

constexpr unsigned starts = 9;
constexpr unsigned fewLines = 15'000;
constexpr unsigned manyLines = 30'000;
constexpr double startGoalMs = 30;
constexpr double loadedGoalMb = 16;
// Twice the lines in twice the time; the rest is what a shared machine does to so short a time.
constexpr double linearGoal = 2.2;

/// What a rewritten file does not keep: its inode.
std::map<std::string, ino_t> filesIn(const std::filesystem::path& directory) {
    std::map<std::string, ino_t> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        struct stat status {};
        if (entry.is_regular_file() && stat(entry.path().c_str(), &status) == 0)
            files.emplace(entry.path(), status.st_ino);
    }
    return files;
}

/// How many files a write of one key makes dbd write. Leaves dbd stopped.
unsigned rewrittenFiles(Database& database, const std::filesystem::path& directory) {
    const std::string path = keyBelow("/vm", databaseVms / 2, 0);
    const auto before = filesIn(directory);
    database.client().call(databaseCall("write", {path, "another value"}));
    database.stop();
    unsigned changed = 0;
    const auto after = filesIn(directory);
    for (const auto& [file, inode] : after) {
        const auto old = before.find(file);
        changed += old == before.end() || old->second != inode ? 1U : 0U;
    }
    database.start(directory, databaseCall("read", {path}));
    const std::string kept = database.client().text(databaseCall("read", {path}));
    if (changed == 0 || kept != "another value")
        throw Error("dbd did not keep a write: it is \"" + kept + "\"");
    database.client().call(databaseCall("write", {path, valueOf(databaseVms / 2, 0)}));
    database.stop();
    return changed;
}

struct StartTimes {
    std::vector<double> whole;     ///< ms, to the first answer
    std::vector<double> processor; ///< ms
};

void startOnce(Database& database, const std::filesystem::path& directory, const std::string& path,
               StartTimes& times) {
    times.whole.push_back(database.start(directory, databaseCall("read", {path})));
    times.processor.push_back(test::processorTimeOf(database.dbd()) / 1000);
}

void measureCrowded(const DatabaseRun& run) {
    Database& database = run.database;
    const auto few = database.directory() / "few-lines", many = database.directory() / "many-lines";
    writeCrowdedVm(few, fewLines);
    writeCrowdedVm(many, manyLines);
    StartTimes fewTimes, manyTimes;
    const std::string path = std::string(crowdedNode) + "/n7";
    for (unsigned i = 0; i < run.effort.times(starts); ++i) {
        startOnce(database, few, path, fewTimes);
        database.stop();
        startOnce(database, many, path, manyTimes);
        database.stop();
    }
    run.report.add({fmt::format("start with one file of {} lines, against {}", manyLines, fewLines),
                    median(manyTimes.whole) / median(fewTimes.whole), "x", Goal{linearGoal},
                    fmt::format("{:.1f} ms, CPU {:.1f} ms against {:.1f} ms", median(manyTimes.whole),
                                median(manyTimes.processor), median(fewTimes.processor))});
}

} // namespace

void measureDatabaseStart(const DatabaseRun& run) {
    Database& database = run.database;
    const auto directory = database.directory() / "config";
    writeDatabase(directory);
    const std::string last = keyBelow("/vm", databaseVms - 1, databaseKeys - 1);
    std::vector<double> echo, resident;
    StartTimes times;
    for (unsigned i = 0; i < run.effort.times(starts); ++i) {
        echo.push_back(database.startEcho());
        startOnce(database, directory, last, times);
        if (database.client().text(databaseCall("read", {last})) !=
            valueOf(databaseVms - 1, databaseKeys - 1))
            throw Error("dbd does not serve " + last);
        resident.push_back(test::memoryOf(database.dbd()).resident / 1024);
        if (i + 1 < run.effort.times(starts))
            database.stop();
    }
    run.report.add({"start to first read", median(times.whole), "ms", Goal{startGoalMs},
                    fmt::format("CPU {:.1f} ms", median(times.processor)), median(echo)});
    run.report.add({"resident memory, loaded", median(resident), "MB", Goal{loadedGoalMb}, "",
                    test::memoryOf(database.echo()).resident / 1024});
    run.report.add({"files rewritten by one write", static_cast<double>(rewrittenFiles(database, directory)),
                    "", Goal{1}});
    measureCrowded(run);
    database.start(directory, databaseCall("read", {last}));
}

} // namespace xb::bench
