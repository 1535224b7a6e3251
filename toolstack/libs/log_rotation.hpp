// SPDX-License-Identifier: Apache-2.0
// Logs of what guests print, kept small: FILE, and beside it FILE.1, FILE.2 ... with what was in it before.
#pragma once

#include <cstdint>
#include <filesystem>

namespace xb {

struct LogLimits {
    std::uint64_t bytes = 1024 * 1024; ///< of FILE, from which on it begins anew
    unsigned kept = 4;                 ///< older ones beside it

    bool operator==(const LogLimits&) const = default;
};

/// FILE itself becomes FILE.1, after FILE.1 became FILE.2 and so on, and the last one went. For who writes
/// FILE himself. Throws xb::Error.
void rotateByName(const std::filesystem::path& file, unsigned kept);

/// The same for a FILE that somebody else has open to append to: it is copied and then cut to nothing. What
/// he writes between both, some microseconds, is lost. At most `most` bytes, the first, are copied. FILE is
/// cut in any case; throws xb::Error when the copy cannot be had, or there is no such plain file.
void rotateByCopy(const std::filesystem::path& file, unsigned kept, std::uint64_t most);

} // namespace xb
