// SPDX-License-Identifier: Apache-2.0
// What the bus sends, and what is the same for both directions.
#include "rpc-proxy/relay/session.hpp"

#include "rpc-proxy/relay/driver_calls.hpp"
#include "rpc-proxy/relay/relay.hpp"
#include "rpc-proxy/wire/body_reader.hpp"
#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/guest_callers.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace xb::proxy {

namespace {

rules::MessageType ruleType(wire::MessageType type) {
    switch (type) {
    case wire::MessageType::methodCall:
        return rules::MessageType::methodCall;
    case wire::MessageType::methodReturn:
        return rules::MessageType::methodReturn;
    case wire::MessageType::error:
        return rules::MessageType::error;
    case wire::MessageType::signal:
        return rules::MessageType::signal;
    }
    return rules::MessageType::other;
}

std::string_view typeName(wire::MessageType type) {
    switch (type) {
    case wire::MessageType::methodCall:
        return "call";
    case wire::MessageType::methodReturn:
        return "reply";
    case wire::MessageType::error:
        return "error";
    case wire::MessageType::signal:
        return "signal";
    }
    return "message of an unknown type";
}

} // namespace

void Session::fromBus(std::span<char> bytes, wire::MessageView& message) {
    if (phase_ == Phase::connecting)
        return login_->message(message);
    if (phase_ != Phase::running)
        return; // nobody knows the name of this connection yet
    if (message.unixFds != 0)
        return peer_->warn("{}: a message with descriptors from {} is dropped", name_,
                           message.sender.value_or("the bus"));
    if (monitors_) // it hears of calls and replies between others, and the bus hears nothing of it any more
        return forward(client_, bytes);
    if (message.isReply()) {
        if (clientCalls_.takeAnsweredBy(*message.replySerial, message.sender.value_or(""))) {
            if (monitorCall_ == message.replySerial) {
                monitors_ = message.type == wire::MessageType::methodReturn;
                monitorCall_.reset();
            }
            return toClient(bytes, message);
        }
        return peer_->warn("{}: a reply from {} that answers nothing is dropped (reply serial {})", name_,
                           message.sender.value_or("nobody"), *message.replySerial);
    }
    if (isHidden(message))
        return;
    if (filtered_ && !allowed(rules::Direction::outgoing, message))
        return refuse(bus_, message, errors::accessDenied,
                      "the rules of rpc-proxy do not let this through to the guest");
    if (registerCall(busCalls_, bus_, message, message.sender.value_or("")))
        toClient(bytes, message);
}

void Session::toClient(std::span<char> bytes, const wire::MessageView& message) {
    if (!guestName_.empty() && isFromDriver(message) && message.isReply() && message.signature == "as")
        return forwardNames(bytes, message);
    wire::Rewrite rewrite;
    std::optional<std::string> text;
    if (names_ && (text = names_->ofMessage(message))) {
        rewrite.firstString = *text;
        return forwardChanged(client_, message, rewrite);
    }
    forward(client_, bytes);
}

/// A list of names, less those by which services know guests.
void Session::forwardNames(std::span<char> bytes, const wire::MessageView& message) {
    bool hidden = false;
    wire::BodyWriter names("as", {}, message.endian);
    names.enter();
    wire::BodyReader all(message);
    for (all.enter(); all.type() == 's';) {
        const std::string_view name = all.string();
        if (guestDomainOf(name))
            hidden = true;
        else
            names.string(name);
    }
    names.leave();
    if (!hidden)
        return forward(client_, bytes);
    ++relay_.statistics_.forwarded;
    if (const auto flaw = wire::appendMessage(client_.out.owned(), message, names.take()))
        throw std::logic_error("a list of names is no message: " + flaw->text());
}

/// What is said of the names by which services know guests.
bool Session::isHidden(const wire::MessageView& message) {
    if (guestName_.empty() || message.type != wire::MessageType::signal || !isFromDriver(message) ||
        !guestDomainOf(message.firstString().value_or("")))
        return false;
    if (message.member == "NameLost" && message.firstString() == guestName_) {
        log::error("{}: it lost the name {}: closed", name_, guestName_);
        end();
    }
    return true;
}

rules::Verdict Session::judge(rules::Direction direction, const wire::Header& message,
                              std::optional<std::string_view> firstString) const {
    rules::Message asked;
    asked.direction = direction;
    asked.type = ruleType(message.type);
    asked.destination = message.destination;
    asked.interface = message.interface;
    asked.member = message.member;
    asked.sender = message.sender;
    asked.arg0 = firstString;
    return rules_->evaluate(asked);
}

// Before the arguments of a call are known; the rules look at them only where a method's types are no
// question.
bool Session::wouldPass(const wire::Header& call) const {
    return phase_ == Phase::running &&
           (!filtered_ || judge(rules::Direction::incoming, call, std::nullopt).allowed);
}

bool Session::allowed(rules::Direction direction, const wire::MessageView& message) {
    const rules::Verdict verdict = judge(direction, message, message.firstString());
    if (verdict.allowed && !relay_.options_.verbose)
        return true;
    const auto line = [&] {
        return fmt::format(
            "{}: {} {} {}.{} from {} to {} serial {}, {}", name_,
            direction == rules::Direction::incoming ? "incoming" : "outgoing", typeName(message.type),
            message.interface.value_or("-"), message.member.value_or("-"), message.sender.value_or("-"),
            message.destination.value_or("-"), message.serial, rules_->rules().describe(verdict));
    };
    if (verdict.allowed) {
        log::info("{}", line());
        return true;
    }
    relay_.statistics_.countDenied(rules_->rules().source(verdict));
    peer_->warn("{}", line());
    return false;
}

bool Session::registerCall(PendingCalls& calls, Side& caller, const wire::MessageView& call,
                           std::string_view peer) {
    if (!call.wantsReply())
        return true;
    const bool again = &caller == &client_ ? calls.has(call.serial) : calls.has(call.serial, peer);
    if (again) {
        refuse(caller, call, errors::accessDenied, "a call with this serial is not answered yet");
        return false;
    }
    if (calls.full()) {
        peer_->warn("{}: {} calls {} are not answered yet (limit {}): another one is refused", name_,
                    calls.size(), &caller == &client_ ? "of it" : "to it",
                    relay_.options_.limits.pendingCalls);
        refuse(caller, call, errors::limitsExceeded,
               fmt::format("{} calls are not answered yet, which is the limit", calls.size()));
        return false;
    }
    calls.add(call.serial, peer);
    return true;
}

void Session::refuse(Side& to, const wire::MessageView& call, std::string_view error, std::string_view text) {
    if (!call.wantsReply())
        return;
    wire::Header header = wire::errorReply(++serial_, call, error);
    if (&to == &client_)
        return appendFromDriver(header, text);
    wire::BodyWriter body("s", {}, header.endian);
    body.string(text);
    header.signature = "s";
    if (const auto flaw = wire::appendMessage(bus_.out.owned(), header, body.take()))
        throw std::logic_error("a refusal is no message: " + flaw->text());
}

/// To the client, with one string.
void Session::appendFromDriver(wire::Header header, std::string_view text) {
    header.sender = driverName;
    header.destination = uniqueName_;
    header.signature = "s";
    wire::BodyWriter body("s", {}, header.endian);
    body.string(text);
    if (const auto flaw = wire::appendMessage(client_.out.owned(), header, body.take()))
        throw std::logic_error("an answer of the proxy is no message: " + flaw->text());
}

} // namespace xb::proxy
