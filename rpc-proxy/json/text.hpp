// SPDX-License-Identifier: Apache-2.0
// The leaves of JSON: texts and numbers, appended to a string.
#pragma once

#include "rpc-proxy/json/limits.hpp"

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace xb::proxy::json {

/// A string with its quotes. `text` is UTF-8; control characters are escaped and nothing else needlessly.
void appendText(std::string& out, std::string_view text);
/// What is in the quotes for NaN and the infinities, "" for all other numbers.
std::string_view nameOfNumber(double value);
/// The shortest number that is read as `value`; NaN and the infinities as strings.
void appendNumber(std::string& out, double value);

/// The digits, whether a browser can hold them or not.
template <std::integral T>
void appendDigits(std::string& out, T value) {
    std::array<char, 24> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

/// A number, or a string where a browser would change it.
template <std::integral T>
void appendNumber(std::string& out, T value) {
    bool exact = true;
    if constexpr (sizeof(T) == 8) {
        const auto bits = static_cast<std::uint64_t>(value);
        exact = (value < T{0} ? 0 - bits : bits) <= maxExactInteger;
    }
    if (!exact)
        out += '"';
    appendDigits(out, value);
    if (!exact)
        out += '"';
}

} // namespace xb::proxy::json
