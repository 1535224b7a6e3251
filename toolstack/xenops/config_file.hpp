// SPDX-License-Identifier: Apache-2.0
// The syntax of a guest's configuration file as xl and xm have it: KEY = VALUE lines, where a value is a
// number, a text in either quotes, or a list in brackets over as many lines as it takes; # begins a comment,
// ; ends a statement, \ at the end of a line continues it. Pure; what the keys mean is guest_config's. Python
// expressions are not evaluated, but refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace xb::xenops {

/// Bounds of what is read.
inline constexpr std::size_t maxConfigBytes = 1024 * 1024;
inline constexpr std::size_t maxConfigEntries = 1000;
inline constexpr std::size_t maxListElements = 1000;
inline constexpr unsigned maxListDepth = 8;

struct ConfigValue {
    unsigned line = 0;
    std::variant<std::int64_t, std::string, std::vector<ConfigValue>> data;
};

struct ConfigEntry {
    std::string key;
    unsigned line = 0;
    ConfigValue value;
};

/// The assignments in their order; a key may be there more than once. Throws xb::Error (InvalidArgs),
/// "FILE:LINE: reason".
std::vector<ConfigEntry> parseConfigFile(std::string_view text, const std::string& file);

} // namespace xb::xenops
