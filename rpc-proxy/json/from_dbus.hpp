// SPDX-License-Identifier: Apache-2.0
// D-Bus messages as JSON, for browsers: straight from the message's bytes into the text, without anything in
// between. Cannot fail, since a message that was read has nothing that JSON lacks.
//
// Structs become arrays, variants their content, dicts objects whose keys are the text of the D-Bus keys.
// Integers that a browser would round, NaN and the infinities are strings; a descriptor is its number.
#pragma once

#include "rpc-proxy/wire/message_view.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace xb::proxy::json {

/// Appends the message. False, and nothing is appended: its type is none that JSON has a name for.
///
/// The first of an error's args is always a string, since browsers split it: where it is none, the error's
/// name comes before it. What a call has not (interface, destination) is "".
bool appendMessage(std::string& out, const wire::MessageView& message);
/// The same for who makes a message of it again: with the types of its arguments (dbus-signature), and an
/// error's args as they are.
bool appendTypedMessage(std::string& out, const wire::MessageView& message);

/// Appends the error reply to a client's message `replyTo` that the proxy makes itself; `serial` is its own.
void appendError(std::string& out, std::uint32_t serial, std::uint32_t replyTo, std::string_view name,
                 std::string_view text);

} // namespace xb::proxy::json
