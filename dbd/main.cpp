// SPDX-License-Identifier: Apache-2.0
// dbd, the configuration database: serves the tree of all VMs' configuration and keeps it in files that
// people can read.
#include "dbd/lock.hpp"
#include "dbd/maintenance.hpp"
#include "dbd/saver.hpp"
#include "dbd/service.hpp"
#include "toolstack/control/control.hpp"
#include "toolstack/libs/daemon.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/options.hpp"
#include "xen/hypervisor_options.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <string>

namespace {

struct Options {
    xb::CommonOptions common;
    std::filesystem::path directory = "/config";
    std::string durability = "normal";
    std::filesystem::path check; ///< these three: instead of serving
    std::filesystem::path settle;
    std::filesystem::path repair;
    xb::dbd::Limits limits;
    xb::dbd::CallerOptions callers;
};

void addMaintenance(CLI::App& app, Options& options) {
    auto* const check = app.add_option("--check", options.check, "says what is wrong in DIR, and ends");
    auto* const settle =
        app.add_option("--settle", options.settle, "empties DIR's journal into its files, and ends");
    auto* const repair =
        app.add_option("--repair", options.repair, "sets right what is damaged in DIR, and ends");
    for (auto* const option : {check, settle, repair})
        option->type_name("DIR")->check(
            [](const std::string& name) { return name.empty() ? "no directory is named" : std::string(); });
    check->excludes(settle)->excludes(repair);
    settle->excludes(repair);
}

void addLimits(CLI::App& app, xb::dbd::Limits& limits) {
    auto* group = app.add_option_group("Limits");
    group->add_option("--max-path-bytes", limits.pathBytes, "length of a path")->capture_default_str();
    group->add_option("--max-depth", limits.depth, "segments of a path")->capture_default_str();
    group->add_option("--max-value-bytes", limits.valueBytes, "size of one value")->capture_default_str();
    group->add_option("--max-inject-bytes", limits.injectBytes, "size of the JSON given to inject")
        ->capture_default_str();
    group->add_option("--max-file-bytes", limits.fileBytes, "size of a file that is loaded")
        ->capture_default_str();
    group->add_option("--max-journal-bytes", limits.journalBytes, "changes that are not in their files yet")
        ->capture_default_str();
    group->add_option("--max-nodes", limits.nodes, "nodes in the tree")->capture_default_str();
    group->add_option("--max-tree-bytes", limits.treeBytes, "names and values in the tree")
        ->capture_default_str();
    group->add_option("--max-steps", limits.steps, "steps of one apply")->capture_default_str();
    group->add_option("--max-signal-paths", limits.signalPaths, "paths in one signal of changes")
        ->capture_default_str();
    group->add_option("--max-guest-nodes", limits.guestNodes, "nodes of a guest")->capture_default_str();
    group->add_option("--max-guest-bytes", limits.guestBytes, "names and values of a guest")
        ->capture_default_str();
    group->add_option("--max-guest-depth", limits.guestDepth, "segments of a path of a guest")
        ->capture_default_str();
}

/// Does one of the things that need no bus.
int maintain(const Options& options, const std::filesystem::path& named,
             xb::dbd::Report (*work)(xb::dbd::FileSystem&, const std::string&, const xb::dbd::Limits&)) {
    xb::dbd::PosixFileSystem fs;
    std::filesystem::path directory = xb::below(options.common.root, named).lexically_normal();
    if (!directory.has_filename() && directory != "/")
        directory = directory.parent_path(); // of "config/"
    const xb::dbd::Report report = work(fs, directory.string(), options.limits);
    for (const xb::dbd::Problem& line : report.lines)
        fmt::print("{}\n", line.message());
    for (const std::string& note : report.notes)
        fmt::print(stderr, "{}\n", note);
    return report.good ? 0 : xb::exitFailure;
}

int serve(const Options& options) {
    const auto directory = xb::below(options.common.root, options.directory);
    xb::makeDirectories(directory);
    xb::Loop loop;
    xb::Bus bus(loop, options.common.bus);
    xb::dbd::PosixFileSystem fs;
    const xb::dbd::DirectoryLock lock(fs, directory.string());
    if (!lock.trouble().text.empty())
        xb::log::warn("{}", lock.trouble().message());
    xb::dbd::Store store(fs, directory.string(), options.limits);
    for (const auto& problem : store.load())
        xb::log::warn("{}", problem.message());
    const auto durability =
        options.durability == "sync" ? xb::dbd::Durability::sync : xb::dbd::Durability::normal;
    xb::dbd::Saver saver(loop.executor(), fs, store, durability);
    xb::dbd::Service service(bus, fs, store, saver, options.callers);
    xb::exportControl(bus);

    auto reload = [](xb::dbd::Saver& reloader, xb::dbd::Service& told) -> xb::Task<> {
        co_await reloader.reload();
        told.announceForeign();
    };
    auto stop = [](xb::dbd::Saver& last, xb::Loop& running) -> xb::Task<> {
        xb::notifyStopping();
        try {
            co_await last.saveAll();
        } catch (const xb::Error&) {
            // reported by the saver; one more try follows
        }
        running.stop();
    };
    loop.onSignals({SIGTERM, SIGINT, SIGHUP}, [&](int signal) {
        if (signal == SIGHUP)
            loop.spawn("reading the files again", reload(saver, service));
        else
            loop.spawn("stopping", stop(saver, loop));
    });
    saver.changed(); // what was brought over from older files
    bus.requestName(xb::dbd::serviceName);
    xb::notifyReady();
    xb::log::info("serving {} nodes from {}", store.tree().size().nodes, directory.string());
    const int status = loop.run();

    while (store.busy()) { // the bus went away during a disk job: let it end
        loop.context().restart();
        loop.context().run_one();
    }
    for (const auto& problem : store.saveNow())
        xb::log::error("{}", problem.message());
    if (store.dirtyFiles() > 0) {
        xb::log::error(
            "{} files in {} could not be saved; their last changes are in the journal, for the next start",
            store.dirtyFiles(), directory.string());
        return xb::exitFailure;
    }
    bus.flush();
    return status;
}

int run(const Options& options) {
    if (!options.check.empty())
        return maintain(options, options.check, xb::dbd::check);
    if (!options.settle.empty())
        return maintain(options, options.settle, xb::dbd::settle);
    if (!options.repair.empty())
        return maintain(options, options.repair, xb::dbd::repair);
    return serve(options);
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("The configuration database, on the bus as com.citrix.xenclient.db.", "dbd");
    Options options;
    xb::addCommonOptions(app, options.common, true);
    app.add_option("--directory", options.directory, "where the files are, below --root")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--durability", options.durability, "sync: an answer outlives a power cut")
        ->check(CLI::IsMember({"normal", "sync"}))
        ->capture_default_str();
    xb::xen::addHypervisorOptions(app, options.callers.hypervisor);
    app.add_option("--proxy-user", options.callers.proxyUser, "the user as which rpc-proxy runs")
        ->type_name("USER")
        ->capture_default_str();
    addMaintenance(app, options);
    addLimits(app, options.limits);
    return xb::runProgram("dbd", app, options.common, argc, argv, [&options] { return run(options); });
}
