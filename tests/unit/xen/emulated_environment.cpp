// SPDX-License-Identifier: Apache-2.0
// Runs the contract tests and the emulator's own on one emulator for the whole program.
#include "tests/unit/xen/emulated_environment.hpp"

#include "tests/support/process.hpp"
#include "tests/unit/xen/vchan_contract.hpp"
#include "toolstack/libs/files.hpp"
#include "xen/emulated/emulated_hypervisor.hpp"

namespace xb::xen::test {

namespace {

ContractEnvironment makeEnvironment() {
    const std::string directory = emulator().directory();
    writeFileAtomically(directory + "/test-kernel", "not a kernel");
    writeFileAtomically(directory + "/test-disk",
                        std::string("contract test disk").append(1024 * 1024 - 18, '\0'));
    ContractEnvironment environment;
    environment.open = [directory](const Executor& executor) { return openEmulated(executor, directory); };
    environment.domain.kernel = directory + "/test-kernel";
    environment.domain.memoryKib = 128 * 1024;
    environment.domain.vcpus = 2;
    environment.disk = directory + "/test-disk";
    environment.bridge = "xenbr0";
    environment.bootMessage = "xen-guest: ready";
    environment.progressCommand = "uptime";
    environment.progressText = "up ";
    return environment;
}

} // namespace

EmulatorControl& emulator() {
    static EmulatorControl control(XENBROKER_TEST_EMULATOR, {},
                                   {"--memory", "4096", "--device-limit", "2000"});
    return control;
}

const ContractEnvironment& contractEnvironment() {
    static const ContractEnvironment environment = makeEnvironment();
    return environment;
}

// The peer is a process beside the guest's: its domain is the one in whose directory it finds its socket.
const VchanEnvironment& vchanEnvironment() {
    static const VchanEnvironment environment = [] {
        const std::string directory = emulator().directory();
        VchanEnvironment made;
        made.options = {"emulated", directory, 0};
        made.withPeer = [](DomainConfig&) {};
        made.startPeer = [directory](const Executor&, DomId domid) -> std::shared_ptr<void> {
            const std::string number = std::to_string(domid);
            const std::vector<std::string> arguments{XENBROKER_TEST_VCHAN_PEER,
                                                     "--hypervisor",
                                                     "emulated",
                                                     "--emulator-directory",
                                                     directory,
                                                     "--domid",
                                                     number,
                                                     "--port",
                                                     std::to_string(peerPort)};
            return std::make_shared<xb::test::Process>(directory, "peer-" + number, arguments);
        };
        return made;
    }();
    return environment;
}

} // namespace xb::xen::test
