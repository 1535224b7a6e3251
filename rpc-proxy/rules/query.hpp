// SPDX-License-Identifier: Apache-2.0
// What rules are asked about, and what a condition means when its field is not there.
//
// The last rule that matches decides; where none does the message is denied. Every set begins with `allow
// out-any`. A rule is for its direction and type of message (`any`: also unknown types). An allow rule
// matches when each of its conditions holds; a deny rule matches when none of them fails. The difference is
// what is absent or unknown: it never helps an allow and never escapes a deny.
//
// clang-format off
// | condition   | holds if equal to                      | absent or unknown when                                        |
// |-------------|----------------------------------------|---------------------------------------------------------------|
// | destination | header DESTINATION                     | no header. A broadcast signal reaches everybody, and a call   |
// |             |                                        | without destination is the bus driver's: neither is covered   |
// |             |                                        | by the leave to talk to one service                           |
// | interface   | header INTERFACE, or the interface     | no header (a call may lack it: the receiver then takes any    |
// |             | whose properties a Get, Set or GetAll  | interface with that member). In a Properties call: first      |
// |             | of org.freedesktop.DBus.Properties is  | argument no string or "" (which means any interface), unless  |
// |             | about (first string argument)          | the condition is on Properties itself                         |
// | member      | header MEMBER                          | no header: replies                                            |
// | sender      | header SENDER                          | no header, and always in incoming messages: there it is the   |
// |             |                                        | client's own claim, which the bus overwrites                  |
// | arg0        | first argument                         | no arguments, or the first is not a string                    |
// | dom-uuid    | the peer's UUID                        | it has none                                                   |
// | dom-id      | the peer's domain                      | not known (a serial line)                                     |
// | stubdom     | whether the peer is a stub domain;     | not known                                                     |
// |             | every rule has it, false by default    |                                                               |
// | dom-type    | property `type` of the peer's VM       | not read yet, no such property, not a string, no UUID         |
// | dom-name    | property `name` of the peer's VM       | the same                                                      |
// | if-boolean  | that property of the peer's VM         | the same; not a boolean                                       |
// clang-format on
//
// The peer is the domain at the other end, whichever the direction. Text is compared exactly, byte by byte;
// UUIDs without regard to case.
#pragma once

#include "rpc-proxy/rules/rule.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace xb::proxy::rules {

/// What rules see of a message. Borrows everything.
struct Message {
    Direction direction = Direction::incoming;
    MessageType type = MessageType::other;
    std::optional<std::string_view> destination;
    std::optional<std::string_view> interface;
    std::optional<std::string_view> member;
    std::optional<std::string_view> sender;
    /// The first argument, if it is a string (`s`).
    std::optional<std::string_view> arg0;
};

/// Who is at the other end.
struct Subject {
    std::optional<std::uint32_t> domid;
    std::optional<std::string> uuid;
    std::optional<bool> stubdom;
};

/// What is known of the properties of the peer's VM; what is not there is not known.
using PropertyValue = std::variant<bool, std::string>;
using Properties = std::map<std::string, PropertyValue, std::less<>>;

/// The properties behind dom-type and dom-name.
inline constexpr std::string_view typeProperty = "type";
inline constexpr std::string_view nameProperty = "name";

enum class Truth : std::uint8_t { fails, unknown, holds };

/// Of a condition on a message. O(1).
Truth truthOf(const Condition& condition, const Message& message);
/// Of a condition on the peer.
Truth truthOf(const Condition& condition, const Subject& subject, const Properties& properties);
/// Of the condition on stubdom that every rule has.
Truth truthOf(Rule::Stubdom stubdom, const Subject& subject);

/// Whether a rule whose conditions came out as `truth`, the least of them, matches.
constexpr bool matches(Action action, Truth truth) {
    return action == Action::allow ? truth == Truth::holds : truth != Truth::fails;
}

inline constexpr std::string_view propertiesInterface = "org.freedesktop.DBus.Properties";

/// Whether `message` is a call of Get, Set or GetAll of org.freedesktop.DBus.Properties: then its first
/// argument is an interface too.
bool isPropertyCall(const Message& message);

} // namespace xb::proxy::rules
