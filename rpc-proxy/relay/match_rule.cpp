// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/relay/match_rule.hpp"

#include "rpc-proxy/wire/names.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace xb::proxy {

namespace {

constexpr auto invalidName = "org.freedesktop.DBus.Error.MatchRuleInvalid";
constexpr unsigned maxArgument = 63;

[[noreturn]] void refuse(const std::string& why) {
    throw Error(invalidName, "match rule: " + why);
}

bool isBlank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// argN, argNpath, and of the first one arg0namespace.
bool isArgument(std::string_view key) {
    if (!key.starts_with("arg"))
        return false;
    key.remove_prefix(3);
    unsigned number = 0;
    std::size_t digits = 0;
    for (; digits < key.size() && key[digits] >= '0' && key[digits] <= '9' && digits < 3; ++digits)
        number = number * 10 + static_cast<unsigned>(key[digits] - '0');
    if (digits == 0 || number > maxArgument || (digits > 1 && key[0] == '0'))
        return false;
    key.remove_prefix(digits);
    return key.empty() || key == "path" || (key == "namespace" && number == 0);
}

// What a key's value must be; false also for keys that there are not.
bool isValid(std::string_view key, std::string_view value) {
    constexpr std::array<std::string_view, 4> types{"method_call", "method_return", "error", "signal"};
    if (key == "type")
        return std::ranges::find(types, value) != types.end();
    if (key == "sender" || key == "destination")
        return wire::isBusName(value);
    if (key == "interface")
        return wire::isInterface(value);
    if (key == "member")
        return wire::isMember(value);
    if (key == "path" || key == "path_namespace")
        return wire::isObjectPath(value);
    if (key == "arg0namespace") // one element will do
        return wire::isWellKnownName(value) || wire::isMember(value) ||
               wire::isWellKnownName(fmt::format("{}.x", value));
    return key == "eavesdrop" ? value == "true" || value == "false" : isArgument(key);
}

class Parser {
public:
    explicit Parser(std::string_view text) : rest_(text) {}

    MatchRule parse() {
        MatchRule rule;
        for (skipBlanks(); !rest_.empty(); skipBlanks()) {
            std::string key = takeKey();
            std::string value = takeValue();
            if (!isValid(key, value))
                refuse(fmt::format("\"{}\" with such a value is no condition", key));
            const auto isSame = [&key](const auto& each) { return each.first == key; };
            if (std::ranges::any_of(rule.conditions, isSame) || (key == "eavesdrop" && eavesdropSaid_))
                refuse(fmt::format("{} appears twice", key));
            if (key == "eavesdrop") {
                eavesdropSaid_ = true;
                rule.eavesdrop = value == "true";
            } else {
                rule.conditions.emplace_back(std::move(key), std::move(value));
            }
        }
        const auto has = [&rule](std::string_view key) {
            return std::ranges::any_of(rule.conditions,
                                       [key](const auto& each) { return each.first == key; });
        };
        if (has("path") && has("path_namespace"))
            refuse("path and path_namespace exclude each other");
        return rule;
    }

private:
    void skipBlanks() {
        while (!rest_.empty() && isBlank(rest_.front()))
            rest_.remove_prefix(1);
    }

    std::string takeKey() {
        const std::size_t end = rest_.find('=');
        std::string_view key = rest_.substr(0, end);
        while (!key.empty() && isBlank(key.back()))
            key.remove_suffix(1);
        const bool plain = std::ranges::all_of(
            key, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
        if (end == std::string_view::npos || key.empty() || !plain)
            refuse("KEY='VALUE' is meant, with commas between");
        rest_.remove_prefix(end + 1);
        return std::string(key);
    }

    // Up to a comma outside of apostrophes. A backslash is special only before an apostrophe that is outside.
    std::string takeValue() {
        std::string value;
        bool quoted = false;
        for (; !rest_.empty(); rest_.remove_prefix(1)) {
            const char c = rest_.front();
            if (c == '\'') {
                quoted = !quoted;
            } else if (!quoted && c == ',') {
                rest_.remove_prefix(1);
                return value;
            } else if (!quoted && c == '\\' && rest_.starts_with("\\'")) {
                value += '\'';
                rest_.remove_prefix(1);
            } else {
                value += c;
            }
        }
        if (quoted)
            refuse("an apostrophe is missing");
        return value;
    }

    std::string_view rest_;
    bool eavesdropSaid_ = false;
};

} // namespace

MatchRule parseMatchRule(std::string_view text) {
    if (text.size() > maxMatchRuleBytes)
        throw Error(errors::limitsExceeded, fmt::format("match rule: it has {} bytes, the limit is {}",
                                                        text.size(), maxMatchRuleBytes));
    return Parser(text).parse();
}

std::string MatchRule::text() const {
    std::string result;
    for (const auto& [key, value] : conditions) {
        if (!result.empty())
            result += ',';
        result += key + "='";
        for (const char c : value) {
            if (c == '\'')
                result += "'\\''"; // out of the apostrophes, one, and in again
            else
                result += c;
        }
        result += '\'';
    }
    return result;
}

} // namespace xb::proxy
