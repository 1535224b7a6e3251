// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "xen/emulated/control_protocol.hpp"

#include <csignal>
#include <iostream>

namespace xb::test {

namespace {
constexpr auto service = "com.citrix.xenclient.db";
}

Client::Client(Loop& loop, const std::string& address)
    : bus(loop, address), db(bus, service, "/"), extension(bus, service, "/"),
      subscription(extension.onChanged(
          [this](std::vector<std::string> paths) { heard.push_back(std::move(paths)); })) {}

DbdFixture::DbdFixture() {
    log::setLevel("warning");
    makeDirectories(root() / "config/dom-store");
    dom0 = connect();
}

DbdFixture::~DbdFixture() {
    if (HasFailure() && dbd)
        std::cerr << "--- messages of dbd:\n" << dbd->messages();
    xenstore.reset();
}

void DbdFixture::startDbd(std::vector<std::string> options) {
    std::vector<std::string> arguments{DBD,
                                       "--bus",
                                       bus.address(),
                                       "--root",
                                       root(),
                                       "--hypervisor",
                                       "emulated",
                                       "--emulator-directory",
                                       emulatorDirectory(),
                                       "--log-to",
                                       "stderr"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    dbd = std::make_unique<Process>(directory.path(), "dbd", arguments);
    ASSERT_TRUE(dbd->waitReady()) << dbd->messages();
}

void DbdFixture::restart(int signal, std::vector<std::string> options) {
    dbd->signal(signal);
    dbd->waitEnd();
    startDbd(std::move(options));
}

std::unique_ptr<Client> DbdFixture::connectGuest(unsigned domid) {
    auto client = connect();
    client->bus.requestName("com.citrix.xenclient.guest.domid_" + std::to_string(domid) + ".c1234_" +
                            std::to_string(++connections_));
    return client;
}

void DbdFixture::startXenstore() {
    emulator = std::make_unique<Process>(
        directory.path(), "emulator",
        std::vector<std::string>{XEN_EMULATOR, "--directory", emulatorDirectory(), "--log-to", "stderr"});
    ASSERT_TRUE(emulator->waitReady()) << emulator->messages();
    xenstore = xen::connectXenStore(loop.executor(), xen::emulated::xenstoreSocketPath(emulatorDirectory()));
}

void DbdFixture::setDomain(unsigned domid, const std::string& uuid) {
    const std::string vm = "/vm/" + uuid;
    await(xenstore->write(vm + "/uuid", uuid));
    await(xenstore->write("/local/domain/" + std::to_string(domid) + "/vm", vm));
}

} // namespace xb::test
