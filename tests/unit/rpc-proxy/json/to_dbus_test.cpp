// SPDX-License-Identifier: Apache-2.0
// Messages from browsers: what they say, and how wrong ones are answered.
#include "tests/unit/rpc-proxy/json/convert.hpp"

#include <cstddef>

namespace xb::proxy::json {
namespace {

TEST(JsonToDBus, TheBrowsersCall) {
    const std::string message = messageOf(
        R"({"id":2,"destination":"com.citrix.xenclient.xenmgr","method":"Set","path":"/host",)"
        R"("interface":"org.freedesktop.DBus.Properties","args":["com.citrix.xenclient.xenmgr.host","ui-ready",true]})",
        "ssv");
    wire::MessageView view;
    ASSERT_FALSE(wire::read(message, {}, view)) << message;
    EXPECT_EQ(view.type, wire::MessageType::methodCall);
    EXPECT_EQ(view.flags, 0);
    EXPECT_EQ(view.serial, 2U);
    EXPECT_EQ(view.destination, "com.citrix.xenclient.xenmgr");
    EXPECT_EQ(view.member, "Set");
    EXPECT_EQ(view.path, "/host");
    EXPECT_EQ(view.interface, "org.freedesktop.DBus.Properties");
    EXPECT_EQ(view.signature, "ssv");
    EXPECT_FALSE(view.sender);
}

TEST(JsonToDBus, OtherTypes) {
    wire::MessageView view;
    std::string message = messageOf(
        R"({"type":"signal","id":3,"method":"S","path":"/p","interface":"a.b","args":[],"x-unknown":{}})");
    ASSERT_FALSE(wire::read(message, {}, view)) << message;
    EXPECT_TRUE(view.type == wire::MessageType::signal && view.member == "S" && !view.destination);
    message = messageOf(R"({"type":"signal","id":3,"member":"S","path":"/p","interface":"a.b","args":[]})");
    ASSERT_FALSE(wire::read(message, {}, view)) << message;
    EXPECT_EQ(view.member, "S");
    for (const std::string serial : {"7", "\"7\""}) {
        message = messageOf(R"({"type":"response","id":4,"response-to":)" + serial + R"(,"args":["x"]})");
        ASSERT_FALSE(wire::read(message, {}, view)) << message;
        EXPECT_TRUE(view.type == wire::MessageType::methodReturn && view.replySerial == 7 &&
                    !view.wantsReply());
        message =
            messageOf(R"({"type":"error","id":4,"response-to":)" + serial + R"(,"name":"a.b","args":["x"]})");
        ASSERT_FALSE(wire::read(message, {}, view)) << message;
        EXPECT_TRUE(view.type == wire::MessageType::error && view.replySerial == 7 &&
                    view.errorName == "a.b");
    }
}

TEST(JsonToDBus, AWrongMessageSaysWhatIsWrong) {
    const auto call = [](std::string_view id, std::string_view rest) {
        return messageOf("{\"id\":" + std::string(id) + "," + std::string(rest) + "}");
    };
    constexpr std::string_view good =
        R"("destination":"a.b","method":"M","path":"/","interface":"a.b","args":[])";
    for (const std::string_view id : {"0", "-1", "4294967296", "1.5", "\"1\"", "null", "[1]", "1e30", "true"})
        EXPECT_EQ(call(id, good), "InvalidArgs (none): the id must be a number from 1 to 4294967295") << id;
    wire::MessageView view;
    for (const std::string_view id : {"1", "4294967295", "1.0", "1e3"}) {
        const std::string message = call(id, good);
        EXPECT_FALSE(wire::read(message, {}, view)) << id << message;
    }
    const std::pair<std::string_view, std::string_view> wrong[] = {
        {R"("method":"M","path":"/","interface":"a.b","args":[])", "the field destination is missing"},
        {R"("destination":"a.b","path":"/","interface":"a.b","args":[])", "the field method is missing"},
        {R"("destination":"a.b","method":"M","interface":"a.b","args":[])", "the field path is missing"},
        {R"("destination":"a.b","method":"M","path":"/","args":[])", "the field interface is missing"},
        {R"("destination":"a.b","method":"M","path":"/","interface":"a.b")",
         "the field args must be an array"},
        {R"("destination":"a.b","method":"M","path":"/","interface":"a.b","args":{})",
         "the field args must be an array"},
        {R"("destination":5,"method":"M","path":"/","interface":"a.b","args":[])",
         "the field destination is an integer, not a string"},
        {R"("destination":"a..b","method":"M","path":"/","interface":"a.b","args":[])",
         "the field destination is not valid"},
        {R"("destination":"","method":"M","path":"/","interface":"a.b","args":[])",
         "the field destination is not valid"},
        {R"("destination":"a.b","method":"M.N","path":"/","interface":"a.b","args":[])",
         "the field method is not valid"},
        {R"("destination":"a.b","method":"M","path":"x","interface":"a.b","args":[])",
         "the field path is not valid"},
        {R"("destination":"a.b","method":"M","path":"/org/freedesktop/DBus/Local","interface":"a.b","args":[])",
         "the field path is not valid"},
        {R"("destination":"a.b","method":"M","path":"/","interface":"ab","args":[])",
         "the field interface is not valid"},
        {R"("destination":"a.b","method":"M","member":"M","path":"/","interface":"a.b","args":[])",
         "there is both a method and a member"},
        {R"("type":"call","destination":"a.b","method":"M","path":"/","interface":"a.b","args":[])",
         "the field type is none of"},
        {R"("type":1,"destination":"a.b","method":"M","path":"/","interface":"a.b","args":[])",
         "the field type is an integer"},
        {R"("dbus-signature":"a","destination":"a.b","method":"M","path":"/","interface":"a.b","args":[])",
         "the field dbus-signature is not a signature"},
        {R"("type":"signal","path":"/","interface":"a.b","args":[])", "the field method is missing"},
        {R"("type":"response","args":[])", "the field response-to must be the id of a call"},
        {R"("type":"response","response-to":"07","args":[])", "the field response-to must be"},
        {R"("type":"response","response-to":0,"args":[])", "the field response-to must be"},
        {R"("type":"error","response-to":1,"args":[])", "the field name is missing"},
        {R"("type":"error","response-to":1,"name":"x","args":[])", "the field name is not valid"},
        {R"("destination":"a.b","method":"M","path":"/","interface":"a.b","args":[],"id":9)",
         "not JSON, an object has a key twice"},
        {R"("destination":"a.b" "method":"M")", "not JSON, "},
    };
    for (const auto& [rest, why] : wrong) {
        const std::string said = call("6", rest);
        EXPECT_TRUE(said.starts_with("InvalidArgs (6): ")) << said;
        EXPECT_NE(said.find(why), std::string::npos) << said;
    }
    EXPECT_EQ(messageOf("[]"), "InvalidArgs (none): a message is an object, not an array");
    EXPECT_TRUE(messageOf(std::string(maxTextBytes + 1, ' ')).starts_with("LimitsExceeded (none)"));
}

TEST(JsonToDBus, AnInterfaceThatIsEmptyIsNone) {
    wire::MessageView view;
    const std::string message =
        messageOf(R"({"id":2,"destination":"a.b","method":"M","path":"/","interface":"","args":[]})");
    ASSERT_FALSE(wire::read(message, {}, view)) << message;
    EXPECT_FALSE(view.interface);
    EXPECT_TRUE(messageOf(R"({"type":"signal","id":2,"method":"M","path":"/","interface":"","args":[]})")
                    .starts_with("InvalidArgs (2)"));
}

TEST(JsonToDBus, WhichSignatureCounts) {
    EXPECT_EQ(typed("[1]"), "u [1]");
    EXPECT_EQ(typed("[1]", "y"), "y [1]");
    wire::MessageView view;
    const std::string message = messageOf(callText("[1]", R"(,"dbus-signature":"x")"), "y");
    ASSERT_FALSE(wire::read(message, {}, view)) << message;
    EXPECT_EQ(view.signature, "x");

    const auto needs = [](std::string_view text) {
        return std::get<Inbound>(readMessage(text)).needsSignature();
    };
    EXPECT_TRUE(needs(callText("[1]")));
    EXPECT_FALSE(needs(callText("[]")));
    EXPECT_FALSE(needs(callText("[1]", R"(,"dbus-signature":"x")")));
    EXPECT_FALSE(needs(R"({"type":"signal","id":3,"method":"S","path":"/p","interface":"a.b","args":[1]})"));
}

TEST(JsonToDBus, MessagesAreBounded) {
    wire::Limits small;
    small.messageBytes = 4096;
    const auto size = [&](std::size_t bytes) -> std::string {
        const auto inbound = readMessage(callText("[\"" + std::string(bytes, 'x') + "\"]"));
        const auto message = toMessage(std::get<Inbound>(inbound), "s", small);
        return std::holds_alternative<std::string>(message) ? "ok" : std::get<Refusal>(message).errorName;
    };
    EXPECT_EQ(size(3000), "ok");
    EXPECT_EQ(size(4080), errors::limitsExceeded); // with the header
    EXPECT_EQ(size(5000), errors::limitsExceeded);
}

} // namespace
} // namespace xb::proxy::json
