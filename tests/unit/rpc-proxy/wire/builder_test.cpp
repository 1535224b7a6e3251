// SPDX-License-Identifier: Apache-2.0
// Messages that are made, and single things of messages that are changed.
#include "rpc-proxy/wire/builder.hpp"
#include "rpc-proxy/wire/rewrite.hpp"
#include "tests/unit/rpc-proxy/wire/random_message.hpp"
#include "tests/unit/rpc-proxy/wire/raw_message.hpp"

#include "rpc-proxy/wire/body_reader.hpp"
#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace xb::proxy::wire {
namespace {

MessageView viewOf(std::string_view message) {
    MessageView view;
    const auto flaw = read(message, {}, view);
    EXPECT_FALSE(flaw) << flaw->text();
    return view;
}

std::string make(const Header& header, std::string_view body = {}, const Limits& limits = {}) {
    std::string out = "before";
    const auto flaw = appendMessage(out, header, body, limits);
    EXPECT_EQ(out.substr(0, 6), "before");
    EXPECT_EQ(out.size() == 6, flaw.has_value());
    return flaw ? std::string(flaw->part) + ": " + std::string(describe(flaw->fault)) : out.substr(6);
}

TEST(WireBuilder, EveryField) {
    for (const Endian endian : {Endian::little, Endian::big}) {
        Header header = methodCall(0xa0b0c0d0, "/p", "i.f", "M");
        header.endian = endian;
        header.flags = noAutoStart;
        header.errorName = "e.n";
        header.destination = ":1.2";
        header.sender = "s.s";
        header.replySerial = 4;
        header.unixFds = 2;
        header.signature = "y";
        const std::string message = make(header, "x");
        const MessageView view = viewOf(message);
        EXPECT_EQ(static_cast<const Header&>(view), header);
        EXPECT_EQ(view.body, "x");
    }
}

TEST(WireBuilder, AnswersGoBack) {
    const std::string call = Raw(MessageType::methodCall, Endian::big)
                                 .with(Field::path, "/")
                                 .with(Field::member, "M")
                                 .with(Field::sender, ":1.9")
                                 .str();
    const MessageView view = viewOf(call);
    const std::string reply = make(methodReturn(3, view));
    EXPECT_EQ(viewOf(reply).type, MessageType::methodReturn);
    EXPECT_EQ(viewOf(reply).endian, Endian::big);
    EXPECT_EQ(viewOf(reply).replySerial, 7U);
    EXPECT_EQ(viewOf(reply).destination, ":1.9");
    const std::string error = errorMessage(4, view, "a.Error", "why");
    EXPECT_EQ(viewOf(error).errorName, "a.Error");
    EXPECT_EQ(viewOf(error).replySerial, 7U);
    EXPECT_EQ(viewOf(error).firstString(), "why");
    EXPECT_THROW(errorMessage(4, view, "bad", "why"), Error);
    EXPECT_THROW(errorMessage(4, view, "a.Error", "\xff"), Error);
    EXPECT_EQ(viewOf(make(signal(1, "/", "i.f", "S"))).type, MessageType::signal);
}

TEST(WireBuilder, RefusesWhatIsWrong) {
    EXPECT_EQ(make(methodCall(0, "/", "", "M")), "header: serial 0");
    EXPECT_EQ(make(methodCall(1, "x", "", "M")), "PATH: not an object path");
    EXPECT_EQ(make(methodCall(1, "/", "x", "M")), "INTERFACE: not a valid name");
    EXPECT_EQ(make(methodCall(1, "/", "", "a.M")), "MEMBER: not a valid name");
    EXPECT_EQ(make(signal(1, "/", "", "M")), "INTERFACE: the header field is missing");
    EXPECT_EQ(make(methodCall(1, "/", "", "M"), "x"), "body: there are bytes behind the end");
    Header header = methodCall(1, "/", "", "M");
    header.destination = "x y";
    EXPECT_EQ(make(header), "DESTINATION: not a valid name");
    header = methodCall(1, "/", "", "M");
    header.signature = "a";
    EXPECT_EQ(make(header), "SIGNATURE: not a signature");
    header.signature = "y";
    EXPECT_EQ(make(header, "x", Limits{32}), "body: the message is longer than allowed");
    header.type = static_cast<MessageType>(0);
    EXPECT_EQ(make(header, "x"), "header: message type 0");
    header = Header();
    header.type = MessageType::methodReturn;
    header.serial = 1;
    header.replySerial = 0;
    EXPECT_EQ(make(header), "REPLY_SERIAL: serial 0");
}

class WireRewrite : public testing::TestWithParam<Endian> {};
INSTANTIATE_TEST_SUITE_P(Order, WireRewrite, testing::Values(Endian::little, Endian::big),
                         [](const auto& order) { return order.param == Endian::little ? "Little" : "Big"; });

TEST_P(WireRewrite, SerialsInPlace) {
    std::string message = Raw(MessageType::methodReturn, GetParam())
                              .with(Field::sender, "a.b")
                              .with(Field::replySerial, 1)
                              .str();
    MessageView view = viewOf(message);
    setSerial(message, view, 0x01020304);
    setReplySerial(message, view, 0x05060708);
    EXPECT_EQ(view.serial, 0x01020304U);
    EXPECT_EQ(view.replySerial, 0x05060708U);
    EXPECT_EQ(static_cast<const Header&>(viewOf(message)), static_cast<const Header&>(view));
    std::string call = rawCall(GetParam()).str();
    MessageView other = viewOf(call);
    EXPECT_THROW(setReplySerial(call, other, 1), std::logic_error);
    EXPECT_THROW(setSerial(call, other, 0), std::logic_error);
    EXPECT_THROW(setSerial(message, other, 1), std::logic_error) << "another message's bytes";
}

// Every change on messages of every shape: what was not changed stays.
TEST_P(WireRewrite, OnlyWhatWasAsked) {
    RandomMessage random(1);
    const auto change = [&](std::string_view name) {
        switch (random.below(3)) {
        case 0:
            return NameChange::keep();
        case 1:
            return NameChange::remove();
        default:
            return NameChange::set(name);
        }
    };
    for (int i = 0; i < 3000; ++i) {
        const std::string message = random.message(GetParam());
        const MessageView view = viewOf(message);
        Rewrite rewrite;
        rewrite.destination = change("org.example.Destination");
        rewrite.sender = change(":1.123456");
        Header expected = static_cast<const Header&>(view); // all but where the parts are
        if (random.below(2) == 0)
            expected.serial = rewrite.serial.emplace(99);
        if (view.replySerial && random.below(2) == 0)
            expected.replySerial = rewrite.replySerial.emplace(98);
        if (!rewrite.destination.isKeep())
            expected.destination =
                rewrite.destination.isSet() ? std::optional(rewrite.destination.name()) : std::nullopt;
        if (!rewrite.sender.isKeep())
            expected.sender = rewrite.sender.isSet() ? std::optional(rewrite.sender.name()) : std::nullopt;
        std::string body(view.body);
        if (view.firstString() && random.below(2) == 0) {
            rewrite.firstString = "replaced";
            body = rewriteFirstString(view, "replaced");
        }
        const std::string changed = rewriteMessage(view, rewrite);
        const MessageView after = viewOf(changed);
        EXPECT_EQ(static_cast<const Header&>(after), expected);
        EXPECT_EQ(after.body, body);
        EXPECT_EQ(after.firstString(), rewrite.firstString ? "replaced" : view.firstString());
    }
}

TEST_P(WireRewrite, UnknownFieldsStay) {
    const std::string unknown("\x63\1y\0x", 5);
    const std::string message = Raw(MessageType::methodCall, GetParam())
                                    .withBytes(unknown)
                                    .with(Field::destination, "a.b")
                                    .with(Field::path, "/")
                                    .withBytes(unknown)
                                    .with(Field::member, "M")
                                    .str();
    Rewrite rewrite;
    rewrite.destination = NameChange::remove();
    const std::string changed = rewriteMessage(viewOf(message), rewrite);
    EXPECT_EQ(changed, Raw(MessageType::methodCall, GetParam())
                           .withBytes(unknown)
                           .with(Field::path, "/")
                           .withBytes(unknown)
                           .with(Field::member, "M")
                           .str());
}

// What the relay asks for most: the name in RequestName (su).
TEST_P(WireRewrite, FirstString) {
    BodyWriter body("su", {}, GetParam());
    body.string("old.name");
    body.uint32(4);
    const std::string message = callWith("su", body.take(), GetParam());
    Rewrite rewrite;
    rewrite.firstString = "a.much.longer.name";
    const std::string changed = rewriteMessage(viewOf(message), rewrite);
    BodyReader values(viewOf(changed));
    EXPECT_EQ(values.string(), "a.much.longer.name");
    EXPECT_EQ(values.uint32(), 4U);
    EXPECT_EQ(values.type(), '\0');
}

TEST(WireRewriteMistakes, AreTold) {
    const std::string message = rawCall().str();
    const MessageView view = viewOf(message);
    Rewrite rewrite;
    rewrite.replySerial = 1;
    EXPECT_THROW(rewriteMessage(view, rewrite), std::logic_error);
    rewrite = Rewrite();
    rewrite.destination = NameChange::set("not a name");
    EXPECT_THROW(rewriteMessage(view, rewrite), std::logic_error);
    rewrite = Rewrite();
    rewrite.firstString = "x";
    EXPECT_THROW(rewriteMessage(view, rewrite), std::logic_error);
    EXPECT_THROW(rewriteHeader(view, {}, maxMessageBytes), Error);
}

} // namespace
} // namespace xb::proxy::wire
