// SPDX-License-Identifier: Apache-2.0
// Small, pure text helpers of the configuration parser: trimming, splitting and numbers with their bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xenvm {

/// Without blanks, tabs and carriage returns at both ends.
std::string_view trim(std::string_view text);
/// The parts between separators; empty parts are kept, empty text gives one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);
/// A whole decimal number, or 0x and hex digits, with an optional minus sign; nothing for anything else.
std::optional<std::int64_t> parseInteger(std::string_view text);
/// Hex digits only, at most `digits` of them.
std::optional<unsigned> parseHex(std::string_view text, std::size_t digits);
/// 1/y/yes/true or 0/n/no/false, any case; with `strict` only true and false.
std::optional<bool> parseBool(std::string_view text, bool strict = false);
/// "k=v" -> (k, v), "k" -> (k, nothing).
std::pair<std::string_view, std::optional<std::string_view>> splitPair(std::string_view text);
/// What a D-Bus string may carry, without control characters (a tab is allowed).
bool isPrintable(std::string_view text);
std::string toLower(std::string_view text);

} // namespace xb::xenvm
