// SPDX-License-Identifier: Apache-2.0
// Hostile: a browser's JSON for rpc-proxy, and a D-Bus message on its way to one. A text is refused with a
// reason that no browser takes for a code, or it is a valid message, and so is what its JSON says again. What
// a D-Bus message becomes is JSON.
#include "rpc-proxy/json/from_dbus.hpp"
#include "rpc-proxy/json/to_dbus.hpp"
#include "rpc-proxy/wire/message_view.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"

namespace xb::fuzz {

namespace {

using namespace xb::proxy;

void checkRefusal(const json::Refusal& refusal) {
    expect(!refusal.text.empty() && refusal.text.find(':') == std::string::npos, "a reason without a code");
    expect(refusal.errorName == errors::invalidArgs || refusal.errorName == errors::limitsExceeded,
           "one of two errors");
    expect(!refusal.id || *refusal.id != 0, "an id is none or usable");
}

std::string jsonOf(const std::string& message) {
    wire::MessageView view;
    const auto flaw = wire::read(message, {}, view);
    expect(!flaw, "what is made is valid");
    std::string text;
    expect(json::appendMessage(text, view), "every message that a client can send has a text");
    return text;
}

std::string messageOf(const json::Inbound& inbound, std::string_view known, bool isKnown) {
    const auto message = json::toMessage(inbound, isKnown ? std::optional(known) : std::nullopt);
    if (const auto* refusal = std::get_if<json::Refusal>(&message)) {
        checkRefusal(*refusal);
        expect(refusal->id == inbound.header.serial, "the refusal is of that message");
        return "";
    }
    return std::get<std::string>(message);
}

void checkText(std::string_view input) {
    const auto inbound = json::readMessage(input);
    if (const auto* refusal = std::get_if<json::Refusal>(&inbound))
        return checkRefusal(*refusal);
    const auto& message = std::get<json::Inbound>(inbound);
    for (const std::string_view known : {"", "s", "ssv", "a{sv}", "ay", "(xd)", "a{tab}"})
        messageOf(message, known, true);
    const std::string first = messageOf(message, "", false);
    if (first.empty())
        return;
    const std::string text = jsonOf(first);
    json::Limits limits;
    limits.textBytes = text.size();
    const auto again = json::readMessage(text, limits);
    // An object with the keys 1 and 1.0 has one key twice once they are numbers.
    if (std::holds_alternative<json::Inbound>(again)) {
        const std::string second = messageOf(std::get<json::Inbound>(again), "", false);
        expect(second.empty() || jsonOf(second) == text, "the second time nothing changes");
    }
}

void checkMessage(std::string_view input) {
    wire::MessageView view;
    std::string text;
    if (wire::read(input, {}, view) || !json::appendMessage(text, view))
        return;
    json::Limits limits;
    limits.textBytes = text.size();
    limits.depth = json::maxDepth + 1; // a message may have an array of numbers as its 65th container
    json::Values values;
    const auto flaw = values.read(text, limits);
    expect(!flaw || *flaw == "an object has a key twice", "a message becomes JSON: " + flaw.value_or(""));
    const auto inbound = json::readMessage(text, limits);
    if (const auto* refusal = std::get_if<json::Refusal>(&inbound))
        checkRefusal(*refusal);
    else
        messageOf(std::get<json::Inbound>(inbound), view.signature, true);
}

void run(std::string_view input) {
    checkText(input);
    checkMessage(input);
}

const Target target("proxy_json", run);

} // namespace

} // namespace xb::fuzz
