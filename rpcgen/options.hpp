// SPDX-License-Identifier: Apache-2.0
// The command line of xc-rpcgen: that of its ancestor, of whose back-ends there is one, C++.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace xb::rpcgen {

struct Options {
    std::filesystem::path input;
    std::filesystem::path output = ".";
    std::string name;
    bool server = false;
    bool client = false;
};

/// What to do, or the status to exit with at once; then everything has been said on stdout or stderr. Throws
/// ToolError for a back-end that is not here.
struct CommandLine {
    std::optional<Options> options;
    int exitStatus = 0;
};
CommandLine parseCommandLine(int argc, const char* const* argv);

/// The whole program.
int run(int argc, const char* const* argv);

} // namespace xb::rpcgen
