// SPDX-License-Identifier: Apache-2.0
// The command-line options that every daemon has, and the frame that its main() is made of.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace xb {

/// Exit statuses that all daemons share; 0 is a clean end.
inline constexpr int exitFailure = 1;
inline constexpr int exitUsage = 2;
/// Not on Xen, or not its control domain (EX_CONFIG of sysexits.h): supervisors do not restart.
inline constexpr int exitNotOnXen = 78;

/// What --bus, --root, --log-level and --log-to say.
struct CommonOptions {
    std::string bus;
    std::filesystem::path root = "/";
    std::string logLevel = "info";
    std::string logTo = "auto";
};

/// Adds the common options; `withRoot` where the daemon reads or writes files.
void addCommonOptions(CLI::App& app, CommonOptions& options, bool withRoot);

/// --version and the options of logging alone, and what --help looks like; part of the above.
void addLogOptions(CLI::App& app, CommonOptions& options);

/// Runs a daemon's or tool's body: parses the arguments, sets up logging, and turns exceptions into one log
/// line and an exit status.
int runProgram(const char* name, CLI::App& app, CommonOptions& options, int argc, char** argv,
               const std::function<int()>& body);

} // namespace xb
