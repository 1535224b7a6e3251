// SPDX-License-Identifier: Apache-2.0
// One line of a bootage configuration, split into words. Pure: no file, no environment, nothing but the
// arguments. Input is a text that somebody wrote or that a package shipped; anything may be in it, and every
// refusal names the file and the line.
#pragma once

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace xb::bootage {

/// Longest line and longest word after expansion, in bytes; most words of a line.
inline constexpr std::size_t maxLineLength = 4096;
inline constexpr std::size_t maxWordLength = 16384;
inline constexpr std::size_t maxWords = 256;

/// A place in a configuration file; lines count from 1.
struct Location {
    std::string file;
    std::size_t line = 0;
};

/// The configuration cannot be used. what() is "FILE:LINE: text".
class ConfigError : public std::runtime_error {
public:
    ConfigError(const Location& where, const std::string& text)
        : std::runtime_error(where.file + ":" + std::to_string(where.line) + ": " + text) {}
};

/// What ${NAME} stands for.
using Variables = std::map<std::string, std::string, std::less<>>;

/// True for [A-Za-z_][A-Za-z0-9_]*.
bool isVariableName(std::string_view name);

/// Splits a line at blanks and tabs. 'text' is taken as it is; in "text" and in bare words ${NAME} is
/// replaced, by one word whatever it holds; \" and \\ are escapes inside double quotes. A line whose first
/// word begins with # has no words. Throws ConfigError for an open quote, an unknown variable, a control
/// character or a breached limit.
std::vector<std::string> splitWords(std::string_view line, const Variables& variables, const Location& where);

} // namespace xb::bootage
