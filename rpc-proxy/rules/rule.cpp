// SPDX-License-Identifier: Apache-2.0
// Rules as text.
#include "rpc-proxy/rules/rule.hpp"

#include "rpc-proxy/rules/lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace xb::proxy::rules {

namespace {

constexpr std::array<std::string_view, 10> fieldNames{"destination", "interface", "member", "sender",
                                                      "arg0",        "dom-uuid",  "dom-id", "dom-type",
                                                      "dom-name",    "if-boolean"};

std::string_view typeName(std::optional<MessageType> type) {
    switch (type.value_or(MessageType::other)) {
    case MessageType::methodCall:
        return "method-call";
    case MessageType::methodReturn:
        return "method-return";
    case MessageType::error:
        return "error";
    case MessageType::signal:
        return "signal";
    case MessageType::other:
        break;
    }
    return "any";
}

} // namespace

std::string_view fieldName(Field field) {
    return fieldNames.at(static_cast<std::size_t>(field));
}

std::optional<Field> fieldByName(std::string_view word) {
    const auto* found = std::ranges::find(fieldNames, word);
    if (found == fieldNames.end())
        return std::nullopt;
    return static_cast<Field>(found - fieldNames.begin());
}

std::string Origin::text() const {
    switch (kind) {
    case Kind::file:
        return fmt::format("{}:{}", source, number);
    case Kind::vm:
        return fmt::format("VM {} rule {}", source, number);
    case Kind::added:
        return fmt::format("added rule {}", number);
    case Kind::implicit:
        break;
    }
    return "implicit rule";
}

const std::string* Rule::value(Field field) const {
    const auto found = std::ranges::find(conditions, field, &Condition::field);
    return found == conditions.end() ? nullptr : &found->text;
}

bool Rule::sameAs(const Rule& other) const {
    return action == other.action && direction == other.direction && type == other.type &&
           stubdom == other.stubdom && conditions == other.conditions;
}

std::string Rule::text() const {
    std::string line = action == Action::allow ? "allow" : "deny";
    if (direction != Direction::incoming || type)
        line += " " + subjectName(direction, type);
    if (stubdom == Stubdom::yes)
        line += " stubdom true";
    for (const Condition& each : conditions) {
        line += fmt::format(" {} {}", fieldName(each.field),
                            isPlainValue(each.text) ? each.text : quoted(each.text));
        if (each.field == Field::ifBoolean)
            line += each.truth ? " true" : " false";
    }
    if (conditions.empty() && stubdom != Stubdom::yes)
        line += " all";
    return line;
}

Rule implicitRule() {
    Rule rule;
    rule.action = Action::allow;
    rule.direction = Direction::outgoing;
    rule.stubdom = Rule::Stubdom::any;
    rule.origin = {Origin::Kind::implicit, "", 0};
    return rule;
}

std::string subjectName(Direction direction, std::optional<MessageType> type) {
    return fmt::format("{}-{}", direction == Direction::incoming ? "inc" : "out", typeName(type));
}

std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            result += '\\';
        result += c;
    }
    return result + '"';
}

bool isPlainValue(std::string_view text) {
    return !text.empty() && startsPlainToken(text.front()) && std::ranges::all_of(text, continuesPlainToken);
}

} // namespace xb::proxy::rules
