// SPDX-License-Identifier: Apache-2.0
// Why a message is none: what is wrong, in which part, at which byte. Small and without allocation, since
// hostile peers cause them; text() is for the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace xb::proxy::wire {

enum class Fault : std::uint8_t {
    truncated,        ///< ends within something
    trailingBytes,    ///< goes on behind its end
    byteOrder,        ///< neither 'l' nor 'B'
    messageType,      ///< type 0
    protocolVersion,  ///< not 1
    serial,           ///< serial or reply serial 0
    messageTooLong,   ///< longer than the limit
    arrayTooLong,     ///< longer than maxArrayBytes
    arrayLength,      ///< an array's length is not that of its elements
    lengthOutside,    ///< a length reaches behind the end
    padding,          ///< padding is not zero
    boolean,          ///< neither 0 nor 1
    utf8,             ///< not UTF-8, or has a NUL
    stringEnd,        ///< no NUL after a string
    objectPath,       ///< not an object path
    signature,        ///< not a signature
    variantSignature, ///< a variant's signature is not one complete type
    tooDeep,          ///< containers nested too deep
    fieldCode,        ///< header field 0
    fieldType,        ///< a header field of the wrong type
    fieldTwice,       ///< a header field appears again
    fieldMissing,     ///< a header field that this type of message must have
    name,             ///< a name that breaks the rules for its kind
    reserved,         ///< the path or interface that only a library may use within a process
};

/// What is wrong, for people.
std::string_view describe(Fault fault);

/// One thing wrong with a message.
struct Flaw {
    Fault fault;
    std::string_view part; ///< header field in capitals, or `header`, `body`; static
    std::size_t offset;    ///< from the first byte of the message

    std::string text() const;
    bool operator==(const Flaw&) const = default;
};

} // namespace xb::proxy::wire
