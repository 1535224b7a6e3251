// SPDX-License-Identifier: Apache-2.0
// db-cmd: one command on dbd over the bus. What it prints and its exit statuses are what scripts rely on.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace xb::dbd {

/// Exit statuses.
inline constexpr int exitDone = 0;
inline constexpr int exitRefused = 1; ///< the command line is wrong, or refused before the bus was asked
inline constexpr int exitFailed = 2;  ///< dbd refused, is not there, or the bus is not

/// Runs the program called `program`, without directory, to its exit status.
int runDbCmd(std::string_view program, const std::vector<std::string>& words);

/// What ls prints for the tree at `path`, of which `json` is the dump. Where the dump has null, which stands
/// for no value and for a binary node alike, `unknown` collects the lines' places in the result and the
/// paths, in order; at these places the value is still missing. Throws xb::Error if `json` is no dump.
struct Listing {
    struct Gap {
        std::size_t offset; ///< in text
        std::string path;
    };
    std::string text;
    std::vector<Gap> gaps;
};
Listing listing(const std::string& path, const std::string& json, bool fullPaths);

} // namespace xb::dbd
