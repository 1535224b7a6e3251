// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/text.hpp"

#include "toolstack/libs/utf8.hpp"

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
    return std::ranges::none_of(text, [](char c) { return isControl(c) && c != '\t'; }) && isBusText(text);
}

std::string toLower(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return lower;
}

} // namespace xb::xenvm
