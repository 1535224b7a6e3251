// SPDX-License-Identifier: Apache-2.0
// Messages from browsers as D-Bus messages, in two steps: what a text says, and, once the types of its
// arguments are known, the message. Everything is hostile; what is wrong is a value, with the id to answer
// to.
#pragma once

#include "rpc-proxy/json/limits.hpp"
#include "rpc-proxy/json/values.hpp"
#include "rpc-proxy/wire/header.hpp"
#include "rpc-proxy/wire/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace xb::proxy::json {

/// Why there is no message.
struct Refusal {
    std::optional<std::uint32_t> id; ///< of the client's message, if it has a usable one
    std::string errorName;           ///< of D-Bus: InvalidArgs or LimitsExceeded
    std::string text;                ///< names the field or argument; without a colon, which ends error codes
};

/// A message that a client sent. Its arguments have no types yet.
struct Inbound {
    wire::Header header;                       ///< without signature; the id is its serial
    std::optional<std::string_view> signature; ///< that the client gave
    Values values;                             ///< holds the text of all the above
    std::size_t args = 0;                      ///< the array, in `values`

    /// Whether the types of the arguments should be asked for: a call that has some and gives none.
    bool needsSignature() const;
};

/// Reads one message. Fields that are not known are ignored; names are checked.
std::variant<Inbound, Refusal> readMessage(std::string_view text, const Limits& limits = {});

/// The whole D-Bus message. The types are those that the client gave, else `known`, else guessed.
std::variant<std::string, Refusal> toMessage(const Inbound& inbound, std::optional<std::string_view> known,
                                             const wire::Limits& limits = {});

} // namespace xb::proxy::json
