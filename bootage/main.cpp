// SPDX-License-Identifier: Apache-2.0
// bootage: starts the services of a configuration in dependency order, watches them, restarts them, and stops
// them. This file reads the command line; what can fail is answered with one line and exit status 1, or 2 for
// what the user can mend in the command line or the configuration.
#include "bootage/guard.hpp"
#include "bootage/supervisor.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/options.hpp"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iostream>

extern char** environ;

namespace {

using namespace xb;
using namespace xb::bootage;

struct Options {
    std::string config;
    std::vector<std::string> settings;
    int statusFd = -1;
    bool dieWithSupervisor = false;
    bool check = false;
};

void addOptions(CLI::App& app, Options& options, CommonOptions& common) {
    app.add_option("--config", options.config, "which services there are; needed")
        ->type_name("FILE")
        ->required();
    app.add_option("--set", options.settings, "what ${NAME} in FILE stands for")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
    app.add_option("--status-fd", options.statusFd, "descriptor to write events to, for programs")
        ->check(CLI::Range(0, 1'000'000));
    app.add_flag("--die-with-supervisor", options.dieWithSupervisor,
                 "end all services even if bootage is killed");
    app.add_flag("--check", options.check, "read FILE, print services in the order of start");
    addLogOptions(app, common);
}

Variables variablesOf(const Options& options) {
    Variables variables;
    for (char** entry = environ; *entry; ++entry) {
        const std::string_view text(*entry);
        if (const auto equals = text.find('='); equals != std::string_view::npos)
            variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    for (const auto& setting : options.settings) {
        const auto equals = setting.find('=');
        if (equals == std::string::npos || !isVariableName(std::string_view(setting).substr(0, equals)))
            throw CLI::ValidationError("--set", "\"" + setting + "\" is not NAME=VALUE");
        variables.insert_or_assign(setting.substr(0, equals), setting.substr(equals + 1));
    }
    return variables;
}

UniqueFd statusDescriptor(int number) {
    if (number < 0)
        return {};
    // Our own number for it, out of the way of stdin to stderr, closed in services.
    UniqueFd fd(::fcntl(number, F_DUPFD_CLOEXEC, 3));
    if (!fd)
        throw CLI::ValidationError("--status-fd", std::to_string(number) + " is no open descriptor");
    if (number > STDERR_FILENO)
        ::close(number);
    return fd;
}

// What a supervisor above us said to us is not for our services.
void dropSupervisorVariables() {
    for (const char* name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID"})
        ::unsetenv(name);
}

Task<> superviseUntilTheEnd(Supervisor* supervisor, Loop* loop) {
    int status = exitFailure;
    try {
        status = co_await supervisor->run();
    } catch (const std::exception& e) {
        log::error("{}", e.what());
    }
    loop->stop(status);
}

int supervise(Config config, UniqueFd status, bool dieWithSupervisor) {
    if (dieWithSupervisor)
        if (const auto result = splitOffGuard())
            return *result;
    becomeSubreaper();
    Loop loop;
    Reporter reporter(std::move(status));
    Supervisor supervisor(loop.executor(), std::move(config), reporter, dieWithSupervisor);
    loop.onSignals({SIGTERM, SIGINT, SIGHUP, SIGCHLD}, [&](int number) {
        if (number == SIGCHLD)
            supervisor.childEnded();
        else
            supervisor.stop(
                std::string("got signal ") + std::to_string(number) + " (" + ::strsignal(number) + ")", 0);
    });
    loop.spawn("supervisor", superviseUntilTheEnd(&supervisor, &loop));
    return loop.run();
}

int body(const Options& options) {
    try {
        const Variables variables = variablesOf(options);
        UniqueFd status = statusDescriptor(options.statusFd);
        Config config = parseConfig(readFile(options.config, maxConfigSize), options.config, variables);
        const DependencyGraph graph(config);
        if (options.check) {
            for (std::size_t each : graph.startOrder())
                std::cout << config.services[each].name << '\n';
            return 0;
        }
        dropSupervisorVariables();
        // A reader of the status descriptor that goes away must not end us.
        ::signal(SIGPIPE, SIG_IGN);
        return supervise(std::move(config), std::move(status), options.dieWithSupervisor);
    } catch (const ConfigError& e) {
        std::cerr << e.what() << std::endl;
    } catch (const CLI::Error& e) {
        std::cerr << e.what() << std::endl;
    }
    return exitUsage;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Starts services in dependency order, watches, restarts and stops them", "bootage");
    Options options;
    CommonOptions common;
    addOptions(app, options, common);
    return runProgram("bootage", app, common, argc, argv, [&] { return body(options); });
}
