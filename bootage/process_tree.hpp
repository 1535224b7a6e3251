// SPDX-License-Identifier: Apache-2.0
// The processes that are our children without being services: what services started and left behind comes to
// us, because bootage is a child subreaper (prctl(2)). They are listed from /proc, told apart by the service
// that started them (a variable in their environment) or by their session, reaped, and ended.
#pragma once

#include "bootage/config.hpp"
#include "toolstack/libs/task.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

#include <sys/types.h>

namespace xb::bootage {

/// The environment variable that names a service to all it starts.
inline constexpr const char* serviceVariable = "BOOTAGE_SERVICE";

/// How long a process that was sent SIGKILL may take before it is reported and left.
inline constexpr Milliseconds killTimeout{5'000};

struct Process {
    pid_t pid = 0;
    pid_t session = 0;
    std::string name;    ///< as in /proc/PID/comm
    std::string service; ///< what serviceVariable says; empty when it says nothing
};

/// Makes this process the one that orphans below it come to. Throws xb::Error.
void becomeSubreaper();

/// Our children, also dead ones that nobody has reaped yet: there is a SIGCHLD to come for those. Throws
/// xb::Error when /proc cannot be read.
std::vector<Process> childProcesses();

/// Reaps and ends our children that are not services.
class OrphanKeeper {
public:
    using Selector = std::function<bool(const Process&)>;

    explicit OrphanKeeper(Executor executor) : changed_(std::move(executor)) {}

    /// Services are waited for by their own Child, so they are left alone while they are known here.
    void addService(pid_t pid) { services_.insert(pid); }
    void removeService(pid_t pid) { services_.erase(pid); }

    /// Collects the exit status of dead orphans. To be called at SIGCHLD and after removeService().
    void reap();

    /// Ends all orphans that `which` selects, and those that appear meanwhile: SIGTERM, and SIGKILL after
    /// `grace`.
    /// What cannot be ended is logged and left.
    Task<> end(Selector which, Milliseconds grace);

private:
    void collectDead();

    std::set<pid_t> services_;
    Event changed_;
};

/// The same for a process without a loop, for all its children: SIGCHLD must be blocked.
void endAllChildren(Milliseconds grace);

} // namespace xb::bootage
