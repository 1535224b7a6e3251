// SPDX-License-Identifier: Apache-2.0
// What the client sends.
#include "rpc-proxy/relay/session.hpp"

#include "rpc-proxy/relay/driver_calls.hpp"
#include "rpc-proxy/relay/match_rule.hpp"
#include "rpc-proxy/relay/relay.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/guest_callers.hpp"

#include <stdexcept>

#include <fmt/format.h>

namespace xb::proxy {

void Session::fromClient(std::span<char> bytes, wire::MessageView& message) {
    if (phase_ == Phase::hello || isDriverMember(message, "Hello"))
        return hello(message);
    if (relay_.options_.translate && translated(message))
        return;
    if (message.unixFds != 0) {
        peer_->warn("{}: descriptors are not passed here", name_);
        return refuse(client_, message, errors::notSupported, "descriptors are not passed here");
    }
    if (message.isReply()) {
        if (busCalls_.takeOf(*message.replySerial, message.destination.value_or("")))
            return forward(bus_, bytes);
        return peer_->warn("{}: a reply to {} that answers nothing is dropped (reply serial {})", name_,
                           message.destination.value_or("nobody"), *message.replySerial);
    }
    if (filtered_ && !allowed(rules::Direction::incoming, message))
        return refuse(client_, message, errors::accessDenied,
                      "the rules of this host do not let this through");
    if (filtered_ && isDriverCall(message) && toDriver(bytes, message))
        return;
    if (!registerCall(clientCalls_, client_, message, message.destination.value_or(driverName)))
        return;
    if (!filtered_ && isBecomeMonitor(message))
        monitorCall_ = message.serial;
    wire::Rewrite rewrite;
    std::optional<std::string> text;
    if (names_ && (text = names_->ofCall(message))) {
        rewrite.firstString = *text;
        return forwardChanged(bus_, message, rewrite);
    }
    forward(bus_, bytes);
}

/// True: it went on as a call to the well-known name of the one it was for.
bool Session::translated(const wire::MessageView& message) {
    if (message.type != wire::MessageType::methodCall || !message.destination.value_or("").starts_with(':'))
        return false;
    const std::string_view name = relay_.options_.translate(*message.destination);
    if (name.empty())
        return false;
    wire::Rewrite rewrite;
    rewrite.destination = wire::NameChange::set(name);
    std::string bytes = wire::rewriteMessage(message, rewrite);
    wire::MessageView view;
    if (const auto flaw = wire::read(bytes, {}, view)) // it may have grown beyond the limit of what comes
        throw std::logic_error("a translated call is no message: " + flaw->text());
    fromClient(bytes, view);
    return true;
}

// The bus heard the proxy's; the client gets the same answer.
void Session::hello(const wire::MessageView& message) {
    if (!isDriverMember(message, "Hello"))
        return refuse(client_, message, errors::accessDenied, "Hello comes first");
    if (phase_ != Phase::hello)
        return refuse(client_, message, errors::failed, "Hello was said already");
    phase_ = Phase::running;
    deadline_.cancel();
    if (message.wantsReply())
        appendFromDriver(wire::methodReturn(++serial_, message), uniqueName_);
    appendFromDriver(wire::signal(++serial_, driverPath, driverName, "NameAcquired"), uniqueName_);
}

/// True: it is dealt with.
bool Session::toDriver(std::span<char> bytes, const wire::MessageView& message) {
    const auto deny = [&](std::string_view why) {
        relay_.statistics_.countDenied(why);
        peer_->warn("{}: denied {} of {}: {}", name_, *message.member, driverName, why);
        refuse(client_, message, errors::accessDenied, why);
        return true;
    };
    if (!isHarmlessDriverCall(message))
        return deny("guests may not ask this of the bus");
    const bool requests = isDriverMember(message, "RequestName");
    if (requests || isDriverMember(message, "ReleaseName")) {
        const std::string_view wanted = message.firstString().value_or("");
        if (guestDomainOf(wanted))
            return deny("such names are the proxy's own");
        if (requests && !(names_ && names_->givesOwn(message)) && !mayOwn(wanted))
            return deny("this name is not one that this guest may own");
    } else if (isDriverMember(message, "AddMatch") || isDriverMember(message, "RemoveMatch")) {
        try {
            subscribe(bytes, message);
        } catch (const Error& e) {
            peer_->warn("{}: {} is refused: {}", name_, *message.member, e.what());
            refuse(client_, message, e.name(), e.what());
        }
        return true;
    } else if (guestDomainOf(message.firstString().value_or(""))) {
        refuse(client_, message, errors::nameHasNoOwner, "there is no such name");
        return true;
    }
    return false;
}

/// What the bus gets is what was understood here.
void Session::subscribe(std::span<char> bytes, const wire::MessageView& message) {
    const auto text = message.firstString();
    if (!text || message.signature != "s")
        throw Error(errors::invalidArgs, fmt::format("{} takes one string", *message.member));
    const MatchRule rule = parseMatchRule(*text);
    if (rule.eavesdrop)
        throw Error(errors::accessDenied, "guests may not listen to what is for others");
    const std::string canonical = rule.text();
    if (!registerCall(clientCalls_, client_, message, driverName))
        return;
    if (canonical == *text)
        return forward(bus_, bytes);
    wire::Rewrite rewrite;
    rewrite.firstString = canonical;
    forwardChanged(bus_, message, rewrite);
}

bool Session::mayOwn(std::string_view name) const {
    const auto matches = [name](std::string_view pattern) {
        return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1))
                                      : name == pattern;
    };
    std::string type;
    if (!uuid_.empty()) {
        const auto properties = relay_.properties_->known(uuid_);
        const auto found = properties.find(rules::typeProperty);
        if (found != properties.end() && std::holds_alternative<std::string>(found->second))
            type = std::get<std::string>(found->second);
    }
    for (const auto& [who, pattern] : relay_.options_.ownNames) {
        if ((who.empty() || who == type) && matches(pattern))
            return true;
    }
    return false;
}

} // namespace xb::proxy
