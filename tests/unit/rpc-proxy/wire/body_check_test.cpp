// SPDX-License-Identifier: Apache-2.0
// Bodies that are wrong somewhere. The offsets are those of the message: its body begins at byte `at`.
#include "tests/unit/rpc-proxy/wire/raw_message.hpp"

#include "rpc-proxy/wire/body_check.hpp"

#include <gtest/gtest.h>

namespace xb::proxy::wire {
namespace {

using namespace std::string_literals;

/// "ok", or "OFFSET: what", with the offset in the body.
std::string check(std::string_view signature, const std::string& body) {
    const auto flaw = BodyCheck(body, 0, Endian::little, "body").body(signature);
    return flaw ? std::to_string(flaw->offset) + ": " + std::string(describe(flaw->fault)) : "ok";
}

TEST(WireBody, Numbers) {
    EXPECT_EQ(check("y", "x"), "ok");
    EXPECT_EQ(check("yu", "x\0\0\0\1\0\0\0"s), "ok");
    EXPECT_EQ(check("yu", "x\0x\0\1\0\0\0"s), "2: padding is not zero");
    EXPECT_EQ(check("yt", "x\0\0\0\0\0\0\0"
                          "12345678"s),
              "ok");
    EXPECT_EQ(check("yt", "x\0\0\0\0\0\0\0"
                          "1234567"s),
              "15: the message ends too early");
    EXPECT_EQ(check("yt", "x\0\0"s), "3: the message ends too early");
    EXPECT_EQ(check("y", ""), "0: the message ends too early");
    EXPECT_EQ(check("y", "xx"), "1: there are bytes behind the end");
    EXPECT_EQ(check("b", u32(1)), "ok");
    EXPECT_EQ(check("b", u32(2)), "0: a boolean is neither 0 nor 1");
    EXPECT_EQ(check("b", "\0\1\0\0"s), "0: a boolean is neither 0 nor 1");
}

TEST(WireBody, Texts) {
    EXPECT_EQ(check("s", str("")), "ok");
    EXPECT_EQ(check("s", str("\xc3\xa4")), "ok");
    EXPECT_EQ(check("s", str("\xc3")), "4: a string is not UTF-8 without NUL");
    EXPECT_EQ(check("s", str("a\0b"s)), "4: a string is not UTF-8 without NUL");
    EXPECT_EQ(check("s", u32(3) + "abc"), "0: a length reaches behind the end");
    EXPECT_EQ(check("s", u32(2) + "abc"), "6: a string does not end in NUL");
    EXPECT_EQ(check("s", u32(0xffffffff) + "abc\0"s), "0: a length reaches behind the end");
    EXPECT_EQ(check("s", "\1\0\0"s), "3: the message ends too early");
    EXPECT_EQ(check("o", str("/a")), "ok");
    EXPECT_EQ(check("o", str("a")), "4: not an object path");
    EXPECT_EQ(check("g", "\3a{s\0"s), "0: not a signature");
    EXPECT_EQ(check("g", "\2as\0"s), "ok");
    EXPECT_EQ(check("g", "\2asx"s), "3: a string does not end in NUL");
    EXPECT_EQ(check("g", "\3as\0"s), "0: a length reaches behind the end");
}

TEST(WireBody, Arrays) {
    EXPECT_EQ(check("ay", u32(3) + "abc"), "ok");
    EXPECT_EQ(check("ay", u32(4) + "abc"), "0: a length reaches behind the end");
    EXPECT_EQ(check("ay", u32(2) + "abc"), "6: there are bytes behind the end");
    EXPECT_EQ(check("au", u32(6) + "abcdef"), "0: the elements of an array do not end where the array ends");
    EXPECT_EQ(check("ab", u32(8) + u32(1) + u32(2)), "8: a boolean is neither 0 nor 1");
    EXPECT_EQ(check("at", u32(0) + u32(0)), "ok") << "padded although empty";
    EXPECT_EQ(check("at", u32(0)), "4: the message ends too early");
    EXPECT_EQ(check("at", u32(0) + u32(1)), "4: padding is not zero");
    EXPECT_EQ(check("as", u32(12) + str("ab") + "\0"s + str("")),
              "16: the elements of an array do not end where the array ends");
    EXPECT_EQ(check("as", u32(13) + str("ab") + "\0"s + str("")), "ok");
    EXPECT_EQ(check("asy", u32(12) + str("ab") + "\0"s + str("") + "y"),
              "16: the elements of an array do not end where the array ends");
    EXPECT_EQ(check("a(y)", u32(9) + u32(0) + "a\0\0\0\0\0\0\0b"s), "ok");
    EXPECT_EQ(check("a(y)", u32(10) + u32(0) + "a\0\0\0\0\0\0\0b"s), "0: a length reaches behind the end");
    EXPECT_EQ(check("aay", u32(13) + u32(1) + "x\0\0\0"s + u32(1) + "y"), "ok");
    EXPECT_EQ(check("aay", u32(13) + u32(1) + "x\0\0\0"s + u32(2) + "y"),
              "12: a length reaches behind the end");
    const std::string long64(maxArrayBytes + 5, '\0');
    std::string array = long64;
    store(array.data(), maxArrayBytes + 1, Endian::little);
    EXPECT_EQ(check("ay", array), "0: an array is longer than 64 MiB");
    array.pop_back();
    store(array.data(), maxArrayBytes, Endian::little);
    EXPECT_EQ(check("ay", array), "ok");
}

TEST(WireBody, Variants) {
    EXPECT_EQ(check("v", "\1y\0x"s), "ok");
    EXPECT_EQ(check("v", "\1y\0"s), "3: the message ends too early");
    EXPECT_EQ(check("v", "\0\0"s), "0: the signature of a variant is not one complete type");
    EXPECT_EQ(check("v", "\2yy\0xx"s), "0: the signature of a variant is not one complete type");
    EXPECT_EQ(check("v", "\1a\0"s), "0: not a signature");
    EXPECT_EQ(check("v", "\2y"s), "0: a length reaches behind the end");
    EXPECT_EQ(check("v", "\1yxx"s), "2: a string does not end in NUL");
    EXPECT_EQ(check("v", ""s), "0: the message ends too early");
    EXPECT_EQ(check("vv", "\3(y)\0\0\0\0x\1u\0\1\0\0\0"s), "ok");
    EXPECT_EQ(check("a{sv}", u32(13) + u32(0) + str("k") + "\1v\0\1y\0x"s), "ok");
    EXPECT_EQ(check("a{sv}", u32(14) + u32(0) + str("k") + "\1v\0\1y\0x\0"s),
              "22: the message ends too early");
}

/// `depth` variants around a byte.
std::string variants(std::size_t depth) {
    std::string body;
    for (std::size_t i = 1; i < depth; ++i)
        body += "\1v\0"s;
    return body + "\1y\0x"s;
}

TEST(WireBody, Depth) {
    EXPECT_EQ(check("v", variants(64)), "ok");
    EXPECT_EQ(check("v", variants(65)), "192: containers are nested too deep");
    EXPECT_EQ(check("v", variants(100000)), "192: containers are nested too deep");
    EXPECT_EQ(check("(v)", variants(63)), "ok");
    EXPECT_EQ(check("(v)", variants(64)), "189: containers are nested too deep");
}

// Signatures of 255 characters within each other: what is remembered of each does not run out.
TEST(WireBody, LongSignaturesWithinEachOther) {
    std::string body;
    for (int i = 0; i < 31; ++i) {
        body += "\xff("s + std::string(252, 'y') + "v)"s + '\0';
        body.append(alignUp(body.size(), 8) - body.size(), '\0');
        body.append(252, 'y');
    }
    EXPECT_EQ(check("v", body + "\1y\0x"s), "ok");
}

} // namespace
} // namespace xb::proxy::wire
