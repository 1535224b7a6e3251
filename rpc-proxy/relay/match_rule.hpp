// SPDX-License-Identifier: Apache-2.0
// Match rules of the D-Bus specification, as AddMatch has them: what a guest subscribes to is understood here
// before the bus sees it, and written anew, so that both mean the same by it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xb::proxy {

/// In bytes; the reference implementation's.
inline constexpr std::size_t maxMatchRuleBytes = 1024;

struct MatchRule {
    /// Keys and values in the order of the text; no key twice. `eavesdrop` is not among them.
    std::vector<std::pair<std::string, std::string>> conditions;
    /// Asks for messages that are for others.
    bool eavesdrop = false;

    /// One text for all ways to write it.
    std::string text() const;
};

/// Throws xb::Error (org.freedesktop.DBus.Error.MatchRuleInvalid).
MatchRule parseMatchRule(std::string_view text);

} // namespace xb::proxy
