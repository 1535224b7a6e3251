// SPDX-License-Identifier: Apache-2.0
#include "bootage/guard.hpp"

#include "bootage/process_tree.hpp"
#include "toolstack/libs/child.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/options.hpp"

#include <cerrno>
#include <csignal>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xb::bootage {

namespace {

constexpr Milliseconds leftoverGrace{10'000};

sigset_t guardSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (int number : {SIGTERM, SIGINT, SIGHUP, SIGCHLD})
        sigaddset(&set, number);
    return set;
}

// Reaps what has ended; the supervisor's wait status once that is among it.
std::optional<int> reapUntil(pid_t supervisor) {
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == supervisor)
            return status;
    return std::nullopt;
}

int waitForSupervisor(pid_t supervisor, const sigset_t& signals) {
    for (;;) {
        if (const auto status = reapUntil(supervisor))
            return *status;
        siginfo_t info{};
        const int number = ::sigwaitinfo(&signals, &info);
        if (number > 0 && number != SIGCHLD)
            ::kill(supervisor, number);
    }
}

} // namespace

std::optional<int> splitOffGuard() {
    becomeSubreaper();
    const sigset_t signals = guardSignals();
    sigset_t before;
    ::sigprocmask(SIG_BLOCK, &signals, &before);
    const pid_t guard = ::getpid();
    const pid_t supervisor = ::fork();
    if (supervisor < 0)
        throw systemError("cannot start the supervisor", errno);
    if (supervisor == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != guard) // it died before we could ask
            ::_exit(exitFailure);
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
        return std::nullopt;
    }
    const int status = waitForSupervisor(supervisor, signals);
    if (WIFSIGNALED(status)) {
        ExitStatus death;
        death.signal = WTERMSIG(status);
        log::error("the supervisor {}; ending all that it started", death.text());
    }
    endAllChildren(leftoverGrace);
    return WIFEXITED(status) ? WEXITSTATUS(status) : exitFailure;
}

} // namespace xb::bootage
