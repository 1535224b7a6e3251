// SPDX-License-Identifier: Apache-2.0
// The command line of db-cmd, and of the names db-ls, db-read and so on, each of which is one of its
// commands.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace xb::dbd {

/// The command line is wrong; what() says how.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What is to be done.
struct CommandLine {
    enum class Verb { help, version, ls, read, cat, write, nodes, exists, rm, dump, inject };

    Verb verb = Verb::help;
    std::string bus;        ///< empty: XENBROKER_BUS, then the system bus
    bool fullPaths = false; ///< ls -f
    std::string path;
    std::string value;      ///< of write and inject
    bool fromStdin = false; ///< inject: the JSON is on standard input
};

/// `program` is the name that it was called by, without directory; `words` the arguments. Throws UsageError.
CommandLine parseCommandLine(std::string_view program, const std::vector<std::string>& words);

/// How the program of that name is called, in one line; and what --help prints.
std::string usageLine(std::string_view program);
std::string helpText(std::string_view program);

} // namespace xb::dbd
