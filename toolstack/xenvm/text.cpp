// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/text.hpp"

#include <algorithm>
#include <charconv>

namespace xb::xenvm {

namespace {

constexpr std::string_view blanks = " \t\r";

template <class Number>
std::optional<Number> parseWhole(std::string_view digits, int base) {
    Number value{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    if (error != std::errc() || end != digits.data() + digits.size())
        return std::nullopt;
    return value;
}

bool isHexDigit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Length of the UTF-8 sequence at the start of `text`, 0 if there is none (RFC 3629: no overlong forms, no
// surrogates).
std::size_t sequenceLength(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(0);
    if (first < 0x80)
        return 1;
    const std::size_t length = first >= 0xc2 && first < 0xe0   ? 2
                               : first >= 0xe0 && first < 0xf0 ? 3
                               : first >= 0xf0 && first < 0xf5 ? 4
                                                               : 0;
    if (length == 0 || text.size() < length)
        return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80U)
            return 0;
    }
    if ((first == 0xe0 && byte(1) < 0xa0) || (first == 0xed && byte(1) >= 0xa0) ||
        (first == 0xf0 && byte(1) < 0x90) || (first == 0xf4 && byte(1) >= 0x90))
        return 0;
    return length;
}

} // namespace

std::string_view trim(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

std::optional<std::int64_t> parseInteger(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (negative)
        text.remove_prefix(1);
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    if (hex)
        text.remove_prefix(2);
    if (text.empty() || text.front() == '-' || text.front() == '+')
        return std::nullopt;
    const auto value = parseWhole<std::int64_t>(text, hex ? 16 : 10);
    if (!value)
        return std::nullopt;
    return negative ? -*value : *value;
}

std::optional<unsigned> parseHex(std::string_view text, std::size_t digits) {
    if (text.empty() || text.size() > digits || !std::ranges::all_of(text, isHexDigit))
        return std::nullopt;
    return parseWhole<unsigned>(text, 16);
}

std::optional<bool> parseBool(std::string_view text, bool strict) {
    if (strict) {
        if (text == "true")
            return true;
        if (text == "false")
            return false;
        return std::nullopt;
    }
    const std::string word = toLower(text);
    if (word == "1" || word == "y" || word == "yes" || word == "true")
        return true;
    if (word == "0" || word == "n" || word == "no" || word == "false")
        return false;
    return std::nullopt;
}

std::pair<std::string_view, std::optional<std::string_view>> splitPair(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos)
        return {trim(text), std::nullopt};
    return {trim(text.substr(0, equals)), trim(text.substr(equals + 1))};
}

bool isPrintable(std::string_view text) {
    while (!text.empty()) {
        const auto c = static_cast<unsigned char>(text.front());
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
        const std::size_t length = sequenceLength(text);
        if (length == 0)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string toLower(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return lower;
}

} // namespace xb::xenvm
