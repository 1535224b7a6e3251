// SPDX-License-Identifier: Apache-2.0
// Watches a log that another program appends to (inotify(7)) and begins it anew when it has become too large.
#pragma once

#include "toolstack/libs/log_rotation.hpp"
#include "toolstack/libs/task.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <filesystem>
#include <memory>

namespace xb {

class LogWatch : public std::enable_shared_from_this<LogWatch> {
public:
    /// Watches `file`, which need not be there yet; its directory must be. Files are copied by `workers`,
    /// which outlive this. Throws xb::Error.
    static std::shared_ptr<LogWatch> open(const Executor& executor, Workers& workers,
                                          std::filesystem::path file, LogLimits limits);
    /// Ends the watch, which keeps itself alive until then; a rotation that is under way is finished.
    void close();

private:
    LogWatch(const Executor& executor, Workers& workers, std::filesystem::path file, LogLimits limits);
    void watchFile();
    void wait();
    void takeEvents();
    void look();
    static Task<> rotate(std::shared_ptr<LogWatch> self);

    Executor executor_;
    Workers& workers_;
    std::filesystem::path file_;
    LogLimits limits_;
    asio::posix::stream_descriptor events_;
    int directoryWatch_ = -1;
    bool rotating_ = false;
    bool complained_ = false; ///< once: guests must not fill our own log
    bool closed_ = false;
};

} // namespace xb
