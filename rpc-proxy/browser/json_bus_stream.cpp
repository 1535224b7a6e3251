// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/browser/json_bus_stream.hpp"

#include "rpc-proxy/json/from_dbus.hpp"
#include "rpc-proxy/json/to_dbus.hpp"
#include "rpc-proxy/relay/driver_calls.hpp"
#include "rpc-proxy/sasl/limits.hpp"
#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "rpc-proxy/wire/message_view.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace xb::proxy {

namespace {

using namespace std::string_view_literals;

// Looked at in one turn.
constexpr std::size_t chunkBytes = std::size_t{64} << 10;

} // namespace

JsonBusStream::JsonBusStream(const Executor& executor, std::unique_ptr<Stream> bus,
                             const JsonBusLimits& limits)
    : executor_(executor), bus_(std::move(bus)), limits_(limits) {}

JsonBusStream::~JsonBusStream() {
    if (!end_)
        flush(); // what the session believes sent
}

void JsonBusStream::flush() {
    std::size_t sent = 0;
    while (sent < out_.size() && !end_) {
        const Transfer now = bus_->send(std::span<const char>(out_).subspan(sent));
        if (now.ended())
            end_ = now;
        if (now.state != Transfer::State::moved)
            break;
        sent += now.bytes;
    }
    out_.erase(0, sent);
    if (out_.empty())
        std::string().swap(out_); // most connections are idle most of the time
}

Transfer JsonBusStream::send(std::span<const char> bytes) {
    if (end_)
        return *end_;
    if (out_.size() >= limits_.queueBytes)
        return {Transfer::State::blocked, 0, 0};
    std::size_t taken = std::min(bytes.size(), chunkBytes);
    if (linesOut_)
        taken = takeLine(bytes);
    else if (!takeMessages(std::string(bytes.data(), taken)))
        return {Transfer::State::failed, 0, EBADMSG};
    flush();
    if (end_)
        return *end_;
    if (!out_.empty())
        bus_->awaitWritable(*this);
    return {Transfer::State::moved, taken, 0};
}

// NUL, lines, and BEGIN as the last one; they go out as they are.
std::size_t JsonBusStream::takeLine(std::span<const char> bytes) {
    const auto found = std::find(bytes.begin(), bytes.end(), '\n');
    const bool whole = found != bytes.end();
    const auto size = static_cast<std::size_t>(found - bytes.begin()) + (whole ? 1U : 0U);
    lineOut_.append(bytes.data(), size);
    out_.append(bytes.data(), size);
    if (whole) {
        linesOut_ = lineOut_ != "BEGIN\r\n";
        lineOut_.clear();
    }
    return size;
}

bool JsonBusStream::takeMessages(std::string chunk) {
    framer_.feed(chunk);
    while (const auto message = framer_.next()) {
        wire::MessageView view;
        if (wire::read(wire::asText(*message), {wire::maxMessageBytes}, view)) // the session has read it
            return false;
        if (!json::appendTypedMessage(out_, view))
            continue;
        out_ += '\0';
        if (view.wantsReply())
            called_.insert_or_assign(view.serial, std::string(view.destination.value_or(driverName)));
    }
    return !framer_.flaw();
}

Transfer JsonBusStream::receive(std::span<char> into) {
    if (in_.empty() && !end_) {
        const Transfer got = bus_->receive(into);
        if (got.ended())
            end_ = got;
        else
            fromBus({into.data(), got.bytes});
    }
    if (in_.empty())
        return end_.value_or(Transfer{Transfer::State::blocked, 0, 0});
    const std::size_t size = std::min(into.size(), in_.size());
    std::memcpy(into.data(), in_.data(), size);
    in_.erase(0, size);
    if (in_.empty())
        std::string().swap(in_);
    return {Transfer::State::moved, size, 0};
}

void JsonBusStream::fromBus(std::string_view bytes) {
    while (!bytes.empty() && !end_) {
        const std::string_view mark = linesIn_ ? "\n"sv : "\0"sv;
        const std::size_t limit = linesIn_ ? sasl::maxLineBytes : limits_.textBytes;
        const std::size_t found = bytes.find(mark);
        const std::string_view part = bytes.substr(0, found);
        textIn_ += part;
        bytes.remove_prefix(std::min(part.size() + 1, bytes.size()));
        if (textIn_.size() > limit) {
            warn(linesIn_ ? "it sent a line that is too long" : "it sent a text that is too long");
            end_ = Transfer{Transfer::State::failed, 0, EMSGSIZE};
        } else if (found != std::string_view::npos) {
            const std::string whole = std::exchange(textIn_, {});
            if (!linesIn_) {
                fromText(whole);
                continue;
            }
            in_ += whole + "\n";
            linesIn_ = !whole.starts_with("OK ");
        }
    }
}

/// Whom a message is from, which JSON does not tell; empty: nobody asked for it.
std::string JsonBusStream::senderOf(const wire::Header& header) {
    if (!header.isReply())
        return header.interface == driverName ? std::string(driverName) : "";
    const auto call = called_.find(*header.replySerial);
    if (call == called_.end())
        return "";
    std::string sender = std::move(call->second);
    called_.erase(call);
    return sender;
}

void JsonBusStream::fromText(std::string_view text) {
    auto read = json::readMessage(text, {limits_.textBytes, json::maxDepth});
    if (const auto* const refusal = std::get_if<json::Refusal>(&read))
        return warn("a text is dropped: " + refusal->text);
    json::Inbound& inbound = std::get<json::Inbound>(read);
    const std::string sender = senderOf(inbound.header);
    if (!sender.empty())
        inbound.header.sender = sender;
    else if (inbound.header.isReply())
        return; // to a call that wants none, which JSON does not tell either
    const auto message = json::toMessage(inbound, std::nullopt, {limits_.messageBytes});
    if (const auto* const whole = std::get_if<std::string>(&message)) {
        in_ += *whole;
        return;
    }
    const json::Refusal& refusal = std::get<json::Refusal>(message);
    warn("a text is no message: " + refusal.text);
    if (!inbound.header.isReply())
        return;
    wire::Header error = inbound.header; // so that nobody waits for it
    error.type = wire::MessageType::error;
    error.errorName = refusal.errorName;
    error.signature = "s";
    wire::BodyWriter body("s", {}, error.endian);
    body.string(refusal.text);
    if (wire::appendMessage(in_, error, body.take()))
        warn("nor can that be said");
}

void JsonBusStream::warn(std::string_view what) {
    if (logLimit_.take())
        log::warn("the bus that speaks JSON: {}", what);
}

void JsonBusStream::later(void (JsonBusStream::*what)()) {
    asio::post(executor_, [this, what, alive = std::weak_ptr(alive_)] {
        if (!alive.expired())
            (this->*what)();
    });
}

void JsonBusStream::awaitReadable(StreamUser& user) {
    reader_ = &user;
    if (in_.empty() && !end_)
        bus_->awaitReadable(*this);
    else
        later(&JsonBusStream::readable);
}

void JsonBusStream::awaitWritable(StreamUser& user) {
    writer_ = &user;
    if (out_.size() < limits_.queueBytes || end_)
        later(&JsonBusStream::writable);
}

void JsonBusStream::readable() {
    if (StreamUser* const user = std::exchange(reader_, nullptr))
        user->readable();
}

void JsonBusStream::writable() {
    flush();
    if (!out_.empty() && !end_)
        bus_->awaitWritable(*this);
    if (out_.size() >= limits_.queueBytes && !end_)
        return;
    if (StreamUser* const user = std::exchange(writer_, nullptr))
        user->writable();
}

} // namespace xb::proxy
