// SPDX-License-Identifier: Apache-2.0
// What browsers get to see, to the letter.
#include "tests/unit/rpc-proxy/json/convert.hpp"

#include <cmath>
#include <limits>

namespace xb::proxy::json {
namespace {

using wire::BodyWriter;

std::string made(wire::Header header, std::string_view signature,
                 const std::function<void(BodyWriter&)>& write, wire::Endian endian = wire::ownEndian) {
    header.signature = signature;
    header.endian = endian;
    BodyWriter body(signature, {}, endian);
    write(body);
    std::string message;
    EXPECT_FALSE(wire::appendMessage(message, header, body.take()));
    return message;
}

wire::Header reply(wire::MessageType type) {
    wire::Header header;
    header.type = type;
    header.serial = 77;
    header.replySerial = 5;
    header.sender = "com.citrix.xenclient.xenmgr";
    header.destination = ":1.42";
    return header;
}

TEST(JsonFromDBus, ReplyInBothByteOrders) {
    for (const auto endian : {wire::Endian::little, wire::Endian::big})
        EXPECT_EQ(jsonOf(made(
                      reply(wire::MessageType::methodReturn), "sib",
                      [](BodyWriter& to) {
                          to.string("s");
                          to.int32(1);
                          to.boolean(true);
                      },
                      endian)),
                  R"({"id":77,"type":"response","response-to":"5","args":["s",1,true]})");
}

TEST(JsonFromDBus, Error) {
    wire::Header header = reply(wire::MessageType::error);
    header.errorName = "org.freedesktop.DBus.Error.Failed";
    const std::string begin =
        R"({"id":77,"type":"error","response-to":"5","name":"org.freedesktop.DBus.Error.Failed","args":[)";
    EXPECT_EQ(jsonOf(made(header, "s", [](BodyWriter& to) { to.string("101:no memory"); })),
              begin + R"("101:no memory"]})");
    // Browsers split the first: it is always a string.
    EXPECT_EQ(jsonOf(made(header, "", [](BodyWriter&) {})),
              begin + R"("org.freedesktop.DBus.Error.Failed"]})");
    EXPECT_EQ(jsonOf(made(header, "u", [](BodyWriter& to) { to.uint32(7); })),
              begin + R"("org.freedesktop.DBus.Error.Failed",7]})");
}

TEST(JsonFromDBus, Signal) {
    wire::Header header = wire::signal(77, "/", "com.citrix.xenclient.xenmgr", "vm_state_changed");
    header.sender = ":1.3";
    EXPECT_EQ(
        jsonOf(made(header, "soi",
                    [](BodyWriter& to) {
                        to.string("u");
                        to.objectPath("/vm/u");
                        to.int32(3);
                    })),
        R"({"id":77,"type":"signal","interface":"com.citrix.xenclient.xenmgr","member":"vm_state_changed",)"
        R"("path":"/","args":["u","/vm/u",3]})");
}

TEST(JsonFromDBus, Request) {
    wire::Header header = wire::methodCall(77, "/a", "a.b", "Do");
    header.destination = ":1.4";
    header.sender = ":1.3";
    EXPECT_EQ(
        jsonOf(made(header, "", [](BodyWriter&) {})),
        R"({"id":77,"type":"request","method":"Do","destination":":1.4","path":"/a","interface":"a.b","args":[]})");
    EXPECT_EQ(
        jsonOf(made(wire::methodCall(4294967295, "/a", "", "Do"), "", [](BodyWriter&) {})),
        R"({"id":4294967295,"type":"request","method":"Do","destination":"","path":"/a","interface":"",)"
        R"("args":[]})");
}

TEST(JsonFromDBus, TypesWithoutAName) {
    wire::Header header = wire::signal(1, "/", "a.b", "S");
    header.type = static_cast<wire::MessageType>(5);
    EXPECT_EQ(jsonOf(made(header, "", [](BodyWriter&) {})), "none");
}

TEST(JsonFromDBus, OwnError) {
    std::string out = "before ";
    appendError(out, 9, 3, errors::accessDenied, "no \"entry\"");
    EXPECT_EQ(
        out,
        R"(before {"id":9,"type":"error","response-to":"3","name":"org.freedesktop.DBus.Error.AccessDenied",)"
        R"("args":["no \"entry\""]})");
}

TEST(JsonFromDBus, IntegersAsExactAsBrowsersAre) {
    EXPECT_EQ(argsOf("yynqiu",
                     [](BodyWriter& to) {
                         to.byte(0);
                         to.byte(255);
                         to.int16(-32768);
                         to.uint16(65535);
                         to.int32(std::numeric_limits<std::int32_t>::min());
                         to.uint32(4294967295);
                     }),
              "[0,255,-32768,65535,-2147483648,4294967295]");
    EXPECT_EQ(argsOf("xxxxxx",
                     [](BodyWriter& to) {
                         to.int64(9007199254740991);
                         to.int64(9007199254740992);
                         to.int64(-9007199254740991);
                         to.int64(-9007199254740992);
                         to.int64(std::numeric_limits<std::int64_t>::min());
                         to.int64(std::numeric_limits<std::int64_t>::max());
                     }),
              R"([9007199254740991,"9007199254740992",-9007199254740991,"-9007199254740992",)"
              R"("-9223372036854775808","9223372036854775807"])");
    EXPECT_EQ(argsOf("ttt",
                     [](BodyWriter& to) {
                         to.uint64(9007199254740991);
                         to.uint64(9007199254740992);
                         to.uint64(std::numeric_limits<std::uint64_t>::max());
                     }),
              R"([9007199254740991,"9007199254740992","18446744073709551615"])");
}

TEST(JsonFromDBus, Doubles) {
    EXPECT_EQ(argsOf("ddddddddd",
                     [](BodyWriter& to) {
                         to.float64(0.1);
                         to.float64(5);
                         to.float64(-0.0);
                         to.float64(1e300);
                         to.float64(5e-324);
                         to.float64(std::numeric_limits<double>::max());
                         to.float64(std::nan(""));
                         to.float64(HUGE_VAL);
                         to.float64(-HUGE_VAL);
                     }),
              R"([0.1,5,-0,1e+300,5e-324,1.7976931348623157e+308,"NaN","Infinity","-Infinity"])");
}

TEST(JsonFromDBus, TextsRawButForWhatMustBeEscaped) {
    const auto text = [](std::string_view value) {
        return argsOf("s", [&](BodyWriter& to) { to.string(value); });
    };
    EXPECT_EQ(text(""), R"([""])");
    EXPECT_EQ(text("\"\\/\b\f\n\r\t\x01\x1f\x7f"), "[\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"]");
    EXPECT_EQ(text("\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80"), "[\"\xc3\xa4\xe2\x80\xa8\xf0\x9f\x98\x80\"]");
    // At every place of a word of eight bytes, and behind it.
    for (std::size_t at = 0; at <= 20; ++at)
        for (const char c : {'\x1f', '"', '\\'}) {
            std::string value(20, 'x');
            std::string wanted = "[\"" + value + "\"]";
            value.insert(at, 1, c);
            wanted.insert(at + 2, c == '"' ? "\\\"" : c == '\\' ? "\\\\" : "\\u001f");
            EXPECT_EQ(text(value), wanted);
        }
}

TEST(JsonFromDBus, Containers) {
    EXPECT_EQ(argsOf("ayayasa(yb)vg",
                     [](BodyWriter& to) {
                         to.byteArray("");
                         to.byteArray(std::string_view("\x00\xff", 2));
                         to.enter();
                         to.leave();
                         to.enter();
                         to.enter();
                         to.byte(1);
                         to.boolean(false);
                         to.leave();
                         to.enter();
                         to.byte(2);
                         to.boolean(true);
                         to.leave();
                         to.leave();
                         to.enterVariant("v");
                         to.enterVariant("as");
                         to.enter();
                         to.string("x");
                         to.string("y");
                         to.leave();
                         to.leave();
                         to.leave();
                         to.signature("a{sv}");
                     }),
              R"([[],[0,255],[],[[1,false],[2,true]],["x","y"],"a{sv}"])");
}

TEST(JsonFromDBus, DictsWithAnyKeys) {
    EXPECT_EQ(
        argsOf("a{sv}a{xu}a{bs}a{dy}a{oh}a{ta{s(ii)}}",
               [](BodyWriter& to) {
                   to.enter();
                   to.enter();
                   to.string("k\n");
                   to.enterVariant("a{sv}");
                   to.enter();
                   to.leave();
                   to.leave();
                   to.leave();
                   to.enter();
                   to.string("l");
                   to.enterVariant("i");
                   to.int32(-1);
                   to.leave();
                   to.leave();
                   to.leave();
                   to.enter();
                   to.enter();
                   to.int64(-5);
                   to.uint32(1);
                   to.leave();
                   to.enter();
                   to.int64(std::numeric_limits<std::int64_t>::min());
                   to.uint32(2);
                   to.leave();
                   to.leave();
                   to.enter();
                   to.enter();
                   to.boolean(true);
                   to.string("t");
                   to.leave();
                   to.leave();
                   to.enter();
                   to.enter();
                   to.float64(0.5);
                   to.byte(1);
                   to.leave();
                   to.enter();
                   to.float64(std::nan(""));
                   to.byte(2);
                   to.leave();
                   to.leave();
                   to.enter();
                   to.enter();
                   to.objectPath("/a");
                   to.unixFd(0);
                   to.leave();
                   to.leave();
                   to.enter();
                   to.enter();
                   to.uint64(7);
                   to.enter();
                   to.enter();
                   to.string("in");
                   to.enter();
                   to.int32(1);
                   to.int32(2);
                   to.leave();
                   to.leave();
                   to.leave();
                   to.leave();
                   to.leave();
               }),
        R"([{"k\n":{},"l":-1},{"-5":1,"-9223372036854775808":2},{"true":"t"},{"0.5":1,"NaN":2},{"/a":0},)"
        R"({"7":{"in":[1,2]}}])");
}

TEST(JsonFromDBus, AsDeepAsDBusAllows) {
    const std::string text = argsOf("v", [](BodyWriter& to) {
        for (int i = 0; i < 16; ++i) {
            to.enterVariant("aav");
            to.enter();
            to.enter();
        }
        for (int i = 0; i < 16; ++i) {
            to.leave();
            to.leave();
            to.leave();
        }
    });
    EXPECT_EQ(text, std::string(33, '[') + std::string(33, ']'));
}

} // namespace
} // namespace xb::proxy::json
