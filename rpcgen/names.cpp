// SPDX-License-Identifier: Apache-2.0
#include "rpcgen/names.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace xb::rpcgen {

namespace {

// The locale has no say in what a letter is.
bool isUpper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool isLower(char c) {
    return c >= 'a' && c <= 'z';
}
bool isDigit(char c) {
    return c >= '0' && c <= '9';
}
bool isLetter(char c) {
    return isUpper(c) || isLower(c);
}
char toUpper(char c) {
    return isLower(c) ? static_cast<char>(c - 'a' + 'A') : c;
}
char toLower(char c) {
    return isUpper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

bool isName(std::string_view name, std::string_view alsoInside) {
    if (name.empty() || name.size() > maxNameLength || (!isLetter(name[0]) && name[0] != '_'))
        return false;
    return std::ranges::all_of(name, [&](char c) {
        return isLetter(c) || isDigit(c) || c == '_' || alsoInside.find(c) != std::string_view::npos;
    });
}

std::vector<std::string> words(std::string_view name) {
    std::vector<std::string> result(1);
    for (const char c : name) {
        if (isLetter(c) || isDigit(c))
            result.back() += c;
        else if (!result.back().empty())
            result.emplace_back();
    }
    if (result.back().empty())
        result.pop_back();
    if (result.empty())
        result.emplace_back("unnamed");
    // VM_STATE: nothing but capitals says nothing; MixedCase does.
    if (std::ranges::none_of(name, isLower) && std::ranges::any_of(name, isUpper))
        for (auto& word : result)
            std::ranges::transform(word, word.begin(), toLower);
    return result;
}

std::string upperFirst(std::string word) {
    word[0] = toUpper(word[0]);
    return word;
}

// DBus -> dBus, UUIDList -> uuidList, UUID -> uuid: of several capitals, the last one starts the next word.
std::string lowerFirst(std::string word) {
    const auto run = static_cast<std::size_t>(std::ranges::find_if_not(word, isUpper) - word.begin());
    const bool nextWordFollows = run > 1 && run < word.size() && isLower(word[run]);
    for (std::size_t i = 0; i < (nextWordFollows ? run - 1 : run); ++i)
        word[i] = toLower(word[i]);
    return word;
}

std::string withoutLeadingDigit(std::string identifier) {
    return isDigit(identifier[0]) ? "_" + identifier : identifier;
}

// Keywords and alternative tokens of C++20, and lower-case macros of the C library.
constexpr auto reservedWords = std::to_array<std::string_view>({
    "alignas",     "alignof",      "and",     "and_eq",     "asm",       "assert",    "auto",
    "bitand",      "bitor",        "bool",    "break",      "case",      "catch",     "char",
    "char16_t",    "char32_t",     "char8_t", "class",      "co_await",  "co_return", "co_yield",
    "compl",       "concept",      "const",   "const_cast", "consteval", "constexpr", "constinit",
    "continue",    "decltype",     "default", "delete",     "do",        "double",    "dynamic_cast",
    "else",        "enum",         "errno",   "explicit",   "export",    "extern",    "false",
    "float",       "for",          "friend",  "goto",       "if",        "inline",    "int",
    "linux",       "long",         "major",   "makedev",    "minor",     "mutable",   "namespace",
    "new",         "noexcept",     "not",     "not_eq",     "nullptr",   "offsetof",  "operator",
    "or",          "or_eq",        "private", "protected",  "public",    "register",  "reinterpret_cast",
    "requires",    "return",       "short",   "signed",     "sizeof",    "static",    "static_assert",
    "static_cast", "stderr",       "stdin",   "stdout",     "struct",    "switch",    "template",
    "this",        "thread_local", "throw",   "true",       "try",       "typedef",   "typeid",
    "typename",    "union",        "unix",    "unsigned",   "using",     "virtual",   "void",
    "volatile",    "wchar_t",      "while",   "xor",        "xor_eq",
});
static_assert(std::ranges::is_sorted(reservedWords));

} // namespace

bool isInterfaceName(std::string_view name) {
    if (name.size() > maxNameLength || name.find('.') == std::string_view::npos)
        return false;
    while (true) {
        const auto dot = name.find('.');
        if (!isName(name.substr(0, dot), ""))
            return false;
        if (dot == std::string_view::npos)
            return true;
        name.remove_prefix(dot + 1);
    }
}

bool isMemberName(std::string_view name) {
    return isName(name, "");
}

bool isLooseName(std::string_view name) {
    return isName(name, "-.");
}

bool isFileName(std::string_view name) {
    // Some room is left for the suffix of the files.
    return !name.empty() && name.size() <= maxNameLength / 2 &&
           (isDigit(name[0]) || isName(name.substr(0, 1), "")) && std::ranges::all_of(name, [](char c) {
               return isDigit(c) || isLetter(c) || c == '_' || c == '.' || c == '-';
           });
}

std::string lowerCamel(std::string_view name) {
    const auto parts = words(name);
    std::string result = lowerFirst(parts[0]);
    for (std::size_t i = 1; i < parts.size(); ++i)
        result += upperFirst(parts[i]);
    return withoutLeadingDigit(result);
}

std::string upperCamel(std::string_view name) {
    std::string result;
    for (const auto& word : words(name))
        result += upperFirst(word);
    return result;
}

std::string className(std::string_view interface) {
    for (const std::string_view prefix : {"com.citrix.xenclient.", "org.freedesktop.", "org.xenbroker."}) {
        if (interface.starts_with(prefix)) {
            interface.remove_prefix(prefix.size());
            break;
        }
    }
    return withoutLeadingDigit(upperCamel(interface));
}

std::string namespaceName(std::string_view name) {
    std::string result;
    for (const char c : name) {
        if (isLetter(c) || isDigit(c))
            result += c;
        else if (!result.empty() && result.back() != '_')
            result += '_';
    }
    while (!result.empty() && result.back() == '_')
        result.pop_back();
    if (result.empty())
        result = "unnamed";
    result = withoutLeadingDigit(result);
    // Namespaces that the generated code itself names.
    if (isReservedWord(result) || result == "std" || result == "xb")
        result += '_';
    return result;
}

bool isReservedWord(std::string_view word) {
    return std::ranges::binary_search(reservedWords, word);
}

std::string NameScope::add(const std::string& wanted) {
    std::string name = isReservedWord(wanted) || reserved_.contains(wanted) ? wanted + "_" : wanted;
    for (int number = 2; reserved_.contains(name) || !taken_.insert(name).second; ++number)
        name = wanted + std::to_string(number);
    return name;
}

} // namespace xb::rpcgen
