// SPDX-License-Identifier: Apache-2.0
#include "bootage/process_tree.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xb::bootage {

namespace {

constexpr std::size_t maxProcFile = 4 * 1024 * 1024;

std::optional<std::string> readProc(pid_t pid, const char* file) {
    try {
        return readFileIfThere("/proc/" + std::to_string(pid) + "/" + file, maxProcFile);
    } catch (const Error&) {
        return std::nullopt; // it ended meanwhile (ESRCH), or it is not ours to read
    }
}

std::string serviceOf(pid_t pid) {
    const std::string text = readProc(pid, "environ").value_or("");
    const std::string prefix = fmt::format("{}=", serviceVariable);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\0', at), text.size());
        const std::string_view entry = std::string_view(text).substr(at, end - at);
        if (entry.starts_with(prefix))
            return std::string(entry.substr(prefix.size()));
        at = end + 1;
    }
    return {};
}

// proc(5), /proc/PID/stat: "pid (name) state ppid pgrp session ..."; the name may hold anything, also ")".
std::optional<Process> childOfOurs(pid_t pid) {
    const auto text = readProc(pid, "stat");
    if (!text)
        return std::nullopt;
    const auto open = text->find('(');
    const auto close = text->rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open)
        return std::nullopt;
    std::istringstream rest(text->substr(close + 1));
    char state = 0;
    int parent = 0;
    int group = 0;
    int session = 0;
    if (!(rest >> state >> parent >> group >> session))
        return std::nullopt;
    if (parent != ::getpid() || state == 'X')
        return std::nullopt;
    return Process{pid, session, text->substr(open + 1, close - open - 1), serviceOf(pid)};
}

std::string label(const Process& process) {
    return "process " + std::to_string(process.pid) + " (" + process.name + ")" +
           (process.service.empty() ? "" : " of " + process.service);
}

// One run of TERM, then KILL, over a set of processes that changes under way.
class Ending {
public:
    using Clock = std::chrono::steady_clock;

    explicit Ending(Milliseconds grace) : killAt_(Clock::now() + grace), giveUpAt_(killAt_ + killTimeout) {}

    // Signals those that are left; nothing is left to do when it returns no time to wait.
    std::optional<Milliseconds> step(std::vector<Process> left) {
        std::erase_if(left, [this](const Process& each) { return beyondUs_.contains(each.pid); });
        if (left.empty())
            return std::nullopt;
        const auto now = Clock::now();
        if (now >= giveUpAt_) {
            for (const auto& each : left)
                log::error("{} does not end, not even by SIGKILL; leaving it", label(each));
            return std::nullopt;
        }
        const bool killing = now >= killAt_;
        for (const auto& each : left)
            if (killing || told_.insert(each.pid).second)
                send(each, killing ? SIGKILL : SIGTERM);
        // Rounded up, so that the next step is past the time it waits for.
        return std::chrono::ceil<Milliseconds>((killing ? giveUpAt_ : killAt_) - now);
    }

private:
    // The process is an unreaped child of ours, so its number cannot have gone to another.
    void send(const Process& process, int number) {
        log::info("ending {}{}", label(process), number == SIGKILL ? " with SIGKILL" : "");
        if (::kill(process.pid, number) != 0 && errno != ESRCH) {
            log::error("cannot end {}: {}", label(process), std::strerror(errno));
            beyondUs_.insert(process.pid);
        }
    }

    Clock::time_point killAt_;
    Clock::time_point giveUpAt_;
    std::set<pid_t> told_;
    std::set<pid_t> beyondUs_;
};

} // namespace

void becomeSubreaper() {
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        throw systemError("cannot become the subreaper of what is started", errno);
}

std::vector<Process> childProcesses() {
    std::vector<Process> result;
    std::error_code error;
    std::filesystem::directory_iterator entries("/proc", error);
    if (error)
        throw systemError("cannot list /proc", error.value());
    for (const auto& entry : entries) {
        const std::string name = entry.path().filename();
        pid_t pid = 0;
        const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (failure != std::errc{} || end != name.data() + name.size())
            continue;
        if (auto child = childOfOurs(pid))
            result.push_back(std::move(*child));
    }
    return result;
}

void OrphanKeeper::reap() {
    collectDead();
    changed_.set();
    changed_.clear();
}

void OrphanKeeper::collectDead() {
    for (;;) {
        siginfo_t info{};
        // Only looked at: a service that comes first here is reaped by its Child, which then calls us again.
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0 ||
            services_.contains(info.si_pid))
            break;
        ::waitpid(info.si_pid, nullptr, WNOHANG);
    }
}

Task<> OrphanKeeper::end(Selector which, Milliseconds grace) {
    Ending ending(grace);
    for (;;) {
        collectDead();
        std::vector<Process> left;
        try {
            left = childProcesses();
        } catch (const Error& e) {
            log::error("cannot look for processes that were left behind: {}", e.what());
        }
        std::erase_if(left,
                      [&](const Process& each) { return services_.contains(each.pid) || !which(each); });
        const auto wait = ending.step(std::move(left));
        if (!wait)
            co_return;
        co_await changed_.waitFor(*wait);
    }
}

void endAllChildren(Milliseconds grace) {
    sigset_t childEnded;
    sigemptyset(&childEnded);
    sigaddset(&childEnded, SIGCHLD);
    Ending ending(grace);
    for (;;) {
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        const auto wait = ending.step(childProcesses());
        if (!wait)
            return;
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*wait);
        const timespec limit{seconds.count(),
                             std::chrono::duration_cast<std::chrono::nanoseconds>(*wait - seconds).count()};
        ::sigtimedwait(&childEnded, nullptr, &limit);
    }
}

} // namespace xb::bootage
