// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/start_checks.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/xenvm/errors.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

namespace xb::xenvm {

namespace {

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

Task<> checkHost(xen::Hypervisor& hypervisor, xen::DomainConfig domain, bool memory) {
    const xen::HostInfo host = co_await hypervisor.hostInfo();
    if (domain.type == xen::DomainType::hvm && !host.hvm)
        throw Error(errorNames::missingCapability,
                    "missing host capability: hvm (VT-x or AMD-V is absent or switched off in the firmware)");
    if (!memory)
        co_return;
    const std::uint64_t needed = co_await hypervisor.memoryNeeded(std::move(domain));
    if (host.freeMemoryKib < needed)
        throw Error(
            errorNames::notEnoughMemory,
            fmt::format("not enough memory: {} KiB requested, {} KiB available", needed, host.freeMemoryKib));
}

} // namespace xb::xenvm
