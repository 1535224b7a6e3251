// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/core_files.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

namespace xb::xenvm {

namespace {

struct Core {
    std::filesystem::path path;
    std::filesystem::file_time_type written;
    std::uint64_t bytes = 0;
};

std::vector<Core> coresIn(const std::filesystem::path& directory) {
    std::vector<Core> cores;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        if (entry.path().extension() != ".core" || entry.is_symlink(error) || !entry.is_regular_file(error))
            continue;
        cores.push_back({entry.path(), entry.last_write_time(error), entry.file_size(error)});
    }
    if (error)
        throw Error(fmt::format("cannot read {}: {}", directory.string(), error.message()));
    std::sort(cores.begin(), cores.end(), [](const Core& a, const Core& b) {
        return std::tie(a.written, a.path) < std::tie(b.written, b.path);
    });
    return cores;
}

} // namespace

void makeRoomForCore(const std::filesystem::path& directory, const CoreLimits& limits,
                     std::uint64_t expected) {
    if (limits.files == 0 || expected > limits.bytes)
        throw Error(errors::limitsExceeded,
                    fmt::format("a core of {} MiB does not fit into {}, which takes {} files and {} MiB",
                                expected >> 20, directory.string(), limits.files, limits.bytes >> 20));
    makeDirectories(directory, 0700);
    auto cores = coresIn(directory);
    std::uint64_t bytes = 0;
    for (const auto& core : cores)
        bytes += core.bytes;
    std::size_t files = cores.size();
    for (const auto& core : cores) {
        if (files < limits.files && bytes + expected <= limits.bytes)
            return;
        std::error_code error;
        std::filesystem::remove(core.path, error);
        if (error)
            throw Error(fmt::format("cannot remove {}: {}", core.path.string(), error.message()));
        log::info("{} is removed to make room for a new core", core.path.string());
        --files;
        bytes -= core.bytes;
    }
}

std::string coreFileName(const std::string& uuid, std::time_t now) {
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    return fmt::format("{}-{:%Y%m%dT%H%M%SZ}.core", uuid, parts);
}

} // namespace xb::xenvm
