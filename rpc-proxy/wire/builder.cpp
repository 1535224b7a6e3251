// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/builder.hpp"

#include "rpc-proxy/wire/body_writer.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace xb::proxy::wire {

namespace {

using Texts = std::array<std::pair<Field, std::optional<std::string_view>>, 7>;

// All fields that are text, in the order of their codes.
Texts textsOf(const Header& header) {
    const auto signature = header.signature.empty() ? std::nullopt : std::optional(header.signature);
    return {{{Field::path, header.path},
             {Field::interface, header.interface},
             {Field::member, header.member},
             {Field::errorName, header.errorName},
             {Field::destination, header.destination},
             {Field::sender, header.sender},
             {Field::signature, signature}}};
}

std::optional<Flaw> check(const Header& header, std::string_view body) {
    if (static_cast<std::uint8_t>(header.type) == 0)
        return Flaw{Fault::messageType, "header", 0};
    if (header.serial == 0)
        return Flaw{Fault::serial, "header", 0};
    if (header.replySerial && *header.replySerial == 0)
        return Flaw{Fault::serial, nameOf(Field::replySerial), 0};
    for (const auto& [field, text] : textsOf(header))
        if (text)
            if (const auto fault = checkText(field, *text))
                return Flaw{*fault, nameOf(field), 0};
    if (const auto field = missingField(header))
        return Flaw{Fault::fieldMissing, nameOf(*field), 0};
    if (header.signature.empty() && !body.empty())
        return Flaw{Fault::trailingBytes, "body", 0};
    return std::nullopt;
}

void alignTo(std::string& out, std::size_t begin, std::size_t alignment) {
    const std::size_t size = out.size() - begin;
    out.append(alignUp(size, alignment) - size, '\0');
}

void appendNumber(std::string& out, std::uint32_t value, Endian endian) {
    std::array<char, sizeof value> bytes;
    store(bytes.data(), value, endian);
    out.append(bytes.data(), bytes.size());
}

void beginField(std::string& out, std::size_t begin, Field field) {
    alignTo(out, begin, 8);
    out += {static_cast<char>(field), '\1', typeOf(field), '\0'};
}

Header reply(MessageType type, std::uint32_t serial, const Header& call) {
    Header header;
    header.endian = call.endian;
    header.type = type;
    header.flags = noReplyExpected;
    header.serial = serial;
    header.replySerial = call.serial;
    header.destination = call.sender;
    return header;
}

} // namespace

Header methodCall(std::uint32_t serial, std::string_view path, std::string_view interface,
                  std::string_view member) {
    Header header;
    header.serial = serial;
    header.path = path;
    if (!interface.empty())
        header.interface = interface;
    header.member = member;
    return header;
}

Header signal(std::uint32_t serial, std::string_view path, std::string_view interface,
              std::string_view member) {
    Header header = methodCall(serial, path, interface, member);
    header.type = MessageType::signal;
    header.flags = noReplyExpected;
    return header;
}

Header methodReturn(std::uint32_t serial, const Header& call) {
    return reply(MessageType::methodReturn, serial, call);
}

Header errorReply(std::uint32_t serial, const Header& call, std::string_view name) {
    Header header = reply(MessageType::error, serial, call);
    header.errorName = name;
    return header;
}

void appendField(std::string& out, std::size_t begin, Endian endian, Field field, std::string_view value) {
    beginField(out, begin, field);
    if (typeOf(field) == 'g')
        out += static_cast<char>(value.size());
    else
        appendNumber(out, static_cast<std::uint32_t>(value.size()), endian);
    out += value;
    out += '\0';
}

void appendField(std::string& out, std::size_t begin, Endian endian, Field field, std::uint32_t value) {
    beginField(out, begin, field);
    appendNumber(out, value, endian);
}

std::optional<Flaw> appendMessage(std::string& out, const Header& header, std::string_view body,
                                  const Limits& limits) {
    if (auto flaw = check(header, body))
        return flaw;
    const std::size_t begin = out.size();
    out += {static_cast<char>(header.endian), static_cast<char>(header.type), static_cast<char>(header.flags),
            '\1'};
    appendNumber(out, static_cast<std::uint32_t>(body.size()), header.endian);
    appendNumber(out, header.serial, header.endian);
    appendNumber(out, 0, header.endian); // the length of what follows, set below
    for (const auto& [field, text] : textsOf(header))
        if (text)
            appendField(out, begin, header.endian, field, *text);
    if (header.replySerial)
        appendField(out, begin, header.endian, Field::replySerial, *header.replySerial);
    if (header.unixFds != 0)
        appendField(out, begin, header.endian, Field::unixFds, header.unixFds);
    store(out.data() + begin + fieldsLengthAt, static_cast<std::uint32_t>(out.size() - begin - prologueBytes),
          header.endian);
    alignTo(out, begin, 8);
    if (out.size() - begin + body.size() > std::min(limits.messageBytes, maxMessageBytes)) {
        out.resize(begin);
        return Flaw{Fault::messageTooLong, "body", 0};
    }
    out += body;
    return std::nullopt;
}

std::string errorMessage(std::uint32_t serial, const Header& call, std::string_view name,
                         std::string_view text) {
    Header header = errorReply(serial, call, name);
    header.signature = "s";
    BodyWriter body(header.signature, {}, header.endian);
    body.string(text);
    std::string out;
    if (const auto flaw = appendMessage(out, header, body.take()))
        throw Error(errors::invalidArgs, flaw->text());
    return out;
}

} // namespace xb::proxy::wire
