// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/options.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/help_formatter.hpp"
#include "toolstack/libs/log.hpp"

#include <CLI/CLI.hpp>

namespace xb {

void addCommonOptions(CLI::App& app, CommonOptions& options, bool withRoot) {
    app.add_option("--bus", options.bus, "the message bus")
        ->type_name("ADDRESS")
        ->default_str("the system bus");
    if (withRoot)
        app.add_option("--root", options.root, "stands for / of all files")
            ->type_name("DIR")
            ->capture_default_str();
    addLogOptions(app, options);
}

void addLogOptions(CLI::App& app, CommonOptions& options) {
    app.formatter(std::make_shared<HelpFormatter>());
    app.set_version_flag("--version", std::string("xenbroker ") + XENBROKER_VERSION);
    app.add_option("--log-level", options.logLevel, "least level that is logged")
        ->check(CLI::IsMember(std::vector<std::string>{"debug", "info", "warning", "error"}))
        ->capture_default_str();
    app.add_option("--log-to", options.logTo, "auto: log of the system, if any")
        ->check(CLI::IsMember(std::vector<std::string>{"auto", "stderr", "syslog"}))
        ->capture_default_str();
}

int runProgram(const char* name, CLI::App& app, CommonOptions& options, int argc, char** argv,
               const std::function<int()>& body) {
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : exitUsage;
    }
    log::init(name, options.logTo == "stderr"   ? log::Sink::standardError
                    : options.logTo == "syslog" ? log::Sink::syslog
                                                : log::Sink::automatic);
    try {
        log::setLevel(options.logLevel);
        return body();
    } catch (const std::exception& e) {
        log::error("{}", e.what());
        return exitFailure;
    }
}

} // namespace xb
