// SPDX-License-Identifier: Apache-2.0
// Runs the contract tests and the emulator's own on one emulator for the whole program.
#include "tests/unit/xen/emulated_environment.hpp"

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

} // namespace xb::xen::test
