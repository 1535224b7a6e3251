// SPDX-License-Identifier: Apache-2.0
// A service's log file: where its output goes, turned over when it has grown large, and read for its last
// lines when the service fails.
#pragma once

#include "toolstack/libs/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xb::bootage {

/// How much of a log a failure shows.
inline constexpr std::size_t maxTailLines = 10;
inline constexpr std::size_t maxTailBytes = 4096;

/// A log opened for appending, and its size then: what the service says begins there.
struct OpenedLog {
    UniqueFd fd;
    std::int64_t begin = 0;
};

/// Opens `file`, making its directory; a file larger than `limit` bytes becomes FILE.1 first (what was FILE.1
/// is gone). Throws xb::Error.
OpenedLog openLog(const std::string& file, std::size_t limit);

/// The last lines of `file` after `begin`, made harmless for a terminal. Nothing when it cannot be read.
std::vector<std::string> lastLines(const std::string& file, std::int64_t begin);

/// `text` with every control character as "?", at most `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 1024);

} // namespace xb::bootage
