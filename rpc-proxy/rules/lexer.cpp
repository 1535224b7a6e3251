// SPDX-License-Identifier: Apache-2.0
// Words, quoted text, and bytes that are neither.
#include "rpc-proxy/rules/lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace xb::proxy::rules {

namespace {

bool isControl(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

bool isBlank(char c) {
    return c == ' ' || c == '\t';
}

std::string byteName(char c) {
    if (isControl(c) || static_cast<unsigned char>(c) >= 0x80)
        return fmt::format("byte 0x{:02X}", static_cast<unsigned char>(c));
    return fmt::format("'{}'", c);
}

/// How many bytes follow the lead byte of a UTF-8 sequence, and which range the first of them is in: that is
/// where overlong forms, surrogates and what is beyond U+10FFFF show (Unicode, table 3-7).
struct Utf8Lead {
    std::uint8_t first, last; // lead bytes
    std::uint8_t low, high;   // of the byte after it
    std::size_t more;
};
constexpr std::array<Utf8Lead, 8> utf8Leads{{{0xC2, 0xDF, 0x80, 0xBF, 1},
                                             {0xE0, 0xE0, 0xA0, 0xBF, 2},
                                             {0xE1, 0xEC, 0x80, 0xBF, 2},
                                             {0xED, 0xED, 0x80, 0x9F, 2},
                                             {0xEE, 0xEF, 0x80, 0xBF, 2},
                                             {0xF0, 0xF0, 0x90, 0xBF, 3},
                                             {0xF1, 0xF3, 0x80, 0xBF, 3},
                                             {0xF4, 0xF4, 0x80, 0x8F, 3}}};

/// The first byte of `text` that does not belong to UTF-8; npos if there is none.
std::size_t findNotUtf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<std::uint8_t>(text[i]);
        const std::size_t start = i++;
        if (lead < 0x80)
            continue;
        const auto* row = std::ranges::find_if(
            utf8Leads, [lead](const Utf8Lead& each) { return lead >= each.first && lead <= each.last; });
        if (row == utf8Leads.end())
            return start;
        for (std::size_t n = 0; n < row->more; ++n, ++i) {
            const auto byte = i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
            if (byte < (n == 0 ? row->low : 0x80) || byte > (n == 0 ? row->high : 0xBF))
                return start;
        }
    }
    return std::string_view::npos;
}

} // namespace

bool startsPlainToken(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool continuesPlainToken(char c) {
    return startsPlainToken(c) || c == '_' || c == '.' || c == '-';
}

Lexer::Lexer(std::string_view line, const Limits& limits) : line_(line), limits_(limits) {
    if (line_.ends_with('\r'))
        line_.remove_suffix(1);
}

std::optional<Token> Lexer::next() {
    while (at_ < line_.size() && isBlank(line_[at_]))
        ++at_;
    if (at_ == line_.size() || line_[at_] == '#')
        return std::nullopt;
    Token token = line_[at_] == '"' ? quotedText() : plain();
    if (token.text.size() > limits_.tokenBytes)
        throw Fault{token.column, fmt::format("a value of {} bytes, where at most {} are allowed",
                                              token.text.size(), limits_.tokenBytes)};
    if (at_ < line_.size() && !isBlank(line_[at_]) && line_[at_] != '#')
        failUnexpected();
    return token;
}

Token Lexer::plain() {
    if (!startsPlainToken(line_[at_]))
        failUnexpected();
    const std::size_t start = at_;
    while (at_ < line_.size() && continuesPlainToken(line_[at_]))
        ++at_;
    return {std::string(line_.substr(start, at_ - start)), start + 1, false};
}

Token Lexer::quotedText() {
    const std::size_t start = at_++;
    std::string text;
    while (at_ < line_.size() && line_[at_] != '"') {
        if (isControl(line_[at_]))
            throw Fault{at_ + 1,
                        byteName(line_[at_]) + " in quotes: expected text without control characters"};
        const bool escape = line_[at_] == '\\';
        text += escape ? escaped() : line_[at_];
        at_ += escape ? 2U : 1U;
    }
    if (at_ == line_.size())
        throw Fault{start + 1, "a quoted value without its end: expected '\"' before the end of the line"};
    if (findNotUtf8(text) != std::string_view::npos)
        throw Fault{start + 1, "a quoted value that is not UTF-8"};
    ++at_;
    return {std::move(text), start + 1, true};
}

char Lexer::escaped() const {
    const char c = at_ + 1 < line_.size() ? line_[at_ + 1] : '\0';
    if (c != '"' && c != '\\')
        throw Fault{at_ + 1, "a lone '\\' in quotes: expected \\\" or \\\\"};
    return c;
}

void Lexer::failUnexpected() const {
    throw Fault{at_ + 1,
                fmt::format("unexpected {}: expected a blank, or letters, digits, '_', '.' and '-' beginning "
                            "with a letter or digit; other values go in double quotes",
                            byteName(line_[at_]))};
}

} // namespace xb::proxy::rules
