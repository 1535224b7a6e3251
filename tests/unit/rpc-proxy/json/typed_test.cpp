// SPDX-License-Identifier: Apache-2.0
// Messages as JSON of which another proxy makes the same message again.
#include "convert.hpp"

namespace xb::proxy::json {
namespace {

std::string messageWith(wire::Header header, std::string_view signature,
                        const std::function<void(wire::BodyWriter&)>& write) {
    header.signature = signature;
    wire::BodyWriter body(signature);
    write(body);
    std::string message;
    EXPECT_EQ(wire::appendMessage(message, header, body.take()), std::nullopt);
    return message;
}

std::string typedText(std::string_view message) {
    wire::MessageView view;
    EXPECT_FALSE(wire::read(message, {}, view));
    std::string out;
    return appendTypedMessage(out, view) ? out : "none";
}

TEST(JsonTyped, TypesSurvive) {
    wire::Header header = wire::methodCall(5, "/a", "a.b", "M");
    header.destination = "c.d";
    const std::string message = messageWith(header, "yaxd", [](wire::BodyWriter& body) {
        body.byte(7);
        body.enter();
        body.int64(std::int64_t{1} << 60);
        body.leave();
        body.float64(2);
    });
    const std::string text = typedText(message);
    EXPECT_EQ(text,
              R"({"id":5,"type":"request","method":"M","destination":"c.d","path":"/a","interface":"a.b",)"
              R"("dbus-signature":"yaxd","args":[7,["1152921504606846976"],2]})");
    EXPECT_EQ(messageOf(text), message);
}

TEST(JsonTyped, ErrorsKeepTheirArguments) {
    wire::Header header = wire::errorReply(6, wire::methodCall(5, "/", "a.b", "M"), "a.b.E");
    const std::string message = messageWith(header, "u", [](wire::BodyWriter& body) { body.uint32(7); });
    EXPECT_EQ(typedText(message),
              R"({"id":6,"type":"error","response-to":"5","name":"a.b.E","dbus-signature":"u","args":[7]})");
    EXPECT_NE(jsonOf(message).find(R"("args":["a.b.E",7])"), std::string::npos) << "as browsers want it";
}

TEST(JsonTyped, WithoutArgumentsThereIsNoSignature) {
    const std::string message =
        messageWith(wire::signal(5, "/", "a.b", "S"), "", [](const wire::BodyWriter&) {});
    EXPECT_EQ(typedText(message),
              R"({"id":5,"type":"signal","interface":"a.b","member":"S","path":"/","args":[]})");
}

} // namespace
} // namespace xb::proxy::json
