// SPDX-License-Identifier: Apache-2.0
// When the tree goes to disk: three seconds after a change at the latest, at once where a caller waits for
// it, never two jobs at a time, and never on the loop. A file that cannot be written keeps its old content,
// is reported once, and is tried again until it can.
#pragma once

#include "dbd/store.hpp"
#include "toolstack/libs/task.hpp"
#include "toolstack/libs/timer.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace xb::dbd {

/// Longest that a change stays in memory only, while the disk works.
inline constexpr std::chrono::seconds flushInterval{3};

class Saver {
public:
    Saver(const Executor& executor, FileSystem& fs, Store& store);

    /// To be called after every change: sees to a flush in time.
    void changed();
    /// Returns when these records are on disk; throws xb::Error naming what could not be written.
    Task<> saveRecords(std::vector<std::string> records);
    /// Returns when everything that is in the tree now is on disk; throws as saveRecords.
    Task<> saveAll();
    /// Reads again what was changed on disk by others.
    Task<> reload();
    /// The last failure to write; empty when all is well.
    const std::string& lastError() const { return lastError_; }

private:
    enum class Extent { records, everything };
    Task<> flush();
    Task<> runJob(std::vector<FileImage> images);
    void report(const std::vector<Problem>& problems);

    Executor executor_;
    FileSystem& fs_;
    Store& store_;
    Workers worker_;
    AsyncMutex disk_;
    Timer timer_;
    bool scheduled_ = false;
    std::chrono::steady_clock::time_point lastFlush_;
    std::string lastError_;
};

} // namespace xb::dbd
