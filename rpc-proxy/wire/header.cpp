// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/header.hpp"

#include "rpc-proxy/wire/limits.hpp"
#include "rpc-proxy/wire/names.hpp"
#include "rpc-proxy/wire/signature.hpp"

#include <algorithm>
#include <array>

namespace xb::proxy::wire {

namespace {

struct Known {
    std::string_view name;
    char type;
};
constexpr std::array<Known, lastField + 1> known{{{"", '\0'},
                                                  {"PATH", 'o'},
                                                  {"INTERFACE", 's'},
                                                  {"MEMBER", 's'},
                                                  {"ERROR_NAME", 's'},
                                                  {"REPLY_SERIAL", 'u'},
                                                  {"DESTINATION", 's'},
                                                  {"SENDER", 's'},
                                                  {"SIGNATURE", 'g'},
                                                  {"UNIX_FDS", 'u'}}};

// Offsets in the prologue.
constexpr std::size_t typeAt = 1;
constexpr std::size_t flagsAt = 2;
constexpr std::size_t versionAt = 3;

Flaw headerFlaw(Fault fault, std::size_t offset) {
    return {fault, "header", offset};
}

} // namespace

std::string_view nameOf(Field field) {
    return known[static_cast<std::size_t>(field)].name;
}

char typeOf(Field field) {
    return known[static_cast<std::size_t>(field)].type;
}

std::optional<Fault> checkText(Field field, std::string_view text) {
    const auto unless = [](bool valid, Fault fault) { return valid ? std::nullopt : std::optional(fault); };
    switch (field) {
    case Field::path:
        return text == localPath ? Fault::reserved : unless(isObjectPath(text), Fault::objectPath);
    case Field::interface:
        return text == localInterface ? Fault::reserved : unless(isInterface(text), Fault::name);
    case Field::member:
        return unless(isMember(text), Fault::name);
    case Field::errorName:
        return unless(isErrorName(text), Fault::name);
    case Field::destination:
    case Field::sender:
        return unless(isBusName(text), Fault::name);
    case Field::signature:
        return unless(isSignature(text), Fault::signature);
    case Field::replySerial:
    case Field::unixFds:
        break;
    }
    return Fault::fieldType;
}

std::optional<Field> missingField(const Header& header) {
    switch (header.type) {
    case MessageType::signal:
        if (!header.interface)
            return Field::interface;
        [[fallthrough]];
    case MessageType::methodCall:
        if (!header.path)
            return Field::path;
        return header.member ? std::nullopt : std::optional(Field::member);
    case MessageType::error:
        if (!header.errorName)
            return Field::errorName;
        [[fallthrough]];
    case MessageType::methodReturn:
        return header.replySerial ? std::nullopt : std::optional(Field::replySerial);
    }
    return std::nullopt; // a type that nobody knows: nothing is known to be required
}

std::optional<Flaw> readPrologue(std::string_view bytes, std::uint32_t maxBytes, Header& header,
                                 Extent& extent) {
    if (bytes.size() < prologueBytes)
        return headerFlaw(Fault::truncated, bytes.size());
    const char* const at = bytes.data();
    header.endian = static_cast<Endian>(at[0]);
    if (header.endian != Endian::little && header.endian != Endian::big)
        return headerFlaw(Fault::byteOrder, 0);
    header.type = static_cast<MessageType>(at[typeAt]);
    if (static_cast<std::uint8_t>(header.type) == 0)
        return headerFlaw(Fault::messageType, typeAt);
    header.flags = static_cast<std::uint8_t>(at[flagsAt]);
    if (at[versionAt] != 1)
        return headerFlaw(Fault::protocolVersion, versionAt);
    header.serial = load<std::uint32_t>(at + serialAt, header.endian);
    if (header.serial == 0)
        return headerFlaw(Fault::serial, serialAt);
    const std::size_t fields = load<std::uint32_t>(at + fieldsLengthAt, header.endian);
    if (fields > maxArrayBytes)
        return headerFlaw(Fault::arrayTooLong, fieldsLengthAt);
    // Sums of 32 bit numbers, in 64.
    static_assert(sizeof(std::size_t) >= 8);
    extent.fields = prologueBytes + fields;
    extent.body = alignUp(extent.fields, 8);
    extent.end = extent.body + load<std::uint32_t>(at + bodyLengthAt, header.endian);
    if (extent.end > std::min(maxBytes, maxMessageBytes))
        return headerFlaw(Fault::messageTooLong, bodyLengthAt);
    return std::nullopt;
}

} // namespace xb::proxy::wire
