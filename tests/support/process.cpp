// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xb::test {

namespace {

using Clock = std::chrono::steady_clock;

int listenForReadiness(const std::filesystem::path& path) {
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.string().size() >= sizeof address.sun_path)
        throw Error("the path of the readiness socket is too long: " + path.string());
    std::strcpy(address.sun_path, path.c_str());
    std::filesystem::remove(path);
    if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw systemError("cannot listen on " + path.string(), errno);
    return fd;
}

int millisecondsTo(Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    return static_cast<int>(std::max<decltype(left)>(left, 0));
}

} // namespace

Process::Process(const std::filesystem::path& directory, const std::string& name,
                 std::vector<std::string> arguments)
    : socketPath_(directory / (name + ".notify")), messagesPath_(directory / (name + ".log")),
      socket_(listenForReadiness(socketPath_)) {
    const int log = open(messagesPath_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    std::vector<char*> argv;
    for (std::string& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("NOTIFY_SOCKET", socketPath_.c_str(), 1);
        dup2(log, STDERR_FILENO);
        dup2(log, STDOUT_FILENO);
        execv(argv[0], argv.data());
        _exit(127);
    }
    close(log);
    if (pid_ < 0)
        throw systemError("cannot fork", errno);
    pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
}

Process::~Process() {
    if (running()) {
        kill(pid_, SIGKILL);
        reap(0);
    }
    close(pidfd_);
    close(socket_);
}

bool Process::waitReady() {
    const auto deadline = Clock::now() + patience;
    for (;;) {
        pollfd fds[2]{{socket_, POLLIN, 0}, {pidfd_, POLLIN, 0}};
        if (poll(fds, 2, millisecondsTo(deadline)) <= 0)
            return false;
        if (fds[0].revents != 0) {
            char text[512];
            const ssize_t length = recv(socket_, text, sizeof text, 0);
            if (length > 0 &&
                std::string(text, static_cast<std::size_t>(length)).find("READY=1") != std::string::npos)
                return true;
        } else {
            return false;
        }
    }
}

std::optional<int> Process::waitEnd() {
    if (!status_) {
        pollfd fd{pidfd_, POLLIN, 0};
        if (poll(&fd, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) == 1)
            reap(0);
    }
    return status_;
}

void Process::signal(int number) {
    if (running())
        kill(pid_, number);
}

bool Process::running() {
    if (!status_)
        reap(WNOHANG);
    return !status_;
}

void Process::reap(int flags) {
    int status = 0;
    if (waitpid(pid_, &status, flags) == pid_)
        status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string Process::messages() const {
    return readFileIfThere(messagesPath_).value_or("");
}

} // namespace xb::test
