// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/json/to_dbus.hpp"

#include "rpc-proxy/json/arguments.hpp"
#include "rpc-proxy/json/guess.hpp"
#include "rpc-proxy/json/integer.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "rpc-proxy/wire/signature.hpp"
#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace xb::proxy::json {

namespace {

using wire::Field;
using wire::MessageType;

constexpr std::array<std::pair<std::string_view, MessageType>, 4> types{{
    {"request", MessageType::methodCall},
    {"signal", MessageType::signal},
    {"response", MessageType::methodReturn},
    {"error", MessageType::error},
}};

// Browsers split the text at the first colon, to find a code before it.
std::string withoutColons(std::string text) {
    std::replace(text.begin(), text.end(), ':', ',');
    return text;
}

// The fields of one message. Throws xb::Error.
class Fields {
public:
    Fields(const Values& values, Inbound& to) : values_(values), header_(to.header), to_(to) {}

    void read() {
        header_.type = type();
        const auto id = values_.member("id");
        const auto serial = id ? serialOf(*id, false) : std::nullopt;
        if (!serial)
            fail("the id must be a number from 1 to 4294967295");
        header_.serial = *serial;
        header_.destination = name("destination", Field::destination);
        if (header_.isReply())
            reply();
        else
            callOrSignal();
        signature();
        arguments();
    }

    static std::optional<std::uint32_t> serialOf(Value value, bool asText) {
        auto serial = asText && value.kind() == Kind::text ? integerOf<std::uint32_t>(value.text())
                                                           : integerOf<std::uint32_t>(value);
        return serial && *serial != 0 ? serial : std::nullopt;
    }

private:
    [[noreturn]] static void fail(const std::string& text) { throw Error(errors::invalidArgs, text); }

    static void require(const std::optional<std::string_view>& field, std::string_view key) {
        if (!field)
            fail(fmt::format("the field {} is missing", key));
    }

    std::optional<std::string_view> text(std::string_view key) const {
        const auto value = values_.member(key);
        if (!value)
            return std::nullopt;
        if (value->kind() != Kind::text)
            fail(fmt::format("the field {} is {}, not a string", key, describe(value->kind())));
        return value->text();
    }

    std::optional<std::string_view> name(std::string_view key, Field field) const {
        const auto value = text(key);
        if (!value ||
            (value->empty() && field == Field::interface && header_.type == MessageType::methodCall))
            return value;
        if (const auto fault = wire::checkText(field, *value))
            fail(fmt::format("the field {} is not valid ({})", key, wire::describe(*fault)));
        return value;
    }

    MessageType type() const {
        const auto given = text("type");
        if (!given)
            return MessageType::methodCall;
        for (const auto& [word, type] : types)
            if (*given == word)
                return type;
        fail("the field type is none of request, signal, response and error");
    }

    // Two names for one field, since the existing proxy reads one and writes the other.
    std::optional<std::string_view> member() const {
        const auto method = name("method", Field::member);
        const auto member = name("member", Field::member);
        if (method && member)
            fail("there is both a method and a member");
        return method ? method : member;
    }

    void callOrSignal() {
        const bool call = header_.type == MessageType::methodCall;
        if (call)
            require(header_.destination, "destination");
        else
            header_.flags = wire::noReplyExpected;
        require(header_.member = member(), "method");
        require(header_.path = name("path", Field::path), "path");
        require(header_.interface = name("interface", Field::interface), "interface");
        if (call && header_.interface->empty()) // of a message that came from D-Bus, where a call needs none
            header_.interface.reset();
    }

    void reply() {
        header_.flags = wire::noReplyExpected;
        const auto value = values_.member("response-to");
        const auto serial = value ? serialOf(*value, true) : std::nullopt;
        if (!serial)
            fail("the field response-to must be the id of a call");
        header_.replySerial = *serial;
        if (header_.type == MessageType::error)
            require(header_.errorName = name("name", Field::errorName), "name");
    }

    void signature() {
        to_.signature = text("dbus-signature");
        if (to_.signature && !wire::isSignature(*to_.signature))
            fail("the field dbus-signature is not a signature");
    }

    void arguments() {
        const auto args = values_.member("args");
        if (!args || args->kind() != Kind::array)
            fail("the field args must be an array");
        to_.args = args->index();
    }

    const Values& values_;
    wire::Header& header_;
    Inbound& to_;
};

std::optional<std::uint32_t> usableId(const Values& values) {
    const auto id = values.member("id");
    return id ? Fields::serialOf(*id, false) : std::nullopt;
}

} // namespace

bool Inbound::needsSignature() const {
    const Value array = values.at(args);
    return header.type == MessageType::methodCall && !signature && !(array.begin() == array.end());
}

std::variant<Inbound, Refusal> readMessage(std::string_view text, const Limits& limits) {
    Inbound inbound;
    if (text.size() > limits.textBytes)
        return Refusal{
            std::nullopt, errors::limitsExceeded,
            fmt::format("the message has {} bytes, the limit is {}", text.size(), limits.textBytes)};
    if (const auto flaw = inbound.values.read(text, limits))
        return Refusal{usableId(inbound.values), errors::invalidArgs, "not JSON, " + withoutColons(*flaw)};
    if (inbound.values.root().kind() != Kind::object)
        return Refusal{std::nullopt, errors::invalidArgs,
                       fmt::format("a message is an object, not {}", describe(inbound.values.root().kind()))};
    try {
        Fields(inbound.values, inbound).read();
    } catch (const Error& e) {
        return Refusal{usableId(inbound.values), e.name(), withoutColons(e.what())};
    }
    return inbound;
}

std::variant<std::string, Refusal> toMessage(const Inbound& inbound, std::optional<std::string_view> known,
                                             const wire::Limits& limits) {
    wire::Header header = inbound.header;
    try {
        const Value args = inbound.values.at(inbound.args);
        std::string guessed;
        if (inbound.signature)
            header.signature = *inbound.signature;
        else if (known)
            header.signature = *known;
        else
            header.signature = guessed = guessSignature(args);
        const std::string body = toBody(args, header.signature, limits);
        std::string message;
        if (const auto flaw = wire::appendMessage(message, header, body, limits))
            throw Error(flaw->fault == wire::Fault::messageTooLong ? errors::limitsExceeded
                                                                   : errors::invalidArgs,
                        flaw->text());
        return message;
    } catch (const Error& e) {
        return Refusal{header.serial, e.name(), withoutColons(e.what())};
    }
}

} // namespace xb::proxy::json
