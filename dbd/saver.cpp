// SPDX-License-Identifier: Apache-2.0
#include "dbd/saver.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"

#include <algorithm>

namespace xb::dbd {

namespace {

// One disk job's worth of text: what is serialised on the loop in one go, between requests.
constexpr std::size_t sliceBytes = 256 * 1024;

} // namespace

Saver::Saver(const Executor& executor, FileSystem& fs, Store& store, Durability durability)
    : executor_(executor), fs_(fs), store_(store), durability_(durability), disk_(executor),
      syncing_(executor), flushTimer_(executor), syncTimer_(executor),
      lastFlush_(std::chrono::steady_clock::now() - flushInterval) {}

void Saver::changed() {
    if (store_.dirtyFiles() == 0 && store_.journal().empty())
        return;
    if (!scheduled_) {
        scheduled_ = true;
        flushTimer_.callAfter(lastFlush_ + flushInterval - std::chrono::steady_clock::now(),
                              [this] { spawn(executor_, "saving", flush()); });
    }
    // A flush syncs the journal as well, but may take long.
    if (!syncTimer_.armed() && !store_.journal().isSynced())
        syncTimer_.callAfter(flushInterval,
                             [this] { spawn(executor_, "syncing the journal", periodicSync()); });
}

Task<> Saver::flush() {
    lastFlush_ = std::chrono::steady_clock::now();
    try {
        co_await saveAll();
    } catch (const Error&) {
        // reported already; tried again below
    }
    lastFlush_ = std::chrono::steady_clock::now();
    scheduled_ = false;
    changed();
}

Task<> Saver::periodicSync() {
    try {
        co_await sync();
    } catch (const Error&) {
        // reported already; the next change or flush tries again
    }
}

Task<> Saver::acknowledge() {
    if (durability_ == Durability::sync)
        co_await sync();
}

Task<> Saver::sync() {
    Journal& journal = store_.journal();
    const std::uint64_t wanted = journal.written();
    while (journal.synced() < wanted) {
        auto turn = co_await syncing_.lock();
        if (journal.synced() >= wanted) // by the one before, together with his
            break;
        const Journal::SyncJob job = journal.takeSync();
        auto work = [this, job] { return job.run(fs_); };
        const Problem trouble = co_await syncer_.run(std::move(work));
        journal.synced(job, trouble.text.empty());
        if (trouble.text.empty()) {
            if (journal.isSynced())
                syncTimer_.cancel();
            continue;
        }
        std::vector<Problem> problems{trouble};
        report(problems);
        throw Error("the change is made but may not survive a power cut: " + trouble.message());
    }
}

Task<> Saver::runJob(std::vector<FileImage> images) {
    std::vector<WriteResult> results;
    auto work = [this, images = std::move(images)]() mutable {
        return writeImages(fs_, store_.directory(), std::move(images));
    };
    results = co_await worker_.run(std::move(work));
    const bool failed = std::ranges::any_of(results, [](const WriteResult& each) { return !each.durable; });
    std::vector<Problem> problems = store_.completed(results);
    if (!failed) { // what is told then is no failure: a file that somebody edited was set aside
        for (const auto& notice : problems)
            log::warn("{}", notice.message());
        problems.clear();
    }
    report(problems);
}

Task<> Saver::saveAll() {
    auto lock = co_await disk_.lock();
    std::string failure;
    try {
        co_await saveSlices();
    } catch (const Error& error) {
        failure = error.what();
    }
    lastFlushTime_ = std::chrono::system_clock::now();
    if (failure.empty())
        co_return;
    std::vector<Problem> problems{{store_.directory(), 0, failure}};
    if (lastError_.empty())
        report(problems);
    throw Error(failure);
}

Task<> Saver::saveSlices() {
    store_.beginFlush();
    // What is dirty now; changes that come while we write are the next flush's.
    for (std::size_t files = store_.dirtyFiles(); files > 0;) {
        auto images = store_.takeDirty(sliceBytes);
        if (images.empty())
            break;
        files -= std::min(files, images.size());
        std::string unsynced;
        try {
            co_await sync(); // what the files are about to be, before they are
        } catch (const Error& error) {
            unsynced = error.what(); // the files are the better place then
        }
        co_await runJob(std::move(images));
        if (!lastError_.empty())
            throw Error("could not write everything to " + store_.directory() + ": " + lastError_ +
                        "; it is tried again");
    }
    const std::vector<SpentSegment> covered = store_.endFlush();
    if (covered.empty())
        co_return;
    auto work = [this, covered] { return removeSegments(fs_, covered); };
    const Removal removal = co_await worker_.run(std::move(work));
    store_.journal().removed(removal.removed);
    if (!removal.problems.empty())
        report(removal.problems);
}

Task<> Saver::reload() {
    auto lock = co_await disk_.lock();
    auto known = store_.beginReload();
    auto work = [this, known = std::move(known)] {
        return findChanges(fs_, store_.directory(), store_.tree().limits(), known);
    };
    DiskChanges changes = co_await worker_.run(std::move(work));
    for (const auto& problem : store_.applyReload(std::move(changes)))
        log::warn("{}", problem.message());
    log::info("read the files in {} again", store_.directory());
}

void Saver::report(const std::vector<Problem>& problems) {
    const std::string before = std::exchange(lastError_, "");
    for (const auto& problem : problems) {
        if (lastError_.empty())
            lastError_ = problem.message();
        if (problem.message() != before)
            log::error("{}", problem.message());
    }
    if (!before.empty() && lastError_.empty())
        log::info("writing works again");
}

} // namespace xb::dbd
