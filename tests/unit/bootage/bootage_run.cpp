// SPDX-License-Identifier: Apache-2.0
#include "bootage_run.hpp"

#include "toolstack/libs/files.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <iterator>
#include <poll.h>
#include <sstream>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xb::bootage {

namespace {

using Clock = std::chrono::steady_clock;

int millisecondsUntil(Clock::time_point end) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
    return left > 0 ? static_cast<int>(left) : 0;
}

bool readable(int fd, Clock::time_point end) {
    pollfd wait{fd, POLLIN, 0};
    return ::poll(&wait, 1, millisecondsUntil(end)) == 1;
}

} // namespace

void BootageRun::SetUp() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    std::string name = (std::filesystem::temp_directory_path() / "bootage-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
}

void BootageRun::TearDown() {
    if (bootage_ > 0) {
        ::kill(bootage_, SIGTERM);
        expectEnd();
    }
    siginfo_t left{};
    const int result = ::waitid(P_ALL, 0, &left, WEXITED | WNOHANG | WNOWAIT);
    EXPECT_TRUE(result < 0 && errno == ECHILD) << "a process was left behind";
    if (HasFailure())
        std::fprintf(stderr, "--- bootage said:\n%s---\n", output().c_str());
    std::filesystem::remove_all(directory_);
}

std::string BootageRun::service(const std::string& name, const std::string& steps,
                                const std::string& more) const {
    std::string text = "service " + name + "\nexec " BOOTAGE_TEST_SERVICE " " + steps + "\n" + more + "\n";
    for (auto at = text.find("DIR"); at != std::string::npos; at = text.find("DIR"))
        text.replace(at, 3, directory_.string());
    return text;
}

void BootageRun::start(const std::string& config, std::vector<std::string> options) {
    writeFileAtomically(file("b.conf"), config);
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    status_.reset(ends[0]);
    const UniqueFd writeEnd(ends[1]);
    std::vector<std::string> arguments{BOOTAGE_PROGRAM, "--config", file("b.conf"), "--status-fd", "9",
                                       "--log-to",      "stderr"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const std::string output = file("stderr");
    bootage_ = ::fork();
    if (bootage_ == 0) {
        std::vector<char*> pointers;
        for (auto& each : arguments)
            pointers.push_back(each.data());
        pointers.push_back(nullptr);
        const int log = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        ::dup2(log, STDOUT_FILENO);
        ::dup2(log, STDERR_FILENO);
        ::dup2(writeEnd.get(), 9);
        ::execv(pointers[0], pointers.data());
        ::_exit(127);
    }
    ASSERT_GT(bootage_, 0);
}

bool BootageRun::readStatus() {
    char bytes[4096];
    const ssize_t size = ::read(status_.get(), bytes, sizeof bytes);
    if (size <= 0)
        return false;
    buffer_.append(bytes, static_cast<std::size_t>(size));
    for (auto end = buffer_.find('\n'); end != std::string::npos; end = buffer_.find('\n')) {
        lines_.push_back(buffer_.substr(0, end));
        buffer_.erase(0, end + 1);
    }
    return true;
}

std::string BootageRun::expectLine(const std::string& line) {
    const auto end = Clock::now() + deadline;
    for (;;) {
        while (next_ < lines_.size())
            if (const std::string& each = lines_[next_++]; each.starts_with(line))
                return each.substr(line.size());
        if (!readable(status_.get(), end) || !readStatus()) {
            const bool late = Clock::now() >= end;
            throw std::runtime_error("no \"" + line + "\" " +
                                     (late ? "in time" : "before bootage closed its status"));
        }
    }
}

int BootageRun::expectEnd() {
    const pid_t pid = std::exchange(bootage_, -1);
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    const auto end = Clock::now() + deadline;
    while (status_ && readable(status_.get(), end) && readStatus()) {
    }
    if (!readable(pidfd.get(), end)) {
        ADD_FAILURE() << "bootage did not end in time";
        ::kill(pid, SIGKILL);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int BootageRun::stop() {
    ::kill(bootage_, SIGTERM);
    return expectEnd();
}

long BootageRun::count(const std::string& text) const {
    return std::ranges::count_if(lines_, [&](const std::string& each) { return each.starts_with(text); });
}

std::string BootageRun::content(const std::string& name) const {
    return readFileIfThere(file(name)).value_or("");
}

std::vector<std::string> BootageRun::words(const std::string& name) const {
    std::istringstream text(content(name));
    return {std::istream_iterator<std::string>(text), {}};
}

// Kept open for reading and writing, so that a byte waits for a reader that is late.
void BootageRun::makeFifo(const std::string& name) {
    ASSERT_EQ(::mkfifo(file(name).c_str(), 0600), 0);
    fifos_[name].reset(::open(file(name).c_str(), O_RDWR | O_CLOEXEC));
}

void BootageRun::release(const std::string& name) {
    writeAll(fifos_.at(name).get(), "x", name);
}

pid_t BootageRun::pidIn(const std::string& name, std::size_t count) const {
    const UniqueFd changes(::inotify_init1(IN_CLOEXEC));
    ::inotify_add_watch(changes.get(), directory_.c_str(), IN_MODIFY);
    const auto end = Clock::now() + deadline;
    while (std::ranges::count(content(name), '\n') < static_cast<std::ptrdiff_t>(count)) {
        char events[4096];
        if (!readable(changes.get(), end) || ::read(changes.get(), events, sizeof events) <= 0)
            throw std::runtime_error("no process id in " + name);
    }
    return std::stoi(words(name).back());
}

void BootageRun::expectGone(pid_t pid) {
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd)
        return;
    EXPECT_TRUE(readable(pidfd.get(), Clock::now() + deadline)) << "process " << pid << " lives on";
    ::waitpid(pid, nullptr, WNOHANG);
}

bool BootageRun::alive(pid_t pid) {
    const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    return pidfd && !readable(pidfd.get(), Clock::now());
}

pid_t BootageRun::childOf(pid_t pid) {
    const auto number = std::to_string(pid);
    return std::stoi(readFile("/proc/" + number + "/task/" + number + "/children"));
}

} // namespace xb::bootage
