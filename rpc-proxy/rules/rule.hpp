// SPDX-License-Identifier: Apache-2.0
// One rule as data, and its text. Grammar, one rule per line, comments from # to the end of the line:
//
//     rule      := ("allow" | "deny") [SUBJECT] ("all" | specifier*)
//     SUBJECT   := ("inc-" | "out-") ("any" | "method-call" | "method-return" | "error" | "signal")
//                  default: inc-any; incoming is what comes from the peer, outgoing what the bus has for it
//     specifier := ("destination" | "interface" | "member" | "sender" | "arg0" | "dom-uuid" | "dom-type" |
//     "dom-name")
//                  VALUE | "dom-id" NUMBER | "stubdom" BOOLEAN | "if-boolean" VALUE BOOLEAN
//     VALUE     := [A-Za-z0-9][A-Za-z0-9_.-]* | "any text, with \" and \\"
//
// The order of the specifiers is free. Given twice, the last one holds; dom-type, dom-name and if-boolean add
// up. A rule that does not say `stubdom true` is not for stub domains.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xb::proxy::rules {

enum class Action : std::uint8_t { deny, allow };
enum class Direction : std::uint8_t { incoming, outgoing };
/// Type of a D-Bus message; `other` is any that the specification does not know.
enum class MessageType : std::uint8_t { other, methodCall, methodReturn, error, signal };

/// What a condition looks at. The first `messageFields` ones are of the message, the others of the peer.
enum class Field : std::uint8_t {
    destination,
    interface,
    member,
    sender,
    arg0,
    domUuid,
    domId,
    domType,
    domName,
    ifBoolean,
};
inline constexpr std::size_t messageFields = 5;

constexpr bool isMessageField(Field field) {
    return static_cast<std::size_t>(field) < messageFields;
}

/// The word for it in a rule, e.g. "dom-uuid".
std::string_view fieldName(Field field);
std::optional<Field> fieldByName(std::string_view word);

/// One condition: the field has this value. dom-id in decimal, dom-uuid in lower case.
struct Condition {
    Field field = Field::destination;
    /// The value; of if-boolean the name of the property.
    std::string text;
    /// Of if-boolean: the value.
    bool truth = false;

    bool operator==(const Condition&) const = default;
};

/// Where a rule came from.
struct Origin {
    enum class Kind : std::uint8_t {
        implicit, ///< what every rule set begins with
        file,     ///< line `number` of the file `source`
        vm,       ///< rule `number` of the VM with the UUID `source`
        added,    ///< rule `number` of those that were added while running
    };
    Kind kind = Kind::added;
    std::string source;
    std::size_t number = 0;

    /// `FILE:LINE`, `VM UUID rule N`, `added rule N` or `implicit rule`.
    std::string text() const;
};

struct Rule {
    enum class Stubdom : std::uint8_t { no, yes, any };

    Action action = Action::deny;
    Direction direction = Direction::incoming;
    /// Nothing: any, also types that the specification does not know.
    std::optional<MessageType> type;
    /// `any` cannot be written: only the implicit rule has it.
    Stubdom stubdom = Stubdom::no;
    /// All must hold. At most one of each field but dom-type, dom-name and if-boolean.
    std::vector<Condition> conditions;
    Origin origin;

    /// The value that `field` must have; of those that add up, the first. Null if it is free.
    const std::string* value(Field field) const;
    /// Whether both say the same, wherever they came from.
    bool sameAs(const Rule& other) const;
    /// As it is written; parses to the same rule (the implicit one apart).
    std::string text() const;
};

/// `allow out-any`, for every stubdom: what every rule set begins with.
Rule implicitRule();

/// "inc-any", "out-signal", ...
std::string subjectName(Direction direction, std::optional<MessageType> type);

/// `text` in double quotes, quotes and backslashes escaped.
std::string quoted(std::string_view text);

/// Whether a VALUE may be written without quotes.
bool isPlainValue(std::string_view text);

} // namespace xb::proxy::rules
