// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/options.hpp"

#include "rpcgen/generator.hpp"
#include "rpcgen/input_error.hpp"
#include "toolstack/libs/help_formatter.hpp"

#include <CLI/CLI.hpp>

#include <array>
#include <cstdio>

namespace xb::rpcgen {

namespace {

constexpr int exitFailure = 1;
constexpr int exitUsage = 2;

struct BackEnd {
    const char* flag;
    const char* language;
    bool asked = false;
};

} // namespace

CommandLine parseCommandLine(int argc, const char* const* argv) {
    CLI::App app{"Generates C++ servers and clients from D-Bus interface files.\n"
                 "Writes NAME_types.hpp, and NAME_server.hpp, .cpp or NAME_client.hpp, .cpp.",
                 "xc-rpcgen"};
    app.formatter(std::make_shared<HelpFormatter>());
    app.set_version_flag("--version", XENBROKER_VERSION);
    Options options;
    std::vector<std::string> files;
    std::string unused;
    bool cpp = true;
    app.add_option("XML", files, "interface file; only the first one is used");
    auto* output =
        app.add_option("-o,--output", options.output, "for the files; made if need be [.]")->type_name("DIR");
    auto* name = app.add_option("-n,--name", options.name, "their name [that of the XML file in lower case]")
                     ->type_name("NAME");
    app.add_flag("-s,--server", options.server, "write the server side");
    app.add_flag("-c,--client", options.client, "write the client side [unless --server]");
    auto* modulePrefix =
        app.add_option("--module-prefix", unused, "accepted and not used: Haskell only")->type_name("NAME");
    auto* templates =
        app.add_option("--templates-dir", unused, "accepted and not used: there are none")->type_name("DIR");
    for (auto* option : {output, name, modulePrefix, templates})
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    app.add_flag("--cpp", cpp, "write C++; always so");
    std::array<BackEnd, 5> others{{{"--haskell", "Haskell"},
                                   {"--camel", "OCaml"},
                                   {"--javascript", "JavaScript"},
                                   {"--ruby", "Ruby"},
                                   {"--c2", "C on libudbus"}}};
    for (auto& each : others)
        app.add_flag(each.flag, each.asked, std::string(each.language) + ": not supported");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) // --help, --version
            return {std::nullopt, app.exit(e)};
        std::fputs(fmt::format("xc-rpcgen: {}\n\n{}", e.what(), app.help()).c_str(), stderr);
        return {std::nullopt, exitUsage};
    }
    for (const auto& each : others)
        if (each.asked)
            throw ToolError(fmt::format("not supported by this generator: {} ({}); it writes C++ (--cpp)",
                                        each.language, each.flag));
    if (files.empty()) {
        std::fputs(fmt::format("xc-rpcgen: no interface file is given\n\n{}", app.help()).c_str(), stderr);
        return {std::nullopt, exitUsage};
    }
    if (files.size() > 1)
        std::fputs(fmt::format("xc-rpcgen: warning: only {} is used\n", files[0]).c_str(), stderr);
    options.input = files[0];
    if (options.name.empty())
        options.name = defaultName(options.input);
    options.client = options.client || !options.server;
    return {options, 0};
}

int run(int argc, const char* const* argv) {
    try {
        const auto commandLine = parseCommandLine(argc, argv);
        if (!commandLine.options)
            return commandLine.exitStatus;
        const Options& options = *commandLine.options;
        const auto file = XmlFile::read(options.input);
        writeFiles(options.output, generate(file, {options.name, options.server, options.client}));
        return 0;
    } catch (const InputError& e) {
        std::fputs(fmt::format("{}\n", e.what()).c_str(), stderr);
    } catch (const std::exception& e) {
        std::fputs(fmt::format("xc-rpcgen: {}\n", e.what()).c_str(), stderr);
    }
    return exitFailure;
}

} // namespace xb::rpcgen
