// SPDX-License-Identifier: Apache-2.0
// Child processes, waited for by pidfd: no SIGCHLD handler, which libxl wants for itself in xenvm. A child
// starts with stdin from /dev/null, no descriptor of ours but those given to it, default signals, and dies
// with us if asked to.
#pragma once

#include "toolstack/libs/task.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace xb {

/// How a child ended.
struct ExitStatus {
    /// Exit code, when it ended by itself.
    std::optional<int> code;
    /// Signal number, when a signal ended it.
    std::optional<int> signal;

    bool success() const { return code && *code == 0; }
    /// "exited with status 3", "was killed by signal 9 (Killed)".
    std::string text() const;
};

/// What to start and how.
struct Command {
    /// Program (looked up in PATH when it has no slash) and arguments.
    std::vector<std::string> arguments;
    /// Variables set on top of our environment, or the whole environment with `cleanEnvironment`.
    std::vector<std::pair<std::string, std::string>> environment;
    bool cleanEnvironment = false;
    std::filesystem::path workingDirectory;
    /// Descriptors that the child has as (ours, its number); stdin, stdout and stderr by default /dev/null,
    /// ours, ours.
    std::vector<std::pair<int, int>> descriptors;
    /// Sent to the child when we die (PR_SET_PDEATHSIG); 0 for none.
    int signalWhenParentDies = 0;
    /// A session of its own: it gets none of our terminal's signals.
    bool newSession = false;
};

/// A running child. Destroying it lets the process go on (it is reaped by nobody then): end it first.
class Child {
public:
    /// Starts it; throws xb::Error with the program and the reason (also when exec fails).
    Child(const Executor& executor, const Command& command);
    Child(Child&&) = default;
    Child& operator=(Child&&) = default;

    pid_t pid() const { return pid_; }
    /// Sends a signal through the pidfd, so never to another process; false when it has ended already.
    bool signal(int number) const;
    /// Waits until it ends. May be awaited once at a time; answers at once afterwards.
    Task<ExitStatus> wait();
    bool ended() const { return status_.has_value(); }

private:
    pid_t pid_ = -1;
    std::unique_ptr<asio::posix::stream_descriptor> pidfd_;
    std::optional<ExitStatus> status_;
};

/// A finished command with what it printed.
struct Output {
    ExitStatus status;
    std::string standardOutput;
    std::string standardError;
};

/// Most that runCommand keeps of either stream.
inline constexpr std::size_t defaultOutputLimit = 1024 * 1024;

/// Runs a command to its end and collects its output, at most `limit` bytes of each stream.
Task<Output> runCommand(Command command, std::size_t limit = defaultOutputLimit);

} // namespace xb
