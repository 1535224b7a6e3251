// SPDX-License-Identifier: Apache-2.0
// What rules mean, written a second time and the slow way: every rule, every condition, from the first to the
// last. It shares the data with the library and none of its evaluation.
#pragma once

#include "rpc-proxy/rules/rule_set.hpp"

#include <algorithm>
#include <cctype>
#include <string>

namespace xb::proxy::rules::naive {

/// Nothing: absent or unknown.
using Holds = std::optional<bool>;

inline std::string lower(std::string text) {
    for (char& c : text)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

inline Holds is(const std::optional<std::string_view>& field, const std::string& value) {
    return field ? Holds(std::string(*field) == value) : Holds();
}

template <class T>
Holds property(const std::string& name, const T& value, const Subject& subject,
               const Properties& properties) {
    if (!subject.uuid || !properties.contains(name) || !std::holds_alternative<T>(properties.at(name)))
        return {};
    return std::get<T>(properties.at(name)) == value;
}

inline Holds interfaceHolds(const std::string& value, const Message& message) {
    if (!message.interface)
        return {};
    if (*message.interface == value)
        return true;
    const bool aboutProperties =
        *message.interface == "org.freedesktop.DBus.Properties" && message.type == MessageType::methodCall &&
        message.member &&
        (*message.member == "Get" || *message.member == "Set" || *message.member == "GetAll");
    if (!aboutProperties)
        return false;
    if (message.arg0.value_or("").empty())
        return {};
    return *message.arg0 == value;
}

inline Holds holds(const Condition& condition, const Message& message, const Subject& subject,
                   const Properties& properties) {
    const std::string& value = condition.text;
    switch (condition.field) {
    case Field::destination:
        return is(message.destination, value);
    case Field::interface:
        return interfaceHolds(value, message);
    case Field::member:
        return is(message.member, value);
    case Field::sender:
        if (message.direction == Direction::incoming)
            return {};
        return is(message.sender, value);
    case Field::arg0:
        return is(message.arg0, value);
    case Field::domUuid:
        return subject.uuid ? Holds(lower(*subject.uuid) == value) : Holds();
    case Field::domId:
        return subject.domid ? Holds(std::stoul(value) == *subject.domid) : Holds();
    case Field::domType:
        return property<std::string>("type", value, subject, properties);
    case Field::domName:
        return property<std::string>("name", value, subject, properties);
    case Field::ifBoolean:
        return property<bool>(value, condition.truth, subject, properties);
    }
    return {};
}

inline bool matches(const Rule& rule, const Message& message, const Subject& subject,
                    const Properties& properties) {
    if (rule.direction != message.direction || (rule.type && *rule.type != message.type))
        return false;
    // An unknown counts as false for an allow, as true for a deny.
    const bool unknown = rule.action == Action::deny;
    if (rule.stubdom != Rule::Stubdom::any) {
        const bool wanted = rule.stubdom == Rule::Stubdom::yes;
        if (!(subject.stubdom ? *subject.stubdom == wanted : unknown))
            return false;
    }
    return std::ranges::all_of(rule.conditions, [&](const Condition& each) {
        return holds(each, message, subject, properties).value_or(unknown);
    });
}

/// `rules` as they go into a RuleSet, whose numbers are one higher.
inline Verdict evaluate(const std::vector<Rule>& rules, const Message& message, const Subject& subject,
                        const Properties& properties) {
    Verdict verdict;
    if (message.direction == Direction::outgoing)
        verdict = {true, 0};
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (matches(rules[i], message, subject, properties))
            verdict = {rules[i].action == Action::allow, static_cast<std::uint32_t>(i + 1)};
    }
    return verdict;
}

} // namespace xb::proxy::rules::naive
