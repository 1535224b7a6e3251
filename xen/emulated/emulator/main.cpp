// SPDX-License-Identifier: Apache-2.0
// xen-emulator: plays Xen, domain 0's backends and xenconsoled on a machine without Xen, for `./run` and for
// tests. One per directory. SIGTERM ends the domains and leaves nothing behind; when it is killed its
// children die with it.
#include "toolstack/libs/daemon.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/options.hpp"
#include "xen/emulated/emulator/control_server.hpp"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>

namespace {

using namespace xb;
using namespace xb::xen::emulated;

// One emulator per directory. The file stays locked, and stays where it is, for as long as we run.
UniqueFd lockDirectory(const std::string& directory) {
    const std::string path = directory + "/lock";
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd)
        throw systemError("cannot open " + path, errno);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
        throw Error("another xen-emulator serves " + directory);
    return fd;
}

void prepare(EmulatorOptions& options) {
    options.directory = std::filesystem::absolute(options.directory).lexically_normal().string();
    while (options.directory.size() > 1 && options.directory.ends_with('/'))
        options.directory.pop_back();
    if (options.directory.size() > longestDirectory)
        throw Error("--directory " + options.directory + " is longer than " +
                    std::to_string(longestDirectory) + " letters: sockets below it could not be named");
    if (options.controlDomainMemoryMib >= options.memoryMib)
        throw Error("--memory leaves nothing for domains: domain 0 has " +
                    std::to_string(options.controlDomainMemoryMib) + " MiB");
    const auto beside = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    if (options.shim.empty())
        options.shim = beside / "fakexen.so";
    if (options.guest.empty())
        options.guest = beside / "xen-guest";
    for (const auto& file : {options.shim, options.guest})
        if (::access(file.c_str(), R_OK) != 0)
            throw systemError("cannot find " + file, errno);
    makeDirectories(options.directory, 0700);
}

void addOptions(CLI::App& app, EmulatorOptions& options) {
    app.add_option("--directory", options.directory, "sockets, rings and console logs; needed")
        ->type_name("DIR")
        ->required();
    app.add_option("--memory", options.memoryMib, "memory of the machine, MiB")->capture_default_str();
    app.add_option("--dom0-memory", options.controlDomainMemoryMib, "memory of domain 0, MiB")
        ->capture_default_str();
    app.add_option("--cpus", options.cpus, "processors of the machine")->capture_default_str();
    app.add_flag("--iommu", options.directIo, "say that there is an IOMMU");
    app.add_option("--bridges", options.bridges, "bridges for network cards")
        ->type_name("NAME,...")
        ->delimiter(',')
        ->capture_default_str();
    app.add_option("--xenstored", options.xenstored, "the C xenstored of Xen 4.17")->type_name("PROGRAM");
    app.add_option("--shim", options.shim, "library that is preloaded into xenstored")->type_name("FILE");
    app.add_option("--guest", options.guest, "program that plays a guest")->type_name("PROGRAM");
    app.add_flag("--keep-logs", options.keepLogs, "leave the console logs when ending");
    app.add_option_function<unsigned>(
           "--device-limit", [&](unsigned ms) { options.deviceLimit = std::chrono::milliseconds(ms); },
           "time for a backend to get ready, ms")
        ->default_str("10000");
    app.add_option("--max-clients", options.maxClients, "connections to the control socket")
        ->capture_default_str();
    app.add_option("--max-domains", options.maxDomains, "domains at once")->capture_default_str();
    app.add_option("--console-log-limit", options.consoleLimits.bytes,
                   "bytes of a domain's console log until it begins anew")
        ->capture_default_str();
    app.add_option("--console-logs", options.consoleLimits.kept, "older ones that are kept")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str();
}

xb::Task<> serve(Loop& loop, Emulator& emulator, ControlServer& server) {
    try {
        co_await emulator.start([&loop](const std::string& reason) {
            log::error("{}: the domains end with it", reason);
            loop.stop(exitFailure);
        });
        server.start();
    } catch (const std::exception& e) {
        log::error("{}", e.what());
        loop.stop(exitFailure);
        co_return;
    }
    log::info("serving {}", emulator.options().directory);
    notifyReady();
}

xb::Task<> end(Loop& loop, Emulator& emulator, ControlServer& server) {
    notifyStopping();
    server.close();
    co_await emulator.stop();
    loop.stop(0);
}

int run(EmulatorOptions options) {
    prepare(options);
    std::signal(SIGPIPE, SIG_IGN); // whoever reads what we save may go
    const UniqueFd lock = lockDirectory(options.directory);
    Loop loop;
    Emulator emulator(loop.executor(), options);
    ControlServer server(loop.executor(), emulator);
    bool ending = false;
    loop.onSignals({SIGTERM, SIGINT}, [&](int) {
        if (!std::exchange(ending, true))
            loop.spawn("ending", end(loop, emulator, server));
    });
    loop.spawn("starting", serve(loop, emulator, server));
    const int status = loop.run();
    ::unlink((options.directory + "/lock").c_str());
    return status;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Plays Xen on a machine without it: domains are processes, xenstored is real.",
                 "xen-emulator");
    CommonOptions common;
    EmulatorOptions options;
    addCommonOptions(app, common, false);
    addOptions(app, options);
    return runProgram("xen-emulator", app, common, argc, argv, [&] { return run(options); });
}
