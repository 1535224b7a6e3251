// SPDX-License-Identifier: Apache-2.0
// The supervisor: one coroutine per service takes it from waiting for its dependencies through its lives, and
// on a stop another one ends it once its dependents are gone. What services leave behind is ended with them.
// A service that is required and cannot be kept up ends the whole run.
#pragma once

#include "bootage/config.hpp"
#include "bootage/graph.hpp"
#include "bootage/notify_socket.hpp"
#include "bootage/process_tree.hpp"
#include "bootage/reporter.hpp"
#include "bootage/restart_policy.hpp"
#include "bootage/socket_watch.hpp"
#include "toolstack/libs/child.hpp"
#include "toolstack/libs/task.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xb::bootage {

class Supervisor {
public:
    using Clock = std::chrono::steady_clock;

    /// `dieWithUs`: services are sent SIGTERM when this process dies. Throws ConfigError for a circle or an
    /// unknown dependency, xb::Error when the system refuses what is needed. The process must be a subreaper.
    Supervisor(Executor executor, Config config, Reporter& reporter, bool dieWithUs);
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;
    ~Supervisor();

    /// Starts everything and stays until nothing is left of it; the exit status for the program. Call once.
    Task<int> run();
    /// Stops everything, in reverse order. `reason` is logged; the first call decides both.
    void stop(const std::string& reason, int status);
    /// To be called at SIGCHLD.
    void childEnded() { orphans_.reap(); }

private:
    struct Attempt;
    struct Unit;
    struct Death;

    Task<> supervise(Unit* unit);
    Task<> liveAndDie(Unit* unit);
    Task<Death> live(Unit* unit);
    std::shared_ptr<Attempt> launch(Unit& unit);
    Task<> watchReadiness(Unit* unit, std::shared_ptr<Attempt> attempt);
    Task<> end(Unit* unit, std::shared_ptr<Attempt> attempt);
    Task<> stopUnit(Unit* unit);

    void notified(pid_t sender, const Notification& notification);
    void markReady(Unit& unit, Attempt& attempt);
    void pass(Unit& unit);
    std::optional<Milliseconds> afterDeath(Unit& unit, const Death& death);
    void giveUp(Unit& unit, const std::string& text, int status);
    bool stopping() const { return stopRequested_.isSet(); }

    Executor executor_;
    Config config_;
    DependencyGraph graph_;
    Reporter& reporter_;
    bool dieWithUs_;
    NotifySocket notify_;
    OrphanKeeper orphans_;
    std::vector<std::unique_ptr<Unit>> units_;
    Event stopRequested_;
    Clock::time_point begin_ = Clock::now();
    int status_ = 0;
};

} // namespace xb::bootage
