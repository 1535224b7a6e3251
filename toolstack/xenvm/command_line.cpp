// SPDX-License-Identifier: Apache-2.0
// The command line of xenvm, with the options of its predecessor that still mean something.
#include "toolstack/xenvm/program.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/uuid.hpp"
#include "toolstack/xenvm/config_parser.hpp"
#include "toolstack/xenvm/text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace xb::xenvm {

namespace {

/// What was said with options of other times.
struct Classic {
    bool noDaemonize = false;
    bool dbus = true;
    bool json = false;
    bool session = false;
    std::string file;
};

/// Limits as people give them, in seconds.
struct Seconds {
    double acknowledge = 30;
    double stop = 1800;
    double forceAfter = 0;
    double restartSpacing = 5;
    double maxRestartSpacing = 300;
};

/// Where cores go, and how much of them.
struct Cores {
    std::filesystem::path directory;
    std::uint64_t mib = CoreLimits().bytes >> 20;
};

std::chrono::milliseconds milliseconds(double seconds) {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

void addOptions(CLI::App& app, Settings& settings, Classic& classic, Seconds& seconds, Cores& cores) {
    addCommonOptions(app, settings.common, true);
    app.add_option("--uuid", settings.vm.uuid, "the VM [the key uuid of the configuration]")
        ->type_name("UUID");
    app.add_option("--config", settings.vm.configFile, "its configuration; not below --root")
        ->type_name("FILE");
    app.add_flag("--strict-config", settings.vm.strictConfig, "end if a line of it is wrong");
    app.add_option("--hypervisor", settings.hypervisor.kind, "what runs the domain")
        ->check(CLI::IsMember({"libxl", "emulated"}))
        ->capture_default_str();
    app.add_option("--emulator-directory", settings.hypervisor.emulatorDirectory,
                   "run directory of xen-emulator")
        ->type_name("DIR");
    app.add_option("--state-directory", settings.stateDirectory,
                   "for lock files [/run/xenbroker/xenvm below --root]")
        ->type_name("DIR");

    app.add_option("--core-directory", cores.directory, "for cores [/var/lib/xenbroker/cores below --root]")
        ->type_name("DIR");
    app.add_option("--max-cores", settings.vm.coreLimits.files, "cores there, of all VMs")
        ->capture_default_str();
    app.add_option("--max-core-mib", cores.mib, "MiB that they may take")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 30))
        ->capture_default_str();

    app.add_option("--console-directory", settings.vm.consoleDirectory,
                   "of xenconsoled's logs [/var/log/xen/console; emulated: none]")
        ->type_name("DIR");
    app.add_option("--console-log-limit", settings.vm.consoleLimits.bytes,
                   "bytes of its console's log until it begins anew")
        ->capture_default_str();
    app.add_option("--console-logs", settings.vm.consoleLimits.kept, "older ones that are kept")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str();

    const auto time = CLI::Range(0.0, 7.0 * 24 * 3600);
    app.add_option("--acknowledge-timeout", seconds.acknowledge, "seconds to acknowledge a shutdown")
        ->check(time)
        ->capture_default_str();
    app.add_option("--stop-timeout", seconds.stop, "seconds to stop after that")
        ->check(time)
        ->capture_default_str();
    app.add_option("--force-after", seconds.forceAfter, "seconds until it is forced; 0: never")
        ->check(time)
        ->capture_default_str();
    app.add_option("--restart-spacing", seconds.restartSpacing, "seconds between automatic restarts")
        ->check(time)
        ->capture_default_str();
    app.add_option("--max-restart-spacing", seconds.maxRestartSpacing, "and at most, as they go on")
        ->check(time)
        ->capture_default_str();

    app.add_flag("--no-daemonize", classic.noDaemonize, "accepted: always so");
    app.add_option("--monitor-dbus", classic.dbus, "accepted if true: it is always on D-Bus")
        ->type_name("BOOL");
    app.add_option("--monitor-json", classic.json, "accepted if false: there is no JSON socket")
        ->type_name("BOOL");
    app.add_flag("--monitor-dbus-session", classic.session, "refused: say --bus");
    app.add_option("FILE", classic.file, "as --config");
}

// An error text, or nothing.
std::string complain(const Settings& settings, const Classic& classic) {
    if (!classic.dbus)
        return "--monitor-dbus=false: xenvm cannot be reached other than by D-Bus";
    if (classic.json)
        return "--monitor-json: there is no JSON socket; use D-Bus";
    if (classic.session)
        return "--monitor-dbus-session: say --bus \"$DBUS_SESSION_BUS_ADDRESS\"";
    if (settings.hypervisor.kind == "emulated" && settings.hypervisor.emulatorDirectory.empty())
        return "--hypervisor emulated needs --emulator-directory";
    if (settings.vm.uuid.empty())
        return "no UUID: say --uuid, or have a line uuid = ... in the configuration";
    if (!isUuid(settings.vm.uuid))
        return fmt::format("\"{}\" is not a UUID", settings.vm.uuid);
    return {};
}

// The UUID may be in the file.
void findUuid(Settings& settings) {
    if (settings.vm.uuid.empty() && !settings.vm.configFile.empty())
        settings.vm.uuid =
            parseConfig(readFile(settings.vm.configFile, maxConfigBytes)).config.uuid.value_or("");
    settings.vm.uuid = toLower(settings.vm.uuid);
}

// Every line says which VM it is about.
void nameLog(const Settings& settings) {
    const auto sink = settings.common.logTo == "stderr"   ? log::Sink::standardError
                      : settings.common.logTo == "syslog" ? log::Sink::syslog
                                                          : log::Sink::automatic;
    log::init("xenvm " + settings.vm.uuid, sink);
    log::setLevel(settings.common.logLevel);
}

int start(Settings& settings, const Classic& classic, const Seconds& seconds, const Cores& cores) {
    if (settings.vm.configFile.empty())
        settings.vm.configFile = classic.file;
    std::string error;
    try {
        findUuid(settings);
        error = complain(settings, classic);
    } catch (const Error& e) {
        error = e.what();
    }
    if (!error.empty()) {
        log::error("{}", error);
        return exitBadConfig;
    }
    nameLog(settings);
    settings.vm.root = settings.common.root;
    settings.vm.coreLimits.bytes = cores.mib << 20;
    settings.vm.coreDirectory =
        cores.directory.empty() ? below(settings.common.root, "/var/lib/xenbroker/cores") : cores.directory;
    if (settings.vm.consoleDirectory.empty() && settings.hypervisor.kind == "libxl")
        settings.vm.consoleDirectory = "/var/log/xen/console";
    settings.vm.limits.acknowledge =
        std::chrono::ceil<std::chrono::seconds>(milliseconds(seconds.acknowledge));
    settings.vm.limits.stop = milliseconds(seconds.stop);
    settings.vm.limits.forceAfter = milliseconds(seconds.forceAfter);
    settings.vm.limits.restartSpacing = milliseconds(seconds.restartSpacing);
    settings.vm.limits.maxRestartSpacing = milliseconds(seconds.maxRestartSpacing);
    if (settings.stateDirectory.empty())
        settings.stateDirectory = below(settings.common.root, "/run/xenbroker/xenvm");
    return serve(std::move(settings));
}

} // namespace

int runXenvm(int argc, char** argv) {
    CLI::App app{"Builds and looks after the domain of one VM.", "xenvm"};
    Settings settings;
    Classic classic;
    Seconds seconds;
    Cores cores;
    addOptions(app, settings, classic, seconds, cores);
    const auto body = [&] { return start(settings, classic, seconds, cores); };
    const int status = runProgram("xenvm", app, settings.common, argc, argv, body);
    return status == exitUsage ? exitBadConfig : status;
}

} // namespace xb::xenvm
