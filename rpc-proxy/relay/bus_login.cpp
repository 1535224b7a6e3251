// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/relay/bus_login.hpp"

#include "rpc-proxy/relay/driver_calls.hpp"
#include "rpc-proxy/wire/body_reader.hpp"
#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "rpc-proxy/wire/names.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace xb::proxy {

namespace {

constexpr std::uint32_t helloSerial = 1;
constexpr std::uint32_t nameSerial = 2;
constexpr std::uint32_t doNotQueue = 4;   // DBUS_NAME_FLAG_DO_NOT_QUEUE
constexpr std::uint32_t primaryOwner = 1; // DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER

void appendCall(std::string& out, std::uint32_t serial, std::string_view member, std::string_view signature,
                std::string_view body) {
    wire::Header call = wire::methodCall(serial, driverPath, driverName, member);
    call.destination = driverName;
    call.signature = signature;
    if (const auto flaw = wire::appendMessage(out, call, body))
        throw std::logic_error("a call to the bus is wrong: " + flaw->text());
}

} // namespace

std::string BusLogin::opening(uid_t uid) const {
    std::string bytes = sasl_.opening(uid);
    appendCall(bytes, helloSerial, "Hello", "", "");
    if (!guestName_.empty()) {
        wire::BodyWriter arguments("su");
        arguments.string(guestName_);
        arguments.uint32(doNotQueue);
        appendCall(bytes, nameSerial, "RequestName", "su", arguments.take());
    }
    return bytes;
}

void BusLogin::fail(std::string why) {
    state_ = State::failed;
    failure_ = std::move(why);
}

std::string_view BusLogin::feed(std::string_view bytes) {
    bytes = sasl_.feed(bytes);
    if (sasl_.done())
        state_ = State::registering;
    else if (sasl_.state() == sasl::Client::State::failed)
        fail(sasl_.failure());
    return bytes;
}

void BusLogin::message(const wire::MessageView& message) {
    const std::uint32_t expected = uniqueName_.empty() ? helloSerial : nameSerial;
    if (!message.isReply() || !isFromDriver(message) || message.replySerial != expected)
        return;
    if (message.type == wire::MessageType::error)
        return fail(fmt::format("the bus refused {}: {}: {}", expected == helloSerial ? "Hello" : guestName_,
                                message.errorName.value_or(""), message.firstString().value_or("")));
    if (expected == helloSerial) {
        const auto name = message.firstString();
        if (!name || !wire::isUniqueName(*name))
            return fail("the bus answered Hello without a name");
        uniqueName_ = *name;
        if (guestName_.empty())
            state_ = State::done;
        return;
    }
    wire::BodyReader answer(message);
    if (answer.type() != 'u' || answer.uint32() != primaryOwner)
        return fail(fmt::format("the bus did not give {} to this connection", guestName_));
    state_ = State::done;
}

} // namespace xb::proxy
