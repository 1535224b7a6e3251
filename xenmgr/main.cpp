// SPDX-License-Identifier: Apache-2.0
// xenmgr, the manager of all VMs of the machine.
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/guest_callers.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/options.hpp"
#include "xen/hypervisor_options.hpp"
#include "xenmgr/service.hpp"

#include <CLI/CLI.hpp>
#include <csignal>

#ifndef XENBROKER_TEMPLATES
#error "where the templates are installed must be given by the build"
#endif

namespace {

// libexec of this very program: its companions are beside it, wherever the tree was installed.
std::filesystem::path besideThisProgram(const char* name) {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() / name;
}

xb::Task<> startService(xb::xenmgr::Service& service, xb::Loop& loop) {
    try {
        co_await service.start();
    } catch (const std::exception& e) {
        xb::log::error("cannot start: {}", e.what());
        loop.stop(xb::exitFailure);
    }
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("Manages the VMs of this machine, on the bus as com.citrix.xenclient.xenmgr.", "xenmgr");
    xb::CommonOptions common;
    xb::xenmgr::Settings settings;
    bool ignored = false;
    settings.proxyUser = xb::defaultProxyUser;
    settings.templates = besideThisProgram("../../" XENBROKER_TEMPLATES);
    settings.xenvmProgram = besideThisProgram("xenvm");
    xb::addCommonOptions(app, common, true);
    xb::xen::addHypervisorOptions(app, settings.hypervisor);
    app.add_option("--templates", settings.templates, "VM templates [as installed]")->type_name("DIR");
    app.add_option("--run-directory", settings.runDirectory, "configurations of VMs")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--disk-directory", settings.diskDirectory, "where create_vhd puts disks")
        ->type_name("DIR")
        ->capture_default_str();
    app.add_option("--xenvm", settings.xenvmProgram, "the monitor of a VM [as installed]")
        ->type_name("PROGRAM");
    app.add_option("--proxy-user", settings.proxyUser, "the user as which rpc-proxy runs")
        ->type_name("USER")
        ->capture_default_str();
    app.add_flag("--no-daemonize,--no-autostart", ignored, "accepted: always so");
    return xb::runProgram("xenmgr", app, common, argc, argv, [&] {
        settings.root = common.root;
        settings.runDirectory = xb::below(common.root, settings.runDirectory);
        settings.busAddress = common.bus;
        settings.logLevel = common.logLevel;
        xb::Loop loop;
        loop.onSignals({SIGTERM, SIGINT}, [&loop](int) { loop.stop(); });
        xb::Bus bus(loop, common.bus);
        try {
            xb::xenmgr::Service service(bus, settings);
            loop.spawn("starting", startService(service, loop));
            const int status = loop.run();
            bus.flush();
            return status;
        } catch (const xb::xen::NotOnXen& e) {
            xb::log::error("{}", e.what());
            return xb::exitNotOnXen;
        }
    });
}
