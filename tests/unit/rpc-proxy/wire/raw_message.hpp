// SPDX-License-Identifier: Apache-2.0
// Messages put together byte by byte, also wrong ones.
#pragma once

#include "rpc-proxy/wire/builder.hpp"
#include "rpc-proxy/wire/message_view.hpp"

#include <string>
#include <string_view>

namespace xb::proxy::wire {

struct Raw {
    explicit Raw(MessageType messageType = MessageType::methodCall, Endian order = Endian::little)
        : type(static_cast<std::uint8_t>(messageType)), endian(order) {}

    std::uint8_t type;
    Endian endian;
    std::uint8_t flags = 0;
    std::uint8_t version = 1;
    std::uint32_t serial = 7;
    std::string fields = std::string(prologueBytes, '\0'); // at their place in the message
    std::string body;

    Raw& with(Field field, std::string_view value) {
        appendField(fields, 0, endian, field, value);
        return *this;
    }
    Raw& with(Field field, std::uint32_t value) {
        appendField(fields, 0, endian, field, value);
        return *this;
    }
    /// A field as these bytes, after its padding.
    Raw& withBytes(std::string_view bytes) {
        fields.append(alignUp(fields.size(), 8) - fields.size(), '\0');
        fields += bytes;
        return *this;
    }
    Raw& withBody(std::string_view signature, std::string_view bytes) {
        with(Field::signature, signature);
        body = bytes;
        return *this;
    }

    std::string str() const {
        std::string out = fields;
        out[0] = static_cast<char>(endian);
        out[1] = static_cast<char>(type);
        out[2] = static_cast<char>(flags);
        out[3] = static_cast<char>(version);
        store(out.data() + bodyLengthAt, static_cast<std::uint32_t>(body.size()), endian);
        store(out.data() + serialAt, serial, endian);
        store(out.data() + fieldsLengthAt, static_cast<std::uint32_t>(fields.size() - prologueBytes), endian);
        out.append(alignUp(out.size(), 8) - out.size(), '\0');
        return out + body;
    }
};

/// With what a call must have.
inline Raw rawCall(Endian endian = Endian::little) {
    return Raw(MessageType::methodCall, endian).with(Field::path, "/a").with(Field::member, "M");
}

/// A call with that body.
inline std::string callWith(std::string_view signature, std::string_view body,
                            Endian endian = Endian::little) {
    return rawCall(endian).withBody(signature, body).str();
}

/// "ok", or what is wrong: "fault part offset" as Flaw::text() says it.
inline std::string verdict(std::string_view message, const Limits& limits = {}) {
    const std::string exact(message); // AddressSanitizer sees a read behind it
    MessageView view;
    const auto flaw = read(exact, limits, view);
    return flaw ? flaw->text() : "ok";
}

/// The little-endian number, as bytes.
inline std::string u32(std::uint32_t value) {
    std::string bytes(4, '\0');
    store(bytes.data(), value, Endian::little);
    return bytes;
}

/// A string with its length and NUL, little-endian.
inline std::string str(std::string_view text) {
    return u32(static_cast<std::uint32_t>(text.size())) + std::string(text) + '\0';
}

} // namespace xb::proxy::wire
