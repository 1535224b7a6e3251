// SPDX-License-Identifier: Apache-2.0
// BodyReader and BodyWriter: what was written is read, and mistakes are told.
#include "rpc-proxy/wire/copy_values.hpp"
#include "tests/unit/rpc-proxy/wire/random_message.hpp"

#include "rpc-proxy/wire/body_check.hpp"
#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

namespace xb::proxy::wire {
namespace {

class WireValues : public testing::TestWithParam<Endian> {};
INSTANTIATE_TEST_SUITE_P(Order, WireValues, testing::Values(Endian::little, Endian::big),
                         [](const auto& order) { return order.param == Endian::little ? "Little" : "Big"; });

TEST_P(WireValues, EveryType) {
    const std::string signature = "ybnqiuxtdhsogvaya{sv}(yt)as";
    BodyWriter to(signature, {}, GetParam());
    to.byte(255);
    to.boolean(true);
    to.int16(-2);
    to.uint16(65535);
    to.int32(std::numeric_limits<std::int32_t>::min());
    to.uint32(0xfffffffe);
    to.int64(-5);
    to.uint64(std::numeric_limits<std::uint64_t>::max());
    to.float64(-0.5);
    to.unixFd(3);
    to.string("\xc3\xa4");
    to.objectPath("/a");
    to.signature("a{sv}");
    to.enterVariant("ai");
    to.enter();
    to.int32(1);
    to.int32(2);
    to.leave();
    to.leave();
    to.byteArray("bytes");
    to.enter();
    to.enter();
    to.string("key");
    to.enterVariant("v");
    to.enterVariant("s");
    to.string("value");
    to.leave();
    to.leave();
    to.leave();
    to.leave();
    to.enter();
    to.byte(1);
    to.uint64(2);
    to.leave();
    to.enter();
    to.leave();
    const std::string body = to.take();
    ASSERT_FALSE(BodyCheck(body, 0, GetParam(), "body").body(signature));

    BodyReader from(body, signature, GetParam());
    EXPECT_EQ(from.byte(), 255);
    EXPECT_TRUE(from.boolean());
    EXPECT_EQ(from.int16(), -2);
    EXPECT_EQ(from.uint16(), 65535);
    EXPECT_EQ(from.int32(), std::numeric_limits<std::int32_t>::min());
    EXPECT_EQ(from.uint32(), 0xfffffffe);
    EXPECT_EQ(from.int64(), -5);
    EXPECT_EQ(from.uint64(), std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(from.float64(), -0.5);
    EXPECT_EQ(from.unixFd(), 3U);
    EXPECT_EQ(from.string(), "\xc3\xa4");
    EXPECT_EQ(from.objectPath(), "/a");
    EXPECT_EQ(from.signature(), "a{sv}");
    EXPECT_EQ(from.type(), 'v');
    from.enter();
    EXPECT_EQ(from.nextSignature(), "ai");
    from.enter();
    EXPECT_EQ(from.int32(), 1);
    EXPECT_EQ(from.nextSignature(), "i");
    EXPECT_EQ(from.int32(), 2);
    EXPECT_EQ(from.type(), '\0');
    EXPECT_EQ(from.nextSignature(), "");
    from.leave();
    EXPECT_EQ(from.type(), '\0');
    from.leave();
    EXPECT_EQ(from.byteArray(), "bytes");
    EXPECT_EQ(from.nextSignature(), "a{sv}");
    from.enter();
    EXPECT_EQ(from.nextSignature(), "{sv}");
    from.enter();
    EXPECT_EQ(from.string(), "key");
    from.leave(); // past the variant
    EXPECT_EQ(from.type(), '\0');
    from.leave();
    EXPECT_EQ(from.nextSignature(), "(yt)");
    from.skip();
    EXPECT_EQ(from.nextSignature(), "as");
    from.enter();
    EXPECT_EQ(from.type(), '\0');
    from.leave();
    EXPECT_EQ(from.type(), '\0');
}

// Through the other byte order and back.
TEST_P(WireValues, CopiesAreTheSame) {
    const Endian other = GetParam() == Endian::little ? Endian::big : Endian::little;
    RandomMessage random(1);
    for (int i = 0; i < 1000; ++i) {
        const std::string message = random.message(GetParam());
        MessageView view;
        ASSERT_FALSE(read(message, {}, view));
        BodyReader from(view);
        BodyWriter to(view.signature, {}, other);
        copyValues(from, to);
        const std::string swapped = to.take();
        ASSERT_FALSE(BodyCheck(swapped, 0, other, "body").body(view.signature));
        BodyReader again(swapped, view.signature, other);
        BodyWriter back(view.signature, {}, GetParam());
        copyValues(again, back);
        EXPECT_EQ(back.take(), view.body);
        BodyReader skipping(view);
        while (skipping.type() != '\0')
            skipping.skip();
    }
}

template <typename F>
std::string errorOf(F&& write) {
    try {
        write();
    } catch (const Error& e) {
        return e.name() + ": " + e.what();
    }
    return "no error";
}

TEST(WireWriter, RefusesWhatCannotBeCarried) {
    const std::string invalid = "org.freedesktop.DBus.Error.InvalidArgs: ";
    EXPECT_EQ(errorOf([] { BodyWriter("a"); }), invalid + "the signature of the arguments is not valid");
    EXPECT_EQ(errorOf([] { BodyWriter("s").string("\xff"); }), invalid + "a string is not UTF-8 without NUL");
    EXPECT_EQ(errorOf([] { BodyWriter("s").string(std::string_view("\0", 1)); }),
              invalid + "a string is not UTF-8 without NUL");
    EXPECT_EQ(errorOf([] { BodyWriter("o").objectPath("x"); }),
              invalid + "a value of type o is not an object path");
    EXPECT_EQ(errorOf([] { BodyWriter("g").signature("a"); }),
              invalid + "a value of type g is not a signature");
    EXPECT_EQ(errorOf([] { BodyWriter("v").enterVariant("ss"); }),
              invalid + "the type of a variant is not one complete type");
    EXPECT_EQ(errorOf([] { BodyWriter("s", Limits{100}).string(std::string(96, 'x')); }),
              "org.freedesktop.DBus.Error.LimitsExceeded: the arguments are larger than 100 bytes, the limit "
              "for a message");
    EXPECT_EQ(errorOf([] { BodyWriter("ay").byteArray(std::string(maxArrayBytes + 1, 'x')); }),
              "org.freedesktop.DBus.Error.LimitsExceeded: an array is larger than 67108864 bytes");
    EXPECT_EQ(errorOf([] {
                  BodyWriter deep("v");
                  for (int i = 0; i < 65; ++i)
                      deep.enterVariant("v");
              }),
              "org.freedesktop.DBus.Error.LimitsExceeded: the arguments are nested deeper than 64");
}

TEST(WireWriter, MistakesAreTold) {
    EXPECT_THROW(BodyWriter("s").byte(1), std::logic_error);
    EXPECT_THROW(BodyWriter("s").take(), std::logic_error);
    EXPECT_THROW(BodyWriter("s").leave(), std::logic_error);
    EXPECT_THROW(BodyWriter("v").enter(), std::logic_error);
    BodyWriter incomplete("(yy)");
    incomplete.enter();
    incomplete.byte(1);
    EXPECT_THROW(incomplete.leave(), std::logic_error);
    EXPECT_THROW(incomplete.take(), std::logic_error);
    BodyWriter end("y");
    end.byte(1);
    EXPECT_THROW(end.byte(1), std::logic_error);
}

TEST(WireReader, MistakesAreTold) {
    const std::string body("\0\0\0\1", 4);
    EXPECT_THROW(BodyReader(body, "u", Endian::big).int32(), std::logic_error);
    EXPECT_THROW(BodyReader(body, "u", Endian::big).enter(), std::logic_error);
    EXPECT_THROW(BodyReader(body, "u", Endian::big).leave(), std::logic_error);
    EXPECT_THROW(BodyReader(body, "ay", Endian::big).skip(), std::logic_error) << "never checked";
    EXPECT_THROW(BodyReader(body, "s", Endian::big).string(), std::logic_error);
    EXPECT_THROW(BodyReader("", "y", Endian::big).byte(), std::logic_error);
}

} // namespace
} // namespace xb::proxy::wire
