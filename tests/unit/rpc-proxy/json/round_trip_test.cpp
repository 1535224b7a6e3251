// SPDX-License-Identifier: Apache-2.0
// Random messages of every type: D-Bus to JSON to D-Bus is the same message wherever JSON says as much. What
// it does not say are descriptors and the types in variants; those come back with the same text.
#include "tests/unit/rpc-proxy/json/convert.hpp"
#include "tests/unit/rpc-proxy/wire/random_message.hpp"

#include "rpc-proxy/wire/copy_values.hpp"

namespace xb::proxy::json {
namespace {

using wire::MessageView;

// As a client would send it: with a destination, and the types.
std::string withTypes(std::string text, const MessageView& message) {
    text.pop_back();
    text += R"(,"dbus-signature":")" + std::string(message.signature) + '"';
    return text + '}';
}

std::string inOwnOrder(const MessageView& message) {
    wire::BodyReader from(message);
    wire::BodyWriter to(message.signature);
    wire::copyValues(from, to);
    return to.take();
}

// Two entries of a dict with the same key are fine on D-Bus and none in JSON.
bool isRefusedTwice(const std::string& said) {
    return said.find("an object has a key twice") != std::string::npos;
}

void check(const std::string& message, int& same) {
    MessageView view;
    ASSERT_FALSE(wire::read(message, {}, view));
    if (view.type == wire::MessageType::methodCall && !view.destination)
        return; // nothing that a client may send
    if (view.signature.find('h') != std::string_view::npos || view.type == wire::MessageType::error)
        return;
    const std::string text = jsonOf(message);
    const std::string back = messageOf(withTypes(text, view));
    if (isRefusedTwice(back))
        return;
    MessageView again;
    ASSERT_FALSE(wire::read(back, {}, again)) << text << "\n" << back;
    EXPECT_EQ(again.type, view.type);
    EXPECT_EQ(again.serial, view.serial);
    EXPECT_EQ(again.path, view.path);
    EXPECT_EQ(again.interface, view.interface);
    EXPECT_EQ(again.member, view.member);
    EXPECT_EQ(again.replySerial, view.replySerial);
    EXPECT_EQ(again.signature, view.signature);
    EXPECT_EQ(jsonOf(back), text);
    if (view.signature.find('v') == std::string_view::npos) {
        EXPECT_EQ(again.body, inOwnOrder(view)) << text;
        ++same;
    }
}

TEST(JsonRoundTrip, RandomMessages) {
    int same = 0;
    wire::RandomMessage random(1);
    for (int i = 0; i < 20000 && !HasFailure(); ++i)
        check(random.message(i % 2 == 0 ? wire::Endian::little : wire::Endian::big), same);
    EXPECT_GT(same, 2000); // the test tests something
}

// Every text is answered, whatever is wrong with it.
TEST(JsonRoundTrip, MutatedTexts) {
    wire::RandomMessage random(2);
    int taken = 0;
    for (int i = 0; i < 20000 && !HasFailure(); ++i) {
        const std::string message = random.message(wire::ownEndian);
        MessageView view;
        ASSERT_FALSE(wire::read(message, {}, view));
        const std::string back = messageOf(wire::mutated(withTypes(jsonOf(message), view), random));
        const bool good = !wire::read(back, {}, view);
        EXPECT_TRUE(good || back.starts_with("InvalidArgs (") || back.starts_with("LimitsExceeded ("))
            << back;
        taken += good ? 1 : 0;
    }
    EXPECT_GT(taken, 100);
}

// No beginning of a text is the text.
TEST(JsonRoundTrip, EveryTruncation) {
    constexpr std::size_t known = std::string_view(R"({"id":2,"destination")").size();
    const std::string text = callText(R"([1,-2.5e3,"\ud83d\ude00x",[true,null],{"k":{"l":[]}}])");
    for (std::size_t size = 0; size < text.size(); ++size) {
        const std::string said = messageOf(std::string_view(text).substr(0, size));
        EXPECT_TRUE(said.starts_with("InvalidArgs (")) << said;
        // The id is known as soon as something follows it.
        EXPECT_EQ(said.starts_with("InvalidArgs (2)"), size >= known) << text.substr(0, size) << said;
    }
}

} // namespace
} // namespace xb::proxy::json
