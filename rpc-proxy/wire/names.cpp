// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/names.hpp"

#include "rpc-proxy/wire/limits.hpp"

#include <array>
#include <cstdint>

namespace xb::proxy::wire {

namespace {

constexpr std::uint8_t letter = 1; // and '_'
constexpr std::uint8_t digit = 2;
constexpr std::uint8_t hyphen = 4;

constexpr std::array<std::uint8_t, 256> classes = [] {
    std::array<std::uint8_t, 256> table{};
    for (unsigned c = 'a'; c <= 'z'; ++c)
        table[c] = letter;
    for (unsigned c = 'A'; c <= 'Z'; ++c)
        table[c] = letter;
    for (unsigned c = '0'; c <= '9'; ++c)
        table[c] = digit;
    table['_'] = letter;
    table['-'] = hyphen;
    return table;
}();

bool is(char c, std::uint8_t allowed) {
    return (classes[static_cast<unsigned char>(c)] & allowed) != 0;
}

// Elements of `rest` characters that begin with one of `first`, and one '.' between two; at least two
// elements.
bool isDotted(std::string_view name, std::uint8_t first, std::uint8_t rest) {
    bool begins = true;
    bool dots = false;
    for (const char c : name) {
        if (c == '.') {
            if (begins)
                return false;
            begins = dots = true;
        } else if (is(c, begins ? first : rest)) {
            begins = false;
        } else {
            return false;
        }
    }
    return dots && !begins;
}

} // namespace

bool isUniqueName(std::string_view name) {
    constexpr std::uint8_t any = letter | digit | hyphen;
    return name.size() <= maxNameBytes && name.starts_with(':') && isDotted(name.substr(1), any, any);
}

bool isWellKnownName(std::string_view name) {
    return name.size() <= maxNameBytes && isDotted(name, letter | hyphen, letter | digit | hyphen);
}

bool isBusName(std::string_view name) {
    return name.starts_with(':') ? isUniqueName(name) : isWellKnownName(name);
}

bool isInterface(std::string_view name) {
    return name.size() <= maxNameBytes && isDotted(name, letter, letter | digit);
}

bool isErrorName(std::string_view name) {
    return isInterface(name);
}

bool isMember(std::string_view name) {
    if (name.empty() || name.size() > maxNameBytes || !is(name[0], letter))
        return false;
    for (const char c : name)
        if (!is(c, letter | digit))
            return false;
    return true;
}

bool isObjectPath(std::string_view path) {
    if (!path.starts_with('/'))
        return false;
    if (path.size() == 1)
        return true;
    bool begins = true;
    for (const char c : path.substr(1)) {
        if (c == '/') {
            if (begins)
                return false;
            begins = true;
        } else if (is(c, letter | digit)) {
            begins = false;
        } else {
            return false;
        }
    }
    return !begins;
}

} // namespace xb::proxy::wire
