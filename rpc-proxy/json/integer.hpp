// SPDX-License-Identifier: Apache-2.0
// Exact integers of JSON values: what does not fit is nothing, never rounded or wrapped.
#pragma once

#include "rpc-proxy/json/values.hpp"

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace xb::proxy::json {

/// The decimal number that `text` is, written as D-Bus integers are (no leading zeros, no plus sign, no -0),
/// so that no two texts are the same number.
template <std::integral T>
std::optional<T> integerOf(std::string_view text) {
    const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
    if (digits.empty() || (digits[0] == '0' && text.size() > 1))
        return std::nullopt;
    T value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return value;
}

/// A number whose value is an integer (1.0 and 1e3 are), as long as a double holds it exactly.
template <std::integral T>
std::optional<T> integerOf(double value) {
    if (std::trunc(value) != value || std::abs(value) > static_cast<double>(maxExactInteger))
        return std::nullopt;
    const auto whole = static_cast<std::int64_t>(value);
    return std::in_range<T>(whole) ? std::optional(static_cast<T>(whole)) : std::nullopt;
}

/// A number; of 64 bits also as a decimal string, since browsers hold no others.
template <std::integral T>
std::optional<T> integerOf(Value value) {
    switch (value.kind()) {
    case Kind::positive:
        return std::in_range<T>(value.positive()) ? std::optional(static_cast<T>(value.positive()))
                                                  : std::nullopt;
    case Kind::negative:
        return std::in_range<T>(value.negative()) ? std::optional(static_cast<T>(value.negative()))
                                                  : std::nullopt;
    case Kind::real:
        return integerOf<T>(value.real());
    case Kind::text:
        if constexpr (sizeof(T) == 8)
            return integerOf<T>(value.text());
        return std::nullopt;
    default:
        return std::nullopt;
    }
}

} // namespace xb::proxy::json
