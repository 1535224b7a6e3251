// SPDX-License-Identifier: Apache-2.0
// Short ways from a text to a message and back.
#pragma once

#include "rpc-proxy/json/from_dbus.hpp"
#include "rpc-proxy/json/to_dbus.hpp"
#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace xb::proxy::json {

/// The text of a D-Bus message.
inline std::string jsonOf(std::string_view message) {
    wire::MessageView view;
    if (const auto flaw = wire::read(message, {}, view))
        return "flaw: " + flaw->text();
    std::string out;
    return appendMessage(out, view) ? out : "none";
}

/// The args of a signal with these values.
inline std::string argsOf(std::string_view signature, const std::function<void(wire::BodyWriter&)>& write) {
    wire::Header header = wire::signal(1, "/", "a.b", "S");
    header.signature = signature;
    wire::BodyWriter body(signature);
    write(body);
    std::string message;
    if (const auto flaw = wire::appendMessage(message, header, body.take()))
        return "flaw: " + flaw->text();
    const std::string text = jsonOf(message);
    const std::string_view before =
        R"({"id":1,"type":"signal","interface":"a.b","member":"S","path":"/","args":)";
    EXPECT_TRUE(text.starts_with(before) && text.ends_with("}")) << text;
    return text.substr(before.size(), text.size() - before.size() - 1);
}

/// A call with these args; `more` are further members.
inline std::string callText(std::string_view args, std::string_view more = "") {
    return R"({"id":2,"destination":"a.b","method":"M","path":"/","interface":"a.b","args":)" +
           std::string(args) + std::string(more) + "}";
}

/// The message of a text, or "ERROR NAME (ID): text".
inline std::string messageOf(std::string_view text, std::optional<std::string_view> known = std::nullopt) {
    const auto refused = [](const Refusal& refusal) {
        EXPECT_EQ(refusal.text.find(':'), std::string::npos) << refusal.text;
        return refusal.errorName.substr(refusal.errorName.rfind('.') + 1) + " (" +
               (refusal.id ? std::to_string(*refusal.id) : "none") + "): " + refusal.text;
    };
    const std::string exact(text); // AddressSanitizer sees a read behind it
    const auto inbound = readMessage(exact);
    if (const auto* refusal = std::get_if<Refusal>(&inbound))
        return refused(*refusal);
    const auto message = toMessage(std::get<Inbound>(inbound), known);
    if (const auto* refusal = std::get_if<Refusal>(&message))
        return refused(*refusal);
    return std::get<std::string>(message);
}

/// There and back: "SIGNATURE [args]" of a call with these args, or what messageOf() says is wrong.
inline std::string typed(std::string_view args, std::optional<std::string_view> known = std::nullopt) {
    std::string message = messageOf(callText(args), known);
    wire::MessageView view;
    if (wire::read(message, {}, view))
        return message;
    const std::string text = jsonOf(message);
    const std::size_t at = text.find(R"("args":)") + 7;
    return std::string(view.signature) + " " + text.substr(at, text.size() - at - 1);
}

} // namespace xb::proxy::json
