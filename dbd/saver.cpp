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

Saver::Saver(const Executor& executor, FileSystem& fs, Store& store)
    : executor_(executor), fs_(fs), store_(store), disk_(executor), timer_(executor),
      lastFlush_(std::chrono::steady_clock::now() - flushInterval) {}

void Saver::changed() {
    if (scheduled_ || store_.dirtyFiles() == 0)
        return;
    scheduled_ = true;
    timer_.callAfter(lastFlush_ + flushInterval - std::chrono::steady_clock::now(),
                     [this] { spawn(executor_, "saving", flush()); });
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

Task<> Saver::runJob(std::vector<FileImage> images) {
    std::vector<WriteResult> results;
    auto work = [this, images = std::move(images)]() mutable {
        return writeImages(fs_, store_.directory(), std::move(images));
    };
    results = co_await worker_.run(std::move(work));
    report(store_.completed(results));
}

Task<> Saver::saveRecords(std::vector<std::string> records) {
    auto lock = co_await disk_.lock();
    auto images = store_.takeRecords(records);
    if (!images.empty())
        co_await runJob(std::move(images));
    for (const auto& record : records)
        if (!store_.isSaved(record))
            throw Error("the change is in memory but could not be written to " + store_.directory() + ": " +
                        (lastError_.empty() ? "see the log of dbd" : lastError_) + "; it is tried again");
}

Task<> Saver::saveAll() {
    auto lock = co_await disk_.lock();
    // What is dirty now; changes that come while we write are the next flush's.
    for (std::size_t files = store_.dirtyFiles(); files > 0;) {
        auto images = store_.takeDirty(sliceBytes);
        if (images.empty())
            break;
        files -= std::min(files, images.size());
        co_await runJob(std::move(images));
        if (!lastError_.empty())
            throw Error("could not write everything to " + store_.directory() + ": " + lastError_ +
                        "; it is tried again");
    }
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
