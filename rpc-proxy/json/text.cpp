// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/json/text.hpp"

#include <cmath>
#include <cstring>

namespace xb::proxy::json {

namespace {

constexpr std::uint64_t ones = 0x0101010101010101;
constexpr std::uint64_t highBits = 0x8080808080808080;

// Whether a byte of the word may be a quote, a backslash or a control character. Exact up to the first of
// them: a borrow can only come from one.
bool mayNeedEscape(std::uint64_t word) {
    const auto below = [](std::uint64_t bytes, std::uint64_t limit) {
        return (bytes - ones * limit) & ~bytes;
    };
    return ((below(word, 0x20) | below(word ^ (ones * '"'), 1) | below(word ^ (ones * '\\'), 1)) &
            highBits) != 0;
}

bool needsEscape(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

std::size_t plainLength(std::string_view text) {
    std::size_t at = 0;
    for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
        std::uint64_t word;
        std::memcpy(&word, text.data() + at, sizeof word);
        if (mayNeedEscape(word))
            break;
    }
    while (at < text.size() && !needsEscape(text[at]))
        ++at;
    return at;
}

void appendEscaped(std::string& out, char c) {
    static constexpr std::string_view named = "\b\f\n\r\t\"\\";
    static constexpr std::string_view names = "bfnrt\"\\";
    static constexpr std::string_view digits = "0123456789abcdef";
    out += '\\';
    if (const auto at = named.find(c); at != std::string_view::npos) {
        out += names[at];
        return;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += "u00";
    out += digits[byte >> 4];
    out += digits[byte & 0xf];
}

} // namespace

void appendText(std::string& out, std::string_view text) {
    out += '"';
    while (true) {
        const std::size_t plain = plainLength(text);
        out.append(text, 0, plain);
        if (plain == text.size())
            break;
        appendEscaped(out, text[plain]);
        text.remove_prefix(plain + 1);
    }
    out += '"';
}

std::string_view nameOfNumber(double value) {
    if (std::isnan(value))
        return "NaN";
    if (std::isinf(value))
        return value < 0 ? "-Infinity" : "Infinity";
    return "";
}

void appendNumber(std::string& out, double value) {
    if (const std::string_view name = nameOfNumber(value); !name.empty())
        return appendText(out, name);
    std::array<char, 32> digits;
    char* const last = digits.data() + digits.size();
    // What looks like an integer would be taken for one of 64 bits.
    const bool large = std::abs(value) > static_cast<double>(maxExactInteger);
    const auto end = large ? std::to_chars(digits.data(), last, value, std::chars_format::scientific).ptr
                           : std::to_chars(digits.data(), last, value).ptr;
    out.append(digits.data(), end);
}

} // namespace xb::proxy::json
