// SPDX-License-Identifier: Apache-2.0
// The bootage configuration: what it can say, and its parser. The grammar is the classic one's (a line is a
// directive and its words) with services added. The run level directives (script, start, block, stop) are
// recognised and refused: they come with the sysvinit mode, whose scripts will be Services with readiness
// `exit`.
#pragma once

#include "bootage/words.hpp"

#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xb::bootage {

using Milliseconds = std::chrono::milliseconds;

/// Largest configuration, in bytes; most services; longest service name; longest time a directive may give.
inline constexpr std::size_t maxConfigSize = 1024 * 1024;
inline constexpr std::size_t maxServices = 256;
inline constexpr std::size_t maxNameLength = 64;
inline constexpr std::chrono::seconds maxTime{24 * 60 * 60};
/// Longest path of a unix socket (unix(7)).
inline constexpr std::size_t maxSocketPath = 107;

/// When a service counts as ready, so that those which depend on it may start.
enum class Readiness {
    notify,  ///< it sent READY=1 to $NOTIFY_SOCKET (sd_notify(3))
    socket,  ///< its unix socket takes connections
    exit,    ///< it exited with status 0: a script that does one thing
    started, ///< it runs
};

/// Which deaths of a service are followed by a restart.
enum class Restart { always, onFailure, never };

/// At most `count` restarts in `time`; one more and the service is given up.
struct RestartLimit {
    unsigned count = 10;
    Milliseconds time{60'000};
};

/// One name of a `dep` line.
struct Dependency {
    std::string name;
    std::size_t line = 0;
};

/// One `service` paragraph.
struct Service {
    std::string name;
    std::size_t line = 0;
    std::vector<std::string> command;
    std::vector<Dependency> dependencies;
    Readiness readiness = Readiness::started;
    /// The unix socket of Readiness::socket.
    std::string readySocket;
    Milliseconds readyTimeout{30'000};
    Restart restart = Restart::always;
    RestartLimit restartLimit;
    Milliseconds stopTimeout{10'000};
    int stopSignal = SIGTERM;
    std::vector<std::pair<std::string, std::string>> environment;
    /// Where its output goes; empty: where bootage's goes.
    std::string log;
    /// A log larger than this many bytes becomes LOG.1 before the service is started.
    std::size_t logLimit = 1024 * 1024;
    /// The run goes on without it, and those which depend on it start without it.
    bool optional = false;
};

struct Config {
    std::string file;
    std::vector<Service> services;
};

/// Reads a configuration. Pure; `file` is only named in errors. Throws ConfigError at the first thing that is
/// wrong; names in `dep` lines are checked by DependencyGraph.
Config parseConfig(std::string_view text, std::string file, const Variables& variables = {});

} // namespace xb::bootage
