// SPDX-License-Identifier: Apache-2.0
// When the disk is written, and what is waited for. Every change is in the journal when it is made. The files
// follow three seconds after a change at the latest, never two jobs at a time, and never on the loop; a file
// that cannot be written keeps its old content, is reported once, and is tried again until it can. The
// journal itself is synced as often, or before every answer (Durability::sync), many changes at once.
#pragma once

#include "dbd/store.hpp"
#include "toolstack/libs/task.hpp"
#include "toolstack/libs/timer.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace xb::dbd {

/// Longest that a change stays out of its file, and out of reach of a power cut, while the disk works.
inline constexpr std::chrono::seconds flushInterval{3};

enum class Durability {
    normal, ///< an answered change survives the death of dbd; a power cut may take the last flushInterval
    sync,   ///< an answered change survives a power cut
};

class Saver {
public:
    Saver(const Executor& executor, FileSystem& fs, Store& store, Durability durability = Durability::normal);

    /// To be called after every change: sees to a flush in time.
    void changed();
    /// Returns when a change that was just made may be answered. Throws xb::Error if the disk does not take
    /// it.
    Task<> acknowledge();
    /// Whether that takes a while.
    bool syncsAnswers() const { return durability_ == Durability::sync; }
    /// Returns when everything so far survives a power cut. Throws if that cannot be.
    Task<> sync();
    /// Returns when everything that is in the tree now is in the files. Throws naming what could not be
    /// written.
    Task<> saveAll();
    /// Reads again what was changed on disk by others.
    Task<> reload();

    /// The last failure to write; empty when all is well.
    const std::string& lastError() const { return lastError_; }
    /// When the last flush ended, successful or not; nothing before the first.
    std::chrono::system_clock::time_point lastFlush() const { return lastFlushTime_; }

private:
    Task<> flush();
    Task<> periodicSync();
    Task<> saveSlices();
    Task<> runJob(std::vector<FileImage> images);
    void report(const std::vector<Problem>& problems);

    Executor executor_;
    FileSystem& fs_;
    Store& store_;
    Durability durability_;
    Workers worker_;
    Workers syncer_;
    AsyncMutex disk_;
    AsyncMutex syncing_;
    Timer flushTimer_;
    Timer syncTimer_;
    bool scheduled_ = false;
    std::chrono::steady_clock::time_point lastFlush_;
    std::chrono::system_clock::time_point lastFlushTime_{};
    std::string lastError_;
};

} // namespace xb::dbd
