// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/start_checks.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/xenvm/errors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xb::xenvm {

namespace {

bool accountExists(const std::string& name) {
    constexpr std::size_t enough = 16384; // for the texts of an entry
    std::vector<char> texts(enough);
    passwd entry{};
    passwd* found = nullptr;
    return getpwnam_r(name.c_str(), &entry, texts.data(), texts.size(), &found) == 0 && found;
}

void checkFile(const NeededFile& file, const std::string& operation) {
    struct stat status {};
    if (stat(file.path.c_str(), &status) != 0)
        throw systemError(fmt::format("cannot {}: {} {}", operation, file.what, file.path), errno);
    if (S_ISDIR(status.st_mode))
        throw Error(fmt::format("cannot {}: {} {} is a directory", operation, file.what, file.path));
    if (access(file.path.c_str(), file.writable ? R_OK | W_OK : R_OK) != 0)
        throw systemError(fmt::format("cannot {}: {} {}", operation, file.what, file.path), errno);
}

} // namespace

Task<> checkFiles(std::vector<NeededFile> files, std::string operation) {
    if (files.empty())
        co_return;
    Workers workers;
    co_await workers.run([&files, &operation] {
        for (const NeededFile& file : files)
            checkFile(file, operation);
    });
}

std::vector<std::string> restrictedAccounts() {
    return {"xen-qemuuser-range-base", "xen-qemuuser-shared"};
}

Task<> checkBootloader(std::string bootloader, std::vector<std::string> accounts) {
    if (bootloader.empty())
        co_return;
    Workers workers; // accounts may be elsewhere in the network
    bool possible = false;
    co_await workers.run([&accounts, &possible] { possible = std::ranges::any_of(accounts, accountExists); });
    if (!possible)
        throw Error(fmt::format("cannot start: bootloader {} reads what the guest has on its disk, and runs "
                                "as an account without rights "
                                "for that, but there is neither {}; add the system user {}, or boot a loader "
                                "in the guest (kernel = "
                                "grub-x86_64-xen.bin)",
                                bootloader, fmt::join(accounts, " nor "), accounts.back()));
}

Task<> checkHost(xen::Hypervisor& hypervisor, xen::DomainConfig domain, bool memory) {
    const xen::HostInfo host = co_await hypervisor.hostInfo();
    if (domain.type == xen::DomainType::hvm && !host.hvm)
        throw Error(errorNames::missingCapability,
                    "missing host capability: hvm (VT-x or AMD-V is absent or switched off in the firmware)");
    if (!domain.pciDevices.empty() && !host.directIo) // of PV VMs, too: libxl has it so
        throw Error(
            errorNames::missingCapability,
            "missing host capability: directio (VT-d or AMD-Vi is absent or switched off in the firmware), "
            "without which a VM cannot have PCI device " +
                toString(domain.pciDevices.front().address));
    if (!memory)
        co_return;
    const std::uint64_t needed = co_await hypervisor.memoryNeeded(std::move(domain));
    if (host.freeMemoryKib < needed)
        throw Error(
            errorNames::notEnoughMemory,
            fmt::format("not enough memory: {} KiB requested, {} KiB available", needed, host.freeMemoryKib));
}

} // namespace xb::xenvm
