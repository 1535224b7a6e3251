// SPDX-License-Identifier: Apache-2.0
// Random rules and messages over a small vocabulary, so that they meet. `Choose` is called with n and gives a
// number below n: a generator of random numbers in tests, the bytes of the input in the fuzz target.
#pragma once

#include "rpc-proxy/rules/query.hpp"

#include <array>
#include <string>

namespace xb::proxy::rules {

/// Both have something in common with the rules that the other makes.
struct Vocabulary {
    static constexpr std::array<const char*, 4> destinations{"org.freedesktop.DBus", "com.example.A",
                                                             "com.example.B", ":1.5"};
    static constexpr std::array<const char*, 4> interfaces{"org.freedesktop.DBus.Properties", "com.example.I",
                                                           "com.example.J", "org.freedesktop.DBus"};
    static constexpr std::array<const char*, 5> members{"Get", "Set", "GetAll", "Go", "Hello"};
    static constexpr std::array<const char*, 5> texts{"com.example.I", "com.example.J", "", "/a \"path\"",
                                                      "Get"};
    static constexpr std::array<const char*, 3> uuids{"00000000-0000-0000-0000-00000000000a",
                                                      "00000000-0000-0000-0000-00000000000b",
                                                      "00000000-0000-0000-0000-00000000000c"};
    static constexpr std::array<const char*, 3> kinds{"svm", "ndvm", "my VM"};
    static constexpr std::array<const char*, 3> properties{"domstore-read-access", "usb-enabled", "name"};
};

template <class Choose, std::size_t N>
const char* oneOf(Choose& choose, const std::array<const char*, N>& words) {
    return words[choose(N)];
}

template <class Choose>
Condition randomCondition(Choose& choose, Field field) {
    switch (field) {
    case Field::destination:
    case Field::sender:
        return {field, oneOf(choose, Vocabulary::destinations), false};
    case Field::interface:
        return {field, oneOf(choose, Vocabulary::interfaces), false};
    case Field::member:
        return {field, oneOf(choose, Vocabulary::members), false};
    case Field::arg0:
        return {field, oneOf(choose, Vocabulary::texts), false};
    case Field::domUuid:
        return {field, oneOf(choose, Vocabulary::uuids), false};
    case Field::domId:
        return {field, std::to_string(choose(3)), false};
    case Field::domType:
    case Field::domName:
        return {field, oneOf(choose, Vocabulary::kinds), false};
    case Field::ifBoolean:
        return {field, oneOf(choose, Vocabulary::properties), choose(2) == 0};
    }
    return {};
}

/// A rule as the parser could make it.
template <class Choose>
Rule randomRule(Choose& choose) {
    Rule rule;
    rule.action = choose(2) == 0 ? Action::allow : Action::deny;
    rule.direction = choose(3) == 0 ? Direction::outgoing : Direction::incoming;
    if (choose(2) == 0)
        rule.type = static_cast<MessageType>(1 + choose(4));
    rule.stubdom = choose(4) == 0 ? Rule::Stubdom::yes : Rule::Stubdom::no;
    for (std::size_t field = 0; field <= static_cast<std::size_t>(Field::ifBoolean); ++field) {
        const bool addsUp = field >= static_cast<std::size_t>(Field::domType);
        if (choose(4) == 0)
            rule.conditions.push_back(randomCondition(choose, static_cast<Field>(field)));
        if (addsUp && choose(16) == 0)
            rule.conditions.push_back(randomCondition(choose, static_cast<Field>(field)));
    }
    return rule;
}

template <class Choose, std::size_t N>
std::optional<std::string_view> maybe(Choose& choose, const std::array<const char*, N>& words) {
    if (choose(5) == 0)
        return std::nullopt;
    return choose(8) == 0 ? "com.example.unheard" : oneOf(choose, words);
}

template <class Choose>
Message randomMessage(Choose& choose) {
    Message message;
    message.direction = choose(3) == 0 ? Direction::outgoing : Direction::incoming;
    message.type = choose(2) == 0 ? MessageType::methodCall : static_cast<MessageType>(choose(5));
    message.destination = maybe(choose, Vocabulary::destinations);
    message.interface = maybe(choose, Vocabulary::interfaces);
    message.member = maybe(choose, Vocabulary::members);
    message.sender = maybe(choose, Vocabulary::destinations);
    message.arg0 = maybe(choose, Vocabulary::texts);
    return message;
}

template <class Choose>
Subject randomSubject(Choose& choose) {
    Subject subject;
    if (choose(5) != 0)
        subject.domid = static_cast<std::uint32_t>(choose(3));
    if (choose(5) != 0)
        subject.uuid = oneOf(choose, Vocabulary::uuids);
    if (subject.uuid && choose(3) == 0)
        subject.uuid->back() = static_cast<char>(subject.uuid->back() - 'a' + 'A');
    if (choose(5) != 0)
        subject.stubdom = choose(3) == 0;
    return subject;
}

/// Some are missing, some are of the wrong type.
template <class Choose>
Properties randomProperties(Choose& choose) {
    Properties properties;
    for (const char* name : {"type", "name"}) {
        if (choose(4) != 0)
            properties[name] = std::string(oneOf(choose, Vocabulary::kinds));
    }
    for (const char* name : Vocabulary::properties) {
        if (choose(4) != 0)
            properties[name] = choose(2) == 0;
    }
    return properties;
}

} // namespace xb::proxy::rules
