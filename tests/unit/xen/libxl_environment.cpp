// SPDX-License-Identifier: Apache-2.0
// xen-contract-test: runs the contract tests on the hypervisor that --hypervisor names, libxl by default; for
// tests on real Xen. What to boot comes from the environment: XENBROKER_TEST_KERNEL (needed), _RAMDISK,
// _VCHAN_RAMDISK (for the tests of VchanContract: runs xen-vchan-peer, again and again), _CMDLINE, _TYPE (pv
// or pvh), _MEMORY_MIB, _DISK (needed), _BRIDGE, _BOOT_MESSAGE,
// _PROGRESS_COMMAND, _PROGRESS_TEXT, _WHY_NO_LIVE_SAVE, _LIMIT_SECONDS.
// GoogleTest's options work.
#include "tests/unit/xen/hypervisor_contract.hpp"
#include "tests/unit/xen/vchan_contract.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

xb::xen::HypervisorOptions options;

std::string variable(const char* name, const char* otherwise) {
    const char* value = std::getenv((std::string("XENBROKER_TEST_") + name).c_str());
    return value ? value : otherwise;
}

} // namespace

namespace xb::xen::test {

const ContractEnvironment& contractEnvironment() {
    static const ContractEnvironment environment = [] {
        ContractEnvironment made;
        made.open = [](const Executor& executor) { return openHypervisor(executor, options); };
        made.domain.type = variable("TYPE", "pv") == "pvh" ? DomainType::pvh : DomainType::pv;
        made.domain.kernel = variable("KERNEL", "");
        made.domain.ramdisk = variable("RAMDISK", "");
        made.domain.cmdline = variable("CMDLINE", "console=hvc0");
        made.domain.memoryKib = std::strtoull(variable("MEMORY_MIB", "128").c_str(), nullptr, 10) * 1024;
        made.disk = variable("DISK", "");
        made.bridge = variable("BRIDGE", "xenbr0");
        made.bootMessage = variable("BOOT_MESSAGE", "login:");
        made.progressCommand = variable("PROGRESS_COMMAND", "");
        made.progressText = variable("PROGRESS_TEXT", "DOMU-TICK ");
        made.whyNoLiveSave = variable("WHY_NO_LIVE_SAVE", "");
        made.limit =
            std::chrono::seconds(std::strtoul(variable("LIMIT_SECONDS", "180").c_str(), nullptr, 10));
        return made;
    }();
    return environment;
}

const VchanEnvironment& vchanEnvironment() {
    static const VchanEnvironment environment = [] {
        VchanEnvironment made;
        made.options = {options.kind, options.emulatorDirectory, 0};
        made.withPeer = [](DomainConfig& config) {
            config.ramdisk = variable("VCHAN_RAMDISK", "");
            if (config.ramdisk.empty())
                throw std::runtime_error("set XENBROKER_TEST_VCHAN_RAMDISK");
        };
        made.startPeer = [](const Executor&, DomId) { return std::shared_ptr<void>(); };
        return made;
    }();
    return environment;
}

} // namespace xb::xen::test

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    for (int i = 1; i + 1 < argc; i += 2) {
        if (std::string(argv[i]) == "--hypervisor")
            options.kind = argv[i + 1];
        else if (std::string(argv[i]) == "--emulator-directory")
            options.emulatorDirectory = argv[i + 1];
    }
    if (xb::xen::test::contractEnvironment().domain.kernel.empty() ||
        xb::xen::test::contractEnvironment().disk.empty()) {
        std::fputs("set XENBROKER_TEST_KERNEL and XENBROKER_TEST_DISK\n", stderr);
        return 2;
    }
    return RUN_ALL_TESTS();
}
