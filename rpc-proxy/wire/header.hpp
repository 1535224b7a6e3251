// SPDX-License-Identifier: Apache-2.0
// What a message's header says, whether it was received or is about to be made, and which headers are valid.
#pragma once

#include "rpc-proxy/wire/endian.hpp"
#include "rpc-proxy/wire/flaw.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace xb::proxy::wire {

/// Other numbers up to 255 are valid: types of a future specification, to be passed on or dropped.
enum class MessageType : std::uint8_t { methodCall = 1, methodReturn = 2, error = 3, signal = 4 };

/// Bits of `flags`; others are ignored.
inline constexpr std::uint8_t noReplyExpected = 1;
inline constexpr std::uint8_t noAutoStart = 2;
inline constexpr std::uint8_t allowInteractiveAuthorization = 4;

/// Codes of the header fields; others from 10 on are unknown, which is valid.
enum class Field : std::uint8_t {
    path = 1,
    interface = 2,
    member = 3,
    errorName = 4,
    replySerial = 5,
    destination = 6,
    sender = 7,
    signature = 8,
    unixFds = 9,
};
inline constexpr std::uint8_t lastField = 9;

/// As the specification writes it: "REPLY_SERIAL".
std::string_view nameOf(Field field);
/// The type of its value.
char typeOf(Field field);

/// Borrows its text.
struct Header {
    Endian endian = ownEndian;
    MessageType type = MessageType::methodCall;
    std::uint8_t flags = 0;
    std::uint32_t serial = 0;
    std::optional<std::string_view> path;
    std::optional<std::string_view> interface;
    std::optional<std::string_view> member;
    std::optional<std::string_view> errorName;
    std::optional<std::string_view> destination;
    std::optional<std::string_view> sender;
    std::optional<std::uint32_t> replySerial;
    std::string_view signature; ///< of the body; empty: no arguments
    std::uint32_t unixFds = 0;  ///< descriptors that travel beside the message

    /// Whether the specification knows the type.
    bool isKnownType() const { return type >= MessageType::methodCall && type <= MessageType::signal; }
    bool wantsReply() const { return type == MessageType::methodCall && (flags & noReplyExpected) == 0; }
    bool isReply() const { return type == MessageType::methodReturn || type == MessageType::error; }

    bool operator==(const Header&) const = default;
};

/// What is wrong with `text` as the value of a field of type `s`, `o` or `g`.
std::optional<Fault> checkText(Field field, std::string_view text);
/// The first field that a message of that type must have and `header` has not.
std::optional<Field> missingField(const Header& header);

/// The part of a message that has the same layout in all: byte order to the length of the header fields.
inline constexpr std::size_t prologueBytes = 16;
inline constexpr std::size_t bodyLengthAt = 4;    ///< offset of the length of the body
inline constexpr std::size_t serialAt = 8;        ///< offset of the serial
inline constexpr std::size_t fieldsLengthAt = 12; ///< offset of the length of the header fields

/// Where the parts of a message end, as its first 16 bytes say.
struct Extent {
    std::size_t fields; ///< header fields, unpadded
    std::size_t body;   ///< begin of the body, a multiple of 8
    std::size_t end;
};

/// Looks at a message's first 16 bytes (`bytes` may be longer). Everything that makes the rest meaningless is
/// a flaw.
std::optional<Flaw> readPrologue(std::string_view bytes, std::uint32_t maxBytes, Header& header,
                                 Extent& extent);

} // namespace xb::proxy::wire
