// SPDX-License-Identifier: Apache-2.0
// The words of one line of a rules file. Borrows the line; bytes of it that are not ASCII may stand in quotes
// (as UTF-8) and in comments only.
#pragma once

#include "rpc-proxy/rules/limits.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace xb::proxy::rules {

/// What is wrong, at which byte of the line (from 1). Thrown by the lexer and the parser of a line, and
/// caught by the parser of the file.
struct Fault {
    std::size_t column = 0;
    std::string text;
};

struct Token {
    std::string text;
    std::size_t column = 0;
    bool quoted = false;
};

bool startsPlainToken(char c);
bool continuesPlainToken(char c);

class Lexer {
public:
    /// `line` without its line feed.
    Lexer(std::string_view line, const Limits& limits);

    /// Nothing at the end of the line or at a comment. Throws Fault.
    std::optional<Token> next();
    /// Of the byte that comes next.
    std::size_t column() const { return at_ + 1; }

private:
    Token plain();
    Token quotedText();
    char escaped() const;
    [[noreturn]] void failUnexpected() const;

    std::string_view line_;
    const Limits& limits_;
    std::size_t at_ = 0;
};

} // namespace xb::proxy::rules
