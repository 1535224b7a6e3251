// SPDX-License-Identifier: Apache-2.0
// What an instance has done since it started, for those who ask.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace xb::proxy {

struct Statistics {
    /// Rules that are counted apart.
    static constexpr std::size_t maxRules = 1024;
    static constexpr std::string_view otherRules = "other rules";

    std::uint64_t clients = 0; ///< since the start
    std::uint64_t clientsRefused = 0;
    std::uint64_t forwarded = 0; ///< messages, both ways
    std::uint64_t denied = 0;
    std::map<std::string, std::uint64_t, std::less<>> deniedBy; ///< of those, by what stopped them

    /// Counts a message that was stopped by `rule`.
    void countDenied(std::string_view rule) {
        ++denied;
        auto found = deniedBy.find(rule);
        if (found == deniedBy.end())
            found = deniedBy.try_emplace(std::string(deniedBy.size() < maxRules ? rule : otherRules)).first;
        ++found->second;
    }
};

} // namespace xb::proxy
