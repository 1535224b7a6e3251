// SPDX-License-Identifier: Apache-2.0
// A D-Bus value of any type, and how it gets into and out of messages. Types are known only at run time here
// (from introspection, or from the message itself), which is why this is not done with generated clients.
#pragma once

#include "toolstack/introspection/signature.hpp"
#include "toolstack/libs/message.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace xb::xec {

using introspection::parseSignature;
using introspection::parseType;
using introspection::Type;

/// A value with its type. What `data` holds follows from the first character of `type`:
/// b bool; n i x int64; y q u t h uint64; d double; s o g string; "ay" string (the bytes);
/// other arrays, structs "(...)", dict entries "{..}" and variants (one member) a vector.
struct Value {
    using Members = std::vector<Value>;

    std::string type;
    std::variant<bool, std::int64_t, std::uint64_t, double, std::string, Members> data;

    bool isBytes() const { return type == "ay"; }
    bool isDict() const { return type.starts_with("a{"); }
    const Members& members() const { return std::get<Members>(data); }
    /// The value inside a variant, and inside that one if it is a variant too.
    const Value& unwrapped() const;

    bool operator==(const Value&) const = default;
};

/// Reads all values that are left in a message.
std::vector<Value> readValues(Message& message);

/// Appends a value; its type must be one that value_parser.hpp makes (no variants, signatures, descriptors).
void append(Message& message, const Value& value);

} // namespace xb::xec
