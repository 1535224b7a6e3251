// SPDX-License-Identifier: Apache-2.0
// Makes messages. The names in them may come from a hostile client: they are checked.
#pragma once

#include "rpc-proxy/wire/header.hpp"
#include "rpc-proxy/wire/limits.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace xb::proxy::wire {

/// Without an interface if that is empty; a destination can be set afterwards.
Header methodCall(std::uint32_t serial, std::string_view path, std::string_view interface,
                  std::string_view member);
Header signal(std::uint32_t serial, std::string_view path, std::string_view interface,
              std::string_view member);
/// Answers to `call`, in its byte order. Their destination is the call's sender, if it has one.
Header methodReturn(std::uint32_t serial, const Header& call);
Header errorReply(std::uint32_t serial, const Header& call, std::string_view name);

/// Appends the message to `out`, which is unchanged if there is a flaw (its offset says nothing then). `body`
/// is of header.signature and in header.endian, as BodyWriter or BodyCheck leave it; header.signature is
/// checked.
[[nodiscard]] std::optional<Flaw> appendMessage(std::string& out, const Header& header, std::string_view body,
                                                const Limits& limits = {});

/// A whole error reply with a text. `name` must be an error name and `text` be text: xb::Error (InvalidArgs)
/// otherwise.
std::string errorMessage(std::uint32_t serial, const Header& call, std::string_view name,
                         std::string_view text);

/// Appends one header field, after its padding; `begin` is where the message begins in `out`. The value is
/// not checked.
void appendField(std::string& out, std::size_t begin, Endian endian, Field field, std::string_view value);
void appendField(std::string& out, std::size_t begin, Endian endian, Field field, std::uint32_t value);

} // namespace xb::proxy::wire
