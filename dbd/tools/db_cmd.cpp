// SPDX-License-Identifier: Apache-2.0
#include "dbd/tools/db_cmd.hpp"

#include "dbd/path.hpp"
#include "dbd/tools/command_line.hpp"
#include "dbd/tree.hpp"
#include "idl/db_client.hpp"
#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"

#include <boost/asio/co_spawn.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace xb::dbd {

namespace {

using Verb = CommandLine::Verb;
using idl::db::DbClient;

constexpr auto service = "com.citrix.xenclient.db";

// The daemon's limits decide what a tree holds; here nothing does.
Limits noLimits() {
    constexpr std::size_t any = std::numeric_limits<std::size_t>::max() / 2;
    Limits limits;
    limits.pathBytes = limits.depth = limits.valueBytes = limits.injectBytes = any;
    limits.nodes = limits.treeBytes = any;
    limits.nameBytes = Limits::maxNameBytes;
    return limits;
}

std::size_t depthOf(const Node& node) {
    std::size_t depth = 0;
    for (const Node* at = &node; at->parent(); at = at->parent())
        ++depth;
    return depth;
}

std::string below(const std::string& path, const std::string& relative) {
    if (relative == "/")
        return path;
    return path == "/" ? relative : path + relative;
}

Task<std::string> list(DbClient db, CommandLine line) {
    const std::string path = canonicalPath(line.path);
    const std::string json = co_await db.dump(path);
    Listing result = listing(path, json, line.fullPaths);
    std::string text;
    std::size_t copied = 0;
    for (const auto& gap : result.gaps) {
        text.append(result.text, copied, gap.offset - copied);
        copied = gap.offset;
        const std::string value = co_await db.read(gap.path);
        text += value;
    }
    text.append(result.text, copied);
    co_return text;
}

Task<std::string> nodes(DbClient db, CommandLine line) {
    const std::vector<std::string> names = co_await db.list(line.path);
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : " ") + name;
    co_return text + "\n";
}

Task<std::string> execute(DbClient db, CommandLine line) {
    switch (line.verb) {
    case Verb::ls:
        co_return co_await list(db, line);
    case Verb::nodes:
        co_return co_await nodes(db, line);
    case Verb::read: {
        const std::string value = co_await db.read(line.path);
        co_return value + "\n";
    }
    case Verb::cat: {
        const std::vector<std::uint8_t> bytes = co_await db.readBinary(line.path);
        co_return std::string(bytes.begin(), bytes.end());
    }
    case Verb::exists: {
        const bool there = co_await db.exists(line.path);
        co_return there ? "true\n" : "false\n";
    }
    case Verb::dump: {
        std::string json = co_await db.dump(line.path);
        if (!json.ends_with('\n'))
            json += '\n';
        co_return json;
    }
    case Verb::write:
        co_await db.write(line.path, line.value);
        break;
    case Verb::inject:
        co_await db.inject(line.path, line.value);
        break;
    case Verb::rm:
        co_await db.rm(line.path);
        break;
    case Verb::help:
    case Verb::version:
        break; // need no bus
    }
    co_return std::string();
}

int complain(std::string_view program, const std::string& text, int status) {
    std::fprintf(stderr, "%s: %s\n", std::string(program).c_str(), text.c_str());
    return status;
}

int print(std::string_view program, const std::string& text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (written && std::fflush(stdout) == 0)
        return exitDone;
    return complain(program, std::string("cannot write to standard output: ") + std::strerror(errno),
                    exitFailed);
}

std::string standardInput() {
    std::string text;
    std::array<char, 65536> block{};
    while (const std::size_t count = std::fread(block.data(), 1, block.size(), stdin)) {
        text.append(block.data(), count);
        if (text.size() > Limits{}.injectBytes)
            throw Error("more than " + std::to_string(Limits{}.injectBytes) + " bytes on standard input");
    }
    if (std::ferror(stdin))
        throw systemError("cannot read standard input", errno);
    return text;
}

std::string busAddress(const CommandLine& line) {
    const char* const fromEnvironment = std::getenv("XENBROKER_BUS");
    return line.bus.empty() && fromEnvironment ? fromEnvironment : line.bus;
}

int runOnBus(std::string_view program, CommandLine line) {
    log::init(std::string(program), log::Sink::standardError);
    try {
        if (line.fromStdin)
            line.value = standardInput();
        Loop loop;
        Bus bus(loop, busAddress(line));
        std::exception_ptr failure;
        std::string output;
        asio::co_spawn(loop.context(), execute(DbClient(bus, service, "/"), line),
                       [&](std::exception_ptr e, std::string text) {
                           failure = e;
                           output = std::move(text);
                           loop.stop(exitDone);
                       });
        if (loop.run() == exitBusLost)
            return exitFailed; // the bus layer has said so
        if (failure)
            std::rethrow_exception(failure);
        return print(program, output);
    } catch (const Error& e) {
        const bool nobody = e.name() == errors::serviceUnknown || e.name() == errors::nameHasNoOwner;
        const std::string reason =
            nobody ? std::string("nobody serves ") + service + ", is dbd running? " : "";
        return complain(program, reason + e.what() + " (" + e.name() + ")", exitFailed);
    } catch (const std::exception& e) {
        return complain(program, e.what(), exitFailed);
    }
}

} // namespace

Listing listing(const std::string& path, const std::string& json, bool fullPaths) {
    Tree tree(noLimits());
    tree.inject("/", json);
    const std::string lastSegment = path.substr(path.rfind('/') + 1);
    Listing result;
    for (const Node* node = &tree.root(); node; node = node->following(tree.root())) {
        const std::string relative = pathOf(*node);
        const bool isTop = node == &tree.root();
        if (fullPaths)
            result.text += below(path, relative);
        else
            result.text += isTop ? lastSegment : std::string(depthOf(*node), ' ').append(node->name());
        result.text += " =";
        if (node->kind() == NodeKind::Empty) {
            result.gaps.push_back({result.text.size() + 2, below(path, relative)});
            result.text += " \"\"";
        } else if (!node->firstChild() && !(isTop && path == "/")) {
            result.text += " \"" + tree.read(relative) + "\"";
        }
        result.text += "\n";
    }
    return result;
}

int runDbCmd(std::string_view program, const std::vector<std::string>& words) {
    CommandLine line;
    try {
        line = parseCommandLine(program, words);
    } catch (const UsageError& e) {
        std::fputs(usageLine(program).c_str(), stderr);
        return complain(program, e.what(), exitRefused);
    }
    if (line.verb == Verb::help)
        return print(program, helpText(program));
    if (line.verb == Verb::version)
        return print(program, std::string(program) + " (xenbroker) " + XENBROKER_VERSION + "\n");
    const std::string path = canonicalPath(line.path);
    if (line.verb == Verb::write && (path == "/" || path == "/vm"))
        return complain(program, "write " + line.path + ": refused, a value there would hide every VM",
                        exitRefused);
    if (line.verb == Verb::rm && path == "/")
        return print(program, "bad path\n");
    return runOnBus(program, std::move(line));
}

} // namespace xb::dbd
