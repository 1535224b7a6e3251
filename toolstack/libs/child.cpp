// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/child.hpp"

#include "toolstack/libs/error.hpp"

#include <boost/asio/redirect_error.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace xb {

namespace {

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> result;
    for (auto& each : strings)
        result.push_back(each.data());
    result.push_back(nullptr);
    return result;
}

std::vector<std::string> environmentOf(const Command& command) {
    std::vector<std::string> result;
    auto isReplaced = [&](const std::string& entry) {
        for (const auto& [name, value] : command.environment)
            if (entry.starts_with(name + "="))
                return true;
        return false;
    };
    if (!command.cleanEnvironment)
        for (char** entry = environ; *entry; ++entry)
            if (!isReplaced(*entry))
                result.emplace_back(*entry);
    for (const auto& [name, value] : command.environment)
        result.push_back(name + "=" + value);
    return result;
}

// Everything between fork and exec: only async-signal-safe calls, nothing allocated.
[[noreturn]] void becomeProgram(const Command& command, char* const* arguments, char* const* environment,
                                int report, pid_t parent) {
    auto fail = [report] {
        const int reason = errno;
        [[maybe_unused]] const ssize_t ignored = ::write(report, &reason, sizeof reason);
        ::_exit(127);
    };
    for (int number = 1; number < NSIG; ++number)
        ::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    if (command.newSession)
        ::setsid();
    if (command.signalWhenParentDies != 0) {
        ::prctl(PR_SET_PDEATHSIG, command.signalWhenParentDies);
        if (::getppid() != parent) // it died before we could ask
            ::_exit(127);
    }
    if (!command.workingDirectory.empty() && ::chdir(command.workingDirectory.c_str()) != 0)
        fail();
    // Nothing of ours stays open but what dup2 makes below.
    ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    // Out of the way of the numbers that the child wants, so that no pair overwrites another's source.
    constexpr int scratch = 200;
    int moved = scratch;
    const int reportAside =
        ::fcntl(report, F_DUPFD_CLOEXEC, moved + static_cast<int>(command.descriptors.size()) + 1);
    bool inputGiven = false;
    for (const auto& [ours, theirs] : command.descriptors)
        if (::dup2(ours, moved++) < 0)
            fail();
    moved = scratch;
    for (const auto& [ours, theirs] : command.descriptors) {
        if (::dup2(moved, theirs) < 0)
            fail();
        ::close(moved++);
        inputGiven = inputGiven || theirs == STDIN_FILENO;
    }
    if (!inputGiven) {
        const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (null < 0 || ::dup2(null, STDIN_FILENO) < 0)
            fail();
        ::close(null);
    }
    report = reportAside;
    ::execvpe(arguments[0], arguments, environment);
    const int reason = errno;
    [[maybe_unused]] const ssize_t ignored = ::write(report, &reason, sizeof reason);
    ::_exit(127);
}

int openPidfd(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U));
}

} // namespace

std::string ExitStatus::text() const {
    if (signal)
        return "was killed by signal " + std::to_string(*signal) + " (" + ::strsignal(*signal) + ")";
    return "exited with status " + std::to_string(code.value_or(-1));
}

Child::Child(const Executor& executor, const Command& command) {
    if (command.arguments.empty())
        throw Error(errors::invalidArgs, "no program to start");
    auto argumentStrings = command.arguments;
    auto environmentStrings = environmentOf(command);
    auto arguments = pointers(argumentStrings);
    auto environment = pointers(environmentStrings);
    int pipes[2];
    if (::pipe2(pipes, O_CLOEXEC) != 0)
        throw systemError("cannot start " + command.arguments.front(), errno);
    UniqueFd readEnd(pipes[0]);
    UniqueFd writeEnd(pipes[1]);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0)
        throw systemError("cannot start " + command.arguments.front(), errno);
    if (pid_ == 0)
        becomeProgram(command, arguments.data(), environment.data(), writeEnd.get(), parent);
    writeEnd.reset();
    int reason = 0;
    ssize_t n = 0;
    do
        n = ::read(readEnd.get(), &reason, sizeof reason);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        ::waitpid(pid_, nullptr, 0);
        throw systemError("cannot start " + command.arguments.front(), reason);
    }
    UniqueFd pidfd(openPidfd(pid_));
    if (!pidfd)
        throw systemError("cannot watch process " + std::to_string(pid_), errno);
    pidfd_ = std::make_unique<asio::posix::stream_descriptor>(executor, pidfd.release());
}

bool Child::signal(int number) const {
    if (status_ || !pidfd_)
        return false;
    return ::syscall(SYS_pidfd_send_signal, pidfd_->native_handle(), number, nullptr, 0U) == 0;
}

Task<ExitStatus> Child::wait() {
    if (status_)
        co_return *status_;
    co_await pidfd_->async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
    int status = 0;
    pid_t reaped = 0;
    do
        reaped = ::waitpid(pid_, &status, 0);
    while (reaped < 0 && errno == EINTR);
    ExitStatus result;
    if (reaped == pid_ && WIFSIGNALED(status))
        result.signal = WTERMSIG(status);
    else
        result.code = reaped == pid_ ? WEXITSTATUS(status) : 255;
    status_ = result;
    pidfd_.reset();
    co_return result;
}

namespace {

Task<> collect(std::shared_ptr<asio::posix::stream_descriptor> from, std::string& into, std::size_t limit,
               std::shared_ptr<Event> done) {
    char buffer[4096];
    for (;;) {
        boost::system::error_code error;
        const std::size_t n = co_await from->async_read_some(
            asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
        if (error || n == 0)
            break;
        into.append(buffer, std::min(n, limit - std::min(limit, into.size())));
    }
    done->set();
}

struct Pipe {
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0)
            throw systemError("cannot make a pipe", errno);
        read.reset(ends[0]);
        write.reset(ends[1]);
    }
    UniqueFd read;
    UniqueFd write;
};

} // namespace

Task<Output> runCommand(Command command, std::size_t limit) {
    const Executor executor = co_await asio::this_coro::executor;
    Pipe out;
    Pipe err;
    command.descriptors.emplace_back(out.write.get(), STDOUT_FILENO);
    command.descriptors.emplace_back(err.write.get(), STDERR_FILENO);
    Child child(executor, command);
    out.write.reset();
    err.write.reset();
    auto outStream = std::make_shared<asio::posix::stream_descriptor>(executor, out.read.release());
    auto errStream = std::make_shared<asio::posix::stream_descriptor>(executor, err.read.release());
    auto outDone = std::make_shared<Event>(executor);
    auto errDone = std::make_shared<Event>(executor);
    // The coroutines write into this object, which lives until both are done.
    auto output = std::make_shared<Output>();
    spawn(executor, "reading the output of " + command.arguments.front(),
          collect(outStream, output->standardOutput, limit, outDone));
    spawn(executor, "reading the output of " + command.arguments.front(),
          collect(errStream, output->standardError, limit, errDone));
    output->status = co_await child.wait();
    co_await outDone->wait();
    co_await errDone->wait();
    co_return std::move(*output);
}

} // namespace xb
