// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/sasl/text.hpp"

#include <algorithm>

namespace xb::proxy::sasl {

namespace {

int digitOf(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

} // namespace

std::string toHex(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * text.size());
    for (const char c : text) {
        hex += digits[static_cast<unsigned char>(c) >> 4];
        hex += digits[static_cast<unsigned char>(c) & 15];
    }
    return hex;
}

std::optional<std::string> fromHex(std::string_view hex) {
    if (hex.size() % 2 != 0)
        return std::nullopt;
    std::string text;
    text.reserve(hex.size() / 2);
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        const int high = digitOf(hex[i]);
        const int low = digitOf(hex[i + 1]);
        if (high < 0 || low < 0)
            return std::nullopt;
        text += static_cast<char>(static_cast<unsigned char>(high * 16 + low));
    }
    return text;
}

bool isPrintable(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
}

Words splitWord(std::string_view line) {
    constexpr std::string_view blanks = " \t";
    const std::size_t end = std::min(line.find_first_of(blanks), line.size());
    const std::size_t rest = std::min(line.find_first_not_of(blanks, end), line.size());
    return {line.substr(0, end), line.substr(rest)};
}

bool isGuid(std::string_view text) {
    return text.size() == 32 && std::ranges::all_of(text, [](char c) { return digitOf(c) >= 0; });
}

} // namespace xb::proxy::sasl
