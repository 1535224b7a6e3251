// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/program.hpp"

#include "toolstack/libs/log.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/xenops/commands.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace xb::xenops {

namespace {

int complain(const std::string& text, int status) {
    std::fprintf(stderr, "xenops: %s\n", text.c_str());
    return status;
}

bool write(const std::string& text) {
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

int print(const std::string& text) {
    return write(text) ? exitOk
                       : complain(fmt::format("cannot write to standard output: {}", std::strerror(errno)),
                                  exitFailed);
}

int report(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const UsageError& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return exitUsage;
    } catch (const xen::NotOnXen& e) {
        return complain(e.what(), exitNoXen);
    } catch (const Error& e) {
        return complain(e.what(), exitFailed);
    } catch (const std::exception& e) {
        return complain(e.what(), exitFailed);
    }
}

xen::HypervisorOptions hypervisorOptions(const Arguments& arguments) {
    xen::HypervisorOptions options;
    options.kind = arguments.text("hypervisor").value_or("libxl");
    if (options.kind != "libxl" && options.kind != "emulated")
        throw notValid("hypervisor", "it is libxl or emulated");
    options.emulatorDirectory = arguments.text("emulator-directory").value_or("");
    return options;
}

std::unique_ptr<xen::Hypervisor> open(const Executor& executor, const Arguments& arguments) {
    const auto options = hypervisorOptions(arguments);
    try {
        return xen::openHypervisor(executor, options);
    } catch (const Error& e) {
        throw xen::NotOnXen(e.what()); // it does not answer
    }
}

// Runs it on a loop of its own; what is printed before a failure is printed.
int run(const SubCommand& command, Arguments arguments) {
    std::exception_ptr failure;
    std::function<void()> afterwards;
    int status = exitOk;
    try {
        Loop loop;
        const auto hypervisor = open(loop.executor(), arguments);
        Context context{*hypervisor, std::move(arguments), {}, {}, exitOk, {}};
        asio::co_spawn(loop.context(), execute(context, command), [&](std::exception_ptr e) {
            failure = e;
            loop.stop(exitOk);
        });
        loop.run();
        std::fputs(context.err.c_str(), stderr);
        status = context.out.empty() ? context.status : print(context.out);
        afterwards = std::move(context.afterwards);
        if (!failure && afterwards)
            afterwards();
    } catch (...) {
        failure = std::current_exception();
    }
    return failure ? report(failure) : status;
}

int unknown(const std::string& name) {
    std::fprintf(stderr, "xenops: there is no sub-command \"%s\"\n%s", name.c_str(), helpText().c_str());
    return exitUsage;
}

// For the completion of shells.
std::string allNames() {
    std::string names;
    for (const SubCommand& command : subCommands()) {
        names += fmt::format("{}\n", command.name);
        for (const std::string_view alias : command.aliases)
            names += fmt::format("{}\n", alias);
    }
    return names;
}

int help(const Words& words) {
    if (words.empty())
        return print(helpText());
    if (words[0] == "--completion-names")
        return print(allNames());
    const SubCommand* command = findSubCommand(words[0]);
    return command ? print(helpOf(*command)) : unknown(words[0]);
}

int runSubCommand(const SubCommand& command, const Words& words) {
    try {
        Arguments arguments = parseArguments(words, flagsOf(command));
        log::init("xenops", log::Sink::standardError);
        log::setLevel(arguments.has("debug") ? "debug" : "warning");
        if (arguments.has("help"))
            return print(helpOf(command));
        return run(command, std::move(arguments));
    } catch (...) {
        return report(std::current_exception());
    }
}

// Flags that stand before the sub-command belong to it as well.
int runWords(const Words& words) {
    static const std::vector<Flag> before = [] {
        std::vector<Flag> flags = flagsOf(SubCommand{});
        flags.push_back({"version", "", ""});
        return flags;
    }();
    std::size_t command = 0;
    while (command < words.size() && words[command].size() > 1 && words[command][0] == '-') {
        const Arguments one = parseArguments({words[command], "value"}, before);
        if (!one.unknown.empty())
            throw UsageError(fmt::format(
                "error: {} is no flag of xenops; a sub-command's flags stand after it", words[command]));
        if (one.has("version"))
            return print("xenops " XENBROKER_VERSION "\n");
        if (one.has("help"))
            return print(helpText());
        command += one.operands.empty() ? 2U : 1U;
    }
    if (command >= words.size())
        return print(helpText());
    Words rest(words.begin() + static_cast<std::ptrdiff_t>(command) + 1, words.end());
    if (words[command] == "help")
        return help(rest);
    const SubCommand* found = findSubCommand(words[command]);
    if (!found)
        return unknown(words[command]);
    rest.insert(rest.begin(), words.begin(), words.begin() + static_cast<std::ptrdiff_t>(command));
    return runSubCommand(*found, rest);
}

} // namespace

int runXenops(std::string_view program, const Words& words) {
    const SubCommand* linked = findSubCommand(program.substr(program.rfind('/') + 1));
    if (linked)
        return runSubCommand(*linked, words);
    try {
        return runWords(words);
    } catch (...) {
        return report(std::current_exception());
    }
}

} // namespace xb::xenops
