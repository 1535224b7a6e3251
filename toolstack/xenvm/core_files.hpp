// SPDX-License-Identifier: Apache-2.0
// The directory of core dumps, which crashing guests must not fill a disk through: so many files and so many
// bytes, the oldest go first. Blocks; only files named *.core are counted and removed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <string>

namespace xb::xenvm {

struct CoreLimits {
    std::size_t files = 4;
    std::uint64_t bytes = 8ULL << 30;
};

/// Makes the directory if need be and room in it for a core of `expected` bytes. Throws xb::Error when such a
/// one would never fit.
void makeRoomForCore(const std::filesystem::path& directory, const CoreLimits& limits,
                     std::uint64_t expected);
/// "<uuid>-<date>T<time>Z.core"
std::string coreFileName(const std::string& uuid, std::time_t now);

} // namespace xb::xenvm
