// SPDX-License-Identifier: Apache-2.0
// foreign_domain: a domain for the clients of a guest. It runs in the emulator whose directory it is told,
// from when this says that it is ready, with its number on stdout, until SIGTERM.
#include "toolstack/libs/daemon.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/options.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xen/hypervisor.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace {

using namespace xb;

constexpr std::uint64_t memoryKib = 32 * 1024;

struct Guest {
    Loop loop;
    std::unique_ptr<xen::Hypervisor> hypervisor;
    std::string kernel;
    std::optional<xen::DomId> domid;
};

Task<> start(Guest& guest) {
    xen::DomainConfig config;
    config.uuid = randomUuid();
    config.name = "foreign";
    config.kernel = guest.kernel;
    config.memoryKib = memoryKib;
    guest.domid = co_await guest.hypervisor->create(std::move(config), [](xen::CreateStep, xen::DomId) {});
    co_await guest.hypervisor->unpause(*guest.domid);
    fmt::print("{}\n", *guest.domid);
    std::fflush(stdout);
    notifyReady();
}

Task<> begin(Guest& guest) {
    try {
        co_await start(guest);
    } catch (const std::exception& e) {
        log::error("{}", e.what());
        guest.loop.stop(exitFailure);
    }
}

Task<> end(Guest& guest) {
    if (guest.domid)
        co_await guest.hypervisor->destroy(*guest.domid);
    guest.loop.stop();
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("foreign_domain: a domain that runs until SIGTERM; for tests");
    CommonOptions common;
    addLogOptions(app, common);
    Guest guest;
    xen::HypervisorOptions options{"emulated", {}};
    app.add_option("--emulator-directory", options.emulatorDirectory, "run directory of xen-emulator")
        ->required();
    app.add_option("--kernel", guest.kernel, "any file: the emulator does not run it")->required();
    return runProgram("foreign_domain", app, common, argc, argv, [&] {
        guest.hypervisor = xen::openHypervisor(guest.loop.executor(), options);
        guest.loop.onSignals({SIGTERM, SIGINT},
                             [&guest](int) { guest.loop.spawn("ending the domain", end(guest)); });
        guest.loop.spawn("starting the domain", begin(guest));
        return guest.loop.run();
    });
}
