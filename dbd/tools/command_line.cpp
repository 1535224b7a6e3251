// SPDX-License-Identifier: Apache-2.0
#include "dbd/tools/command_line.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace xb::dbd {

namespace {

using Verb = CommandLine::Verb;

struct Command {
    std::string_view name;
    Verb verb;
    std::string_view arguments;
    std::size_t least; ///< arguments
    std::size_t most;
    bool ownProgram; ///< there is a db-NAME
};

constexpr std::array commands{
    Command{"ls", Verb::ls, "[-f] [PATH]", 0, 1, true},
    Command{"read", Verb::read, "PATH", 1, 1, true},
    Command{"cat", Verb::cat, "PATH", 1, 1, true},
    Command{"write", Verb::write, "PATH VALUE", 2, 2, true},
    Command{"nodes", Verb::nodes, "PATH", 1, 1, true},
    Command{"exists", Verb::exists, "PATH", 1, 1, true},
    Command{"rm", Verb::rm, "PATH", 1, 1, true},
    Command{"dump", Verb::dump, "[PATH]", 0, 1, false},
    Command{"inject", Verb::inject, "PATH [JSON]", 1, 2, false},
};

const Command* commandNamed(std::string_view name) {
    const auto* const found = std::ranges::find(commands, name, &Command::name);
    return found == commands.end() ? nullptr : found;
}

const Command* commandOf(std::string_view program) {
    if (!program.starts_with("db-"))
        return nullptr;
    const Command* const command = commandNamed(program.substr(3));
    return command && command->ownProgram ? command : nullptr;
}

class Reader {
public:
    explicit Reader(std::span<const std::string> words) : rest_(words) {}

    bool done() const { return rest_.empty(); }
    std::span<const std::string> rest() const { return rest_; }
    const std::string& take() {
        const std::string& word = rest_.front();
        rest_ = rest_.subspan(1);
        return word;
    }
    /// Reads options up to the first word that is none; false when one of them ends everything.
    bool options(CommandLine& line, bool isLs) {
        while (!done() && rest_.front().size() > 1 && rest_.front().starts_with('-')) {
            const std::string& word = take();
            if (word == "--")
                return true;
            if (word == "-h" || word == "--help" || word == "--version") {
                line.verb = word == "--version" ? Verb::version : Verb::help;
                return false;
            }
            if (word == "-f" && isLs)
                line.fullPaths = true;
            else if (word.starts_with("--bus="))
                line.bus = word.substr(6);
            else if (word == "--bus" && !done())
                line.bus = take();
            else
                throw UsageError(word == "--bus" ? "--bus needs an address" : word + ": no such option");
        }
        return true;
    }

private:
    std::span<const std::string> rest_;
};

} // namespace

CommandLine parseCommandLine(std::string_view program, const std::vector<std::string>& words) {
    CommandLine line;
    Reader reader(words);
    const Command* command = commandOf(program);
    if (!reader.options(line, command && command->verb == Verb::ls))
        return line;
    if (!command) {
        if (reader.done())
            throw UsageError("no command given");
        const std::string& name = reader.take();
        command = commandNamed(name);
        if (!command)
            throw UsageError(name + ": no such command");
        if (command->verb == Verb::ls && !reader.options(line, true))
            return line;
    }
    const auto arguments = reader.rest();
    if (arguments.size() < command->least || arguments.size() > command->most)
        throw UsageError(std::string(command->name) + " takes " + std::string(command->arguments));
    line.verb = command->verb;
    line.path = arguments.empty() ? "/" : arguments[0];
    if (arguments.size() > 1)
        line.value = arguments[1];
    line.fromStdin = command->verb == Verb::inject && arguments.size() == 1;
    return line;
}

std::string usageLine(std::string_view program) {
    if (const Command* const command = commandOf(program))
        return "usage: " + std::string(program) + " [OPTION...] " + std::string(command->arguments) + "\n";
    return "usage: db-cmd [OPTION...] ls|read|cat|write|nodes|exists|rm|dump|inject [ARG...]\n";
}

std::string helpText(std::string_view program) {
    static constexpr std::string_view text = R"(Reads and changes the configuration database (dbd).
  ls [-f] [PATH]      the tree at PATH; -f: with full paths
  read PATH           a value; an empty line if there is none
  cat PATH            the bytes of a binary node
  write PATH VALUE    stores a text
  nodes PATH          the names of the children, on one line
  exists PATH         true or false
  rm PATH             removes a node and all below it
  dump [PATH]         the tree at PATH as JSON
  inject PATH [JSON]  replaces the tree at PATH by JSON, or by standard input
Without db-cmd: db-ls, db-read, db-cat, db-write, db-nodes, db-exists, db-rm.
  --bus ADDRESS       another bus than the system bus (or $XENBROKER_BUS)
  -h, --help          this text           --version
Options stand before the command's arguments.
Exit status: 0 ok (exists: for false too), 1 usage or refused here, 2 failed.
See also: db-cmd(1), dbd(8)
)";
    return usageLine(program) + std::string(text);
}

} // namespace xb::dbd
