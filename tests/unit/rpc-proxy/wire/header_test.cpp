// SPDX-License-Identifier: Apache-2.0
// Messages whose header is right or wrong.
#include "tests/unit/rpc-proxy/wire/raw_message.hpp"

#include "rpc-proxy/wire/names.hpp"

#include <gtest/gtest.h>

namespace xb::proxy::wire {
namespace {

using namespace std::string_literals;

class WireHeader : public testing::TestWithParam<Endian> {};
INSTANTIATE_TEST_SUITE_P(Order, WireHeader, testing::Values(Endian::little, Endian::big),
                         [](const auto& order) { return order.param == Endian::little ? "Little" : "Big"; });

TEST_P(WireHeader, SaysWhatIsThere) {
    Raw raw(MessageType::error, GetParam());
    raw.flags = noReplyExpected | 0x80; // unknown flags are ignored
    raw.with(Field::sender, ":1.5").with(Field::errorName, "a.E").with(Field::replySerial, 0x01020304);
    raw.with(Field::unixFds, 2).with(Field::destination, "a.b").with(Field::signature, "y");
    raw.body = "x";
    const std::string message = raw.str();
    MessageView view;
    ASSERT_FALSE(read(message, {}, view));
    EXPECT_EQ(view.type, MessageType::error);
    EXPECT_EQ(view.endian, GetParam());
    EXPECT_EQ(view.flags, noReplyExpected | 0x80);
    EXPECT_EQ(view.serial, 7U);
    EXPECT_EQ(view.sender, ":1.5");
    EXPECT_EQ(view.errorName, "a.E");
    EXPECT_EQ(view.replySerial, 0x01020304U);
    EXPECT_EQ(view.unixFds, 2U);
    EXPECT_EQ(view.destination, "a.b");
    EXPECT_EQ(view.signature, "y");
    EXPECT_EQ(view.body, "x");
    EXPECT_EQ(view.bytes, message);
    EXPECT_FALSE(view.path || view.interface || view.member);
    EXPECT_TRUE(view.isReply() && view.isKnownType() && !view.wantsReply());
}

TEST_P(WireHeader, FirstString) {
    MessageView view;
    std::string body = str("name") + std::string(3, '\0') + u32(4);
    if (GetParam() == Endian::big) {
        store(body.data(), std::uint32_t{4}, Endian::big);
        store(body.data() + 12, std::uint32_t{4}, Endian::big);
    }
    const std::string message = callWith("su", body, GetParam());
    ASSERT_FALSE(read(message, {}, view));
    EXPECT_EQ(view.firstString(), "name");
    const std::string none = rawCall(GetParam()).str();
    ASSERT_FALSE(read(none, {}, view));
    EXPECT_FALSE(view.firstString());
    EXPECT_TRUE(view.wantsReply());
}

// Every prefix of a message, and the message with something behind it.
TEST_P(WireHeader, Truncated) {
    const std::string message =
        rawCall(GetParam()).with(Field::interface, "a.b").withBody("ay", std::string(4, '\0')).str();
    EXPECT_EQ(verdict(message), "ok");
    for (std::size_t size = 0; size < message.size(); ++size)
        EXPECT_EQ(verdict(message.substr(0, size)),
                  "header at byte " + std::to_string(size) + ": the message ends too early");
    EXPECT_NE(verdict(message + "x").find("bytes behind the end"), std::string::npos);
}

TEST(WireHeaderFlaws, Prologue) {
    Raw raw = rawCall();
    raw.version = 0;
    EXPECT_EQ(verdict(raw.str()), "header at byte 3: the protocol version is not 1");
    raw.version = 2;
    EXPECT_EQ(verdict(raw.str()), "header at byte 3: the protocol version is not 1");
    raw = rawCall();
    raw.type = 0;
    EXPECT_EQ(verdict(raw.str()), "header at byte 1: message type 0");
    raw = rawCall();
    raw.serial = 0;
    EXPECT_EQ(verdict(raw.str()), "header at byte 8: serial 0");
    std::string message = rawCall().str();
    message[0] = 'b';
    EXPECT_EQ(verdict(message), "header at byte 0: the byte order is neither 'l' nor 'B'");
}

TEST(WireHeaderFlaws, UnknownTypesPass) {
    for (const int type : {5, 128, 255}) {
        const std::string message = Raw(static_cast<MessageType>(type)).str();
        MessageView view;
        ASSERT_FALSE(read(message, {}, view)) << type;
        EXPECT_FALSE(view.isKnownType());
    }
}

TEST(WireHeaderFlaws, Lengths) {
    std::string message = rawCall().str();
    store(message.data() + fieldsLengthAt, maxArrayBytes + 1, Endian::little);
    EXPECT_EQ(verdict(message), "header at byte 12: an array is longer than 64 MiB");
    message = rawCall().str();
    for (const std::uint32_t size : {maxMessageBytes, std::uint32_t{0xffffffff}}) {
        store(message.data() + bodyLengthAt, size, Endian::little);
        EXPECT_EQ(verdict(message), "header at byte 4: the message is longer than allowed");
    }
    message = rawCall().str();
    EXPECT_EQ(verdict(message, {static_cast<std::uint32_t>(message.size())}), "ok");
    EXPECT_EQ(verdict(message, {static_cast<std::uint32_t>(message.size() - 1)}),
              "header at byte 4: the message is longer than allowed");
}

TEST(WireHeaderFlaws, MissingFields) {
    const auto missing = [](MessageType type, std::vector<Field> fields) {
        std::vector<std::string> results;
        for (const Field left : fields) {
            Raw raw(type);
            for (const Field field : fields)
                if (field == left)
                    continue;
                else if (field == Field::replySerial)
                    raw.with(field, 1);
                else
                    raw.with(field, field == Field::path ? "/a" : field == Field::member ? "M" : "a.b");
            EXPECT_EQ(verdict(raw.str()), std::string(nameOf(left)) + " at byte " +
                                              std::to_string(raw.fields.size()) +
                                              ": the header field is missing");
        }
    };
    missing(MessageType::methodCall, {Field::path, Field::member});
    missing(MessageType::signal, {Field::path, Field::interface, Field::member});
    missing(MessageType::methodReturn, {Field::replySerial});
    missing(MessageType::error, {Field::errorName, Field::replySerial});
}

TEST(WireHeaderFlaws, Fields) {
    for (std::uint8_t code = 1; code <= lastField; ++code) {
        const auto field = static_cast<Field>(code);
        SCOPED_TRACE(nameOf(field));
        // A type of 255 requires nothing, so that only this field is wrong.
        Raw twice(static_cast<MessageType>(255));
        for (int i = 0; i < 2; ++i)
            if (typeOf(field) == 'u')
                twice.with(field, 1);
            else
                twice.with(field, field == Field::path        ? "/a"
                                  : field == Field::member    ? "M"
                                  : field == Field::signature ? ""
                                                              : "a.b");
        EXPECT_NE(verdict(twice.str()).find("appears twice"), std::string::npos) << verdict(twice.str());
        // Another type: a byte.
        const std::string other = {static_cast<char>(code), '\1', 'y', '\0', '\1'};
        EXPECT_EQ(verdict(Raw(static_cast<MessageType>(255)).withBytes(other).str()),
                  std::string(nameOf(field)) + " at byte 17: the header field has the wrong type");
        // A good value for none, as text that is empty except for signatures.
        if (typeOf(field) == 'u' || field == Field::signature)
            continue;
        EXPECT_NE(verdict(Raw(static_cast<MessageType>(255)).with(field, "").str()), "ok");
        EXPECT_NE(verdict(Raw(static_cast<MessageType>(255)).with(field, "\xff").str()), "ok");
    }
    EXPECT_EQ(verdict(Raw(static_cast<MessageType>(255)).with(Field::replySerial, 0).str()),
              "REPLY_SERIAL at byte 20: serial 0");
    EXPECT_EQ(verdict(rawCall().with(Field::interface, localInterface).str()),
              "INTERFACE at byte 56: org.freedesktop.DBus.Local is reserved");
    EXPECT_EQ(verdict(Raw().with(Field::path, localPath).with(Field::member, "M").str()),
              "PATH at byte 24: org.freedesktop.DBus.Local is reserved");
    EXPECT_EQ(verdict(rawCall().with(Field::signature, "a").str()), "SIGNATURE at byte 53: not a signature");
    EXPECT_EQ(verdict(rawCall().with(Field::destination, "nodot").str()),
              "DESTINATION at byte 56: not a valid name");
}

TEST(WireHeaderFlaws, FieldBytes) {
    const Raw free(static_cast<MessageType>(255));
    const auto with = [&](std::string_view bytes) { return verdict(Raw(free).withBytes(bytes).str()); };
    EXPECT_EQ(with("\0\1y\0x"s), "header at byte 16: header field 0");
    EXPECT_EQ(with("\3"s), "MEMBER at byte 17: the message ends too early");
    EXPECT_EQ(with("\3\1s\0\1\0\0"s), "MEMBER at byte 23: the message ends too early");
    EXPECT_EQ(with("\3\1s\0\1\0\0\0M"s), "MEMBER at byte 20: a length reaches behind the end");
    EXPECT_EQ(with("\3\1s\0\xff\xff\xff\xffM\0"s), "MEMBER at byte 20: a length reaches behind the end");
    EXPECT_EQ(with("\3\1s\0\1\0\0\0Mx"s), "MEMBER at byte 25: a string does not end in NUL");
    EXPECT_EQ(with("\3\1s\0\1\0\0\0M\0"s), "ok");
    EXPECT_EQ(with("\3\1s\0\1\0\0\0M\0\0\0"s), "header at byte 28: the message ends too early")
        << "padding belongs to a field that follows";
    EXPECT_EQ(with("\3\1s\0\1\0\0\0M\0\0x\0\0\0\0\5\1u\0\1\0\0\0"s),
              "header at byte 27: padding is not zero");
    EXPECT_EQ(with("\10\1g\0\377i\0"s), "SIGNATURE at byte 20: a length reaches behind the end");
    EXPECT_EQ(with("\5\1u\0\1\0\0"s), "REPLY_SERIAL at byte 23: the message ends too early");
    std::string message = Raw(free).withBytes("\3\1s\0\1\0\0\0M\0"s).str();
    message.back() = 'x';
    EXPECT_EQ(verdict(message), "header at byte 31: padding is not zero");
}

TEST(WireHeaderFlaws, UnknownFieldsAreChecked) {
    const Raw free(static_cast<MessageType>(255));
    const auto with = [&](std::string_view bytes) { return verdict(Raw(free).withBytes(bytes).str()); };
    EXPECT_EQ(with("\377\1y\0x"s), "ok");
    EXPECT_EQ(with("\12\2ay\0x\0\0\1\0\0\0x"s), "unknown header field at byte 21: padding is not zero");
    EXPECT_EQ(with("\12\2ay\0\0\0\0\0\0\0\0"s), "ok");
    EXPECT_EQ(with("\12\2yy\0xx"s),
              "unknown header field at byte 17: the signature of a variant is not one complete type");
    EXPECT_EQ(with("\12\0\0"s),
              "unknown header field at byte 17: the signature of a variant is not one complete type");
    EXPECT_EQ(with("\12\1b\0\2\0\0\0"s), "unknown header field at byte 20: a boolean is neither 0 nor 1");
    EXPECT_EQ(with("\12"s), "unknown header field at byte 17: the message ends too early");
    EXPECT_EQ(verdict(Raw(free).withBytes("\13\1y\0x"s).withBytes("\13\1y\0x"s).str()), "ok")
        << "nobody knows that it is one";
}

} // namespace
} // namespace xb::proxy::wire
