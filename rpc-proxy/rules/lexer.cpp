// SPDX-License-Identifier: Apache-2.0
// Words, quoted text, and bytes that are neither.
#include "rpc-proxy/rules/lexer.hpp"

#include "toolstack/libs/utf8.hpp"

#include <fmt/format.h>

namespace xb::proxy::rules {

namespace {

bool isBlank(char c) {
    return c == ' ' || c == '\t';
}

std::string byteName(char c) {
    if (isControl(c) || static_cast<unsigned char>(c) >= 0x80)
        return fmt::format("byte 0x{:02X}", static_cast<unsigned char>(c));
    return fmt::format("'{}'", c);
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
    if (findInvalidUtf8(text))
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
