// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/rewrite.hpp"

#include "rpc-proxy/wire/builder.hpp"
#include "rpc-proxy/wire/copy_values.hpp"
#include "rpc-proxy/wire/names.hpp"
#include "toolstack/libs/error.hpp"

#include <stdexcept>

namespace xb::proxy::wire {

namespace {

void require(bool possible, const char* what) {
    if (!possible)
        throw std::logic_error(what);
}

const NameChange* changeOf(const Rewrite& rewrite, std::uint8_t code) {
    if (code == static_cast<std::uint8_t>(Field::destination))
        return &rewrite.destination;
    if (code == static_cast<std::uint8_t>(Field::sender))
        return &rewrite.sender;
    return nullptr;
}

// A field that was there is replaced where it was.
void appendFields(std::string& out, const MessageView& view, const Rewrite& rewrite) {
    FieldCursor cursor(view);
    while (cursor.next()) {
        const NameChange* const change = changeOf(rewrite, cursor.code());
        if (rewrite.replySerial && cursor.code() == static_cast<std::uint8_t>(Field::replySerial)) {
            appendField(out, 0, view.endian, Field::replySerial, *rewrite.replySerial);
        } else if (change == nullptr || change->isKeep()) {
            out.append(alignUp(out.size(), 8) - out.size(), '\0');
            out += cursor.field();
        } else if (change->isSet()) {
            appendField(out, 0, view.endian, static_cast<Field>(cursor.code()), change->name());
        }
    }
    if (rewrite.destination.isSet() && !view.destination)
        appendField(out, 0, view.endian, Field::destination, rewrite.destination.name());
    if (rewrite.sender.isSet() && !view.sender)
        appendField(out, 0, view.endian, Field::sender, rewrite.sender.name());
}

} // namespace

void setSerial(std::span<char> bytes, MessageView& view, std::uint32_t serial) {
    require(serial != 0 && bytes.data() == view.bytes.data(), "a serial of another message, or 0");
    store(bytes.data() + serialAt, serial, view.endian);
    view.serial = serial;
}

void setReplySerial(std::span<char> bytes, MessageView& view, std::uint32_t serial) {
    require(serial != 0 && bytes.data() == view.bytes.data() && view.replySerial,
            "a reply serial of another message, or 0, or of no reply");
    store(bytes.data() + view.replySerialAt, serial, view.endian);
    view.replySerial = serial;
}

std::string rewriteHeader(const MessageView& view, const Rewrite& rewrite, std::size_t bodyBytes) {
    require(!rewrite.replySerial || view.replySerial, "a reply serial for what is no reply");
    require(!rewrite.destination.isSet() || isBusName(rewrite.destination.name()),
            "a destination that is no bus name");
    require(!rewrite.sender.isSet() || isBusName(rewrite.sender.name()), "a sender that is no bus name");
    require(rewrite.serial.value_or(1) != 0 && rewrite.replySerial.value_or(1) != 0, "serial 0");

    std::string out;
    out.reserve(view.bytes.size() - view.body.size() + 2 * (maxNameBytes + 16));
    out = view.bytes.substr(0, prologueBytes);
    appendFields(out, view, rewrite);
    const auto fields = static_cast<std::uint32_t>(out.size() - prologueBytes);
    out.append(alignUp(out.size(), 8) - out.size(), '\0');
    if (out.size() + bodyBytes > maxMessageBytes)
        throw Error(errors::limitsExceeded, "the message would be longer than 128 MiB");
    store(out.data() + fieldsLengthAt, fields, view.endian);
    store(out.data() + bodyLengthAt, static_cast<std::uint32_t>(bodyBytes), view.endian);
    if (rewrite.serial)
        store(out.data() + serialAt, *rewrite.serial, view.endian);
    return out;
}

std::string rewriteFirstString(const MessageView& view, std::string_view text) {
    require(view.firstString().has_value(), "the first argument is no string");
    BodyReader from(view);
    BodyWriter to(view.signature, {}, view.endian);
    from.skip();
    to.string(text);
    copyValues(from, to);
    return to.take();
}

std::string rewriteMessage(const MessageView& view, const Rewrite& rewrite) {
    if (!rewrite.firstString)
        return rewriteHeader(view, rewrite, view.body.size()).append(view.body);
    const std::string body = rewriteFirstString(view, *rewrite.firstString);
    return rewriteHeader(view, rewrite, body.size()) + body;
}

} // namespace xb::proxy::wire
