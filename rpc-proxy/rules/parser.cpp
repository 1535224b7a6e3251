// SPDX-License-Identifier: Apache-2.0
// The grammar of rule.hpp, by recursive descent over the words of a line.
#include "rpc-proxy/rules/parser.hpp"

#include "rpc-proxy/rules/lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace xb::proxy::rules {

namespace {

constexpr std::string_view specifiers =
    "destination, interface, member, sender, arg0, dom-uuid, dom-id, dom-type, "
    "dom-name, stubdom or if-boolean";
constexpr std::size_t shownBytes = 60; // of a word that an error repeats

bool addsUp(Field field) {
    return field == Field::domType || field == Field::domName || field == Field::ifBoolean;
}

/// No header of a message is empty, and neither is the name of a property; a string or the name of a VM may
/// be.
bool mayBeEmpty(Field field) {
    return field == Field::arg0 || field == Field::domName;
}

std::string shown(const Token& token) {
    if (token.text.size() <= shownBytes)
        return quoted(token.text);
    // Not into the middle of a character.
    std::size_t end = shownBytes;
    while (end > 0 && (static_cast<unsigned char>(token.text[end]) & 0xC0U) == 0x80)
        --end;
    return quoted(token.text.substr(0, end)) + "...";
}

class RuleParser {
public:
    RuleParser(std::string_view line, const Limits& limits) : lexer_(line, limits), limits_(limits) {}

    /// Nothing for a line without a rule. Throws Fault.
    std::optional<Rule> parse() {
        std::optional<Token> token = lexer_.next();
        if (!token)
            return std::nullopt;
        if (!isWord(*token, "allow") && !isWord(*token, "deny"))
            throw Fault{token->column,
                        fmt::format("a rule cannot begin with {}: expected allow or deny", shown(*token))};
        rule_.action = token->text == "allow" ? Action::allow : Action::deny;
        token = lexer_.next();
        if (token && parseSubject(*token))
            token = lexer_.next();
        if (token && isWord(*token, "all"))
            parseEnd();
        else
            parseSpecifiers(std::move(token));
        return std::move(rule_);
    }

private:
    static bool isWord(const Token& token, std::string_view word) {
        return !token.quoted && token.text == word;
    }

    bool parseSubject(const Token& token) {
        static constexpr std::array<std::optional<MessageType>, 5> types{
            std::nullopt, MessageType::methodCall, MessageType::methodReturn, MessageType::error,
            MessageType::signal};
        for (const Direction direction : {Direction::incoming, Direction::outgoing}) {
            for (const auto& type : types) {
                if (!isWord(token, subjectName(direction, type)))
                    continue;
                rule_.direction = direction;
                rule_.type = type;
                return true;
            }
        }
        return false;
    }

    void parseEnd() {
        if (const auto token = lexer_.next())
            throw Fault{token->column,
                        fmt::format("{} after all: expected the end of the rule", shown(*token))};
    }

    void parseSpecifiers(std::optional<Token> token) {
        for (; token; token = lexer_.next()) {
            if (isWord(*token, "stubdom")) {
                rule_.stubdom = parseBoolean(*token) ? Rule::Stubdom::yes : Rule::Stubdom::no;
                continue;
            }
            const auto field = token->quoted ? std::nullopt : fieldByName(token->text);
            if (!field)
                throw Fault{token->column,
                            fmt::format("unknown word {}: expected {}", shown(*token), specifiers)};
            addCondition(parseCondition(*field, *token), token->column);
        }
    }

    Token parseValue(const Token& word, std::string_view expected) {
        auto token = lexer_.next();
        if (!token)
            throw Fault{lexer_.column(),
                        fmt::format("{} without its value: expected {}", word.text, expected)};
        return *std::move(token);
    }

    bool parseBoolean(const Token& word) {
        const Token value = parseValue(word, "true or false");
        if (!isWord(value, "true") && !isWord(value, "false"))
            throw Fault{value.column,
                        fmt::format("{} cannot be {}: expected true or false", word.text, shown(value))};
        return value.text == "true";
    }

    Condition parseCondition(Field field, const Token& word) {
        Token value = parseValue(word, field == Field::domId ? "a number" : "a value");
        if (value.text.empty() && !mayBeEmpty(field))
            throw Fault{value.column, fmt::format("{} is empty: expected a value", word.text)};
        Condition condition{field, std::move(value.text), false};
        if (field == Field::domId)
            condition.text = canonicalDomid(condition.text, value.column);
        if (field == Field::domUuid) {
            std::string uuid = canonicalUuid(condition.text);
            if (uuid.empty())
                throw Fault{value.column,
                            fmt::format("dom-uuid {} is no UUID: expected 8-4-4-4-12 hex digits",
                                        shown({condition.text, 0, true}))};
            condition.text = std::move(uuid);
        }
        if (field == Field::ifBoolean)
            condition.truth = parseBoolean(word);
        return condition;
    }

    static std::string canonicalDomid(const std::string& text, std::size_t column) {
        unsigned number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc() || end != text.data() + text.size() || number > maxDomid)
            throw Fault{column, fmt::format("dom-id {}: expected a number from 0 to {}",
                                            shown({text, 0, true}), maxDomid)};
        return std::to_string(number);
    }

    void addCondition(Condition condition, std::size_t column) {
        if (!addsUp(condition.field))
            std::erase_if(rule_.conditions,
                          [&](const Condition& each) { return each.field == condition.field; });
        if (rule_.conditions.size() >= limits_.conditions)
            throw Fault{column, fmt::format("more than {} conditions in one rule", limits_.conditions)};
        rule_.conditions.push_back(std::move(condition));
    }

    Lexer lexer_;
    const Limits& limits_;
    Rule rule_;
};

/// The next line of `text`, which is cut off from it.
std::string_view takeLine(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::optional<Rule> parseLine(std::string_view line, const Limits& limits) {
    if (line.size() > limits.lineBytes)
        throw Fault{1, fmt::format("a line of {} bytes, where at most {} are allowed", line.size(),
                                   limits.lineBytes)};
    return RuleParser(line, limits).parse();
}

ParseResult refused(std::size_t line, std::size_t column, std::string text) {
    ParseResult result;
    result.errors.push_back({line, column, std::move(text)});
    return result;
}

ParseResult parseOne(std::string_view text, Origin origin, const Limits& limits) {
    try {
        if (text.find('\n') != std::string_view::npos)
            throw Fault{text.find('\n') + 1, "a line break: expected exactly one rule"};
        auto rule = parseLine(text, limits);
        if (!rule)
            throw Fault{1, "no rule: expected exactly one"};
        rule->origin = std::move(origin);
        ParseResult result;
        result.rules.push_back(*std::move(rule));
        return result;
    } catch (const Fault& fault) {
        return refused(1, fault.column, fault.text);
    }
}

} // namespace

std::string ParseResult::errorText(std::string_view file) const {
    std::string text;
    for (const ParseError& each : errors) {
        text += text.empty() ? "" : "\n";
        text += each.line == 0 ? fmt::format("{}: {}", file, each.text)
                               : fmt::format("{}:{}:{}: {}", file, each.line, each.column, each.text);
    }
    return text;
}

ParseResult parseRules(std::string_view text, const std::string& file, const Limits& limits) {
    if (text.size() > limits.fileBytes)
        return refused(0, 0,
                       fmt::format("{} bytes, where at most {} are allowed", text.size(), limits.fileBytes));
    ParseResult result;
    for (std::size_t number = 1; !text.empty(); ++number) {
        try {
            auto rule = parseLine(takeLine(text), limits);
            if (!rule)
                continue;
            if (result.rules.size() == limits.rules)
                return refused(number, 1, fmt::format("more than {} rules", limits.rules));
            rule->origin = {Origin::Kind::file, file, number};
            result.rules.push_back(*std::move(rule));
        } catch (const Fault& fault) {
            if (result.errors.size() == limits.errors) {
                result.errors.push_back({number, fault.column, "this and maybe more errors are not shown"});
                break;
            }
            result.errors.push_back({number, fault.column, fault.text});
        }
    }
    if (!result.errors.empty())
        result.rules.clear();
    return result;
}

ParseResult parseAddedRule(std::string_view text, std::size_t number, const Limits& limits) {
    return parseOne(text, {Origin::Kind::added, "", number}, limits);
}

ParseResult parseVmRule(std::string_view text, std::string_view uuid, std::size_t number,
                        const Limits& limits) {
    std::string canonical = canonicalUuid(uuid);
    if (canonical.empty())
        return refused(0, 0, "the rule's VM has no UUID");
    ParseResult result = parseOne(text, {Origin::Kind::vm, canonical, number}, limits);
    for (Rule& rule : result.rules) {
        std::erase_if(rule.conditions, [](const Condition& each) { return each.field == Field::domUuid; });
        rule.conditions.push_back({Field::domUuid, canonical, false});
    }
    return result;
}

std::string canonicalUuid(std::string_view text) {
    constexpr std::string_view shape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    if (text.size() != shape.size())
        return "";
    std::string uuid(text);
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (uuid[i] >= 'A' && uuid[i] <= 'F')
            uuid[i] = static_cast<char>(uuid[i] - 'A' + 'a');
        const bool digit = (uuid[i] >= '0' && uuid[i] <= '9') || (uuid[i] >= 'a' && uuid[i] <= 'f');
        if (shape[i] == 'x' ? !digit : uuid[i] != '-')
            return "";
    }
    return uuid;
}

} // namespace xb::proxy::rules
