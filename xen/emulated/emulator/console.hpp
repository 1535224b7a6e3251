// SPDX-License-Identifier: Apache-2.0
// One domain's console, as xenconsoled keeps it: what the guest prints goes to a log and to a pty, what is
// typed on the pty goes to the guest. Owns both ends of the pty; a reader that comes late finds the last part
// of the output.
#pragma once

#include "toolstack/libs/log_rotation.hpp"
#include "toolstack/libs/task.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>
#include <string>

namespace xb::xen::emulated {

/// Output kept for a pty that nobody reads, in bytes; the oldest goes first.
inline constexpr std::size_t consoleBacklog = 64 * 1024;

class Console : public std::enable_shared_from_this<Console> {
public:
    /// Throws xb::Error when there is no pty or no log to be had.
    Console(const Executor& executor, std::string logPath, LogLimits limits);

    void start();
    void close();
    const std::string& tty() const { return tty_; }
    /// The descriptor that becomes the guest's stdin and stdout; given away once.
    UniqueFd takeGuestEnd() { return std::move(guestEnd_); }

private:
    void readGuest();
    void readPty();
    void onGuestOutput(std::string_view text);
    void openLog();
    void writeLog(std::string_view text);
    void flushToPty();
    void flushToGuest();

    asio::posix::stream_descriptor pty_;
    asio::posix::stream_descriptor guest_;
    UniqueFd slave_;
    UniqueFd guestEnd_;
    std::string logPath_;
    LogLimits logLimits_;
    UniqueFd log_;
    std::uint64_t logged_ = 0; ///< bytes in log_
    std::string tty_;
    std::string toPty_;
    std::string toGuest_;
    bool writingPty_ = false;
    bool closed_ = false;
};

} // namespace xb::xen::emulated
