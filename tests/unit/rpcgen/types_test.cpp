// SPDX-License-Identifier: Apache-2.0
// Type signatures and enum literals.
#include "rpcgen/types.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace xb::rpcgen {
namespace {

std::string repeat(const std::string& text, int times) {
    std::string result;
    for (int i = 0; i < times; ++i)
        result += text;
    return result;
}

TEST(Types, Basic) {
    EXPECT_EQ(cppTypeOf("y"), "std::uint8_t");
    EXPECT_EQ(cppTypeOf("b"), "bool");
    EXPECT_EQ(cppTypeOf("n"), "std::int16_t");
    EXPECT_EQ(cppTypeOf("q"), "std::uint16_t");
    EXPECT_EQ(cppTypeOf("i"), "std::int32_t");
    EXPECT_EQ(cppTypeOf("u"), "std::uint32_t");
    EXPECT_EQ(cppTypeOf("x"), "std::int64_t");
    EXPECT_EQ(cppTypeOf("t"), "std::uint64_t");
    EXPECT_EQ(cppTypeOf("d"), "double");
    EXPECT_EQ(cppTypeOf("s"), "std::string");
    EXPECT_EQ(cppTypeOf("o"), "xb::ObjectPath");
    EXPECT_EQ(cppTypeOf("g"), "xb::Signature");
    EXPECT_EQ(cppTypeOf("h"), "xb::UnixFd");
    EXPECT_EQ(cppTypeOf("v"), "xb::Variant");
}

TEST(Types, Containers) {
    EXPECT_EQ(cppTypeOf("as"), "std::vector<std::string>");
    EXPECT_EQ(cppTypeOf("a{sv}"), "std::map<std::string, xb::Variant>");
    EXPECT_EQ(cppTypeOf("aa{oas}"), "std::vector<std::map<xb::ObjectPath, std::vector<std::string>>>");
    EXPECT_EQ(
        cppTypeOf("a(i(sb)ax)"),
        "std::vector<xb::Struct<std::int32_t, xb::Struct<std::string, bool>, std::vector<std::int64_t>>>");
}

TEST(Types, WrongSignatures) {
    for (const char* bad :
         {"",       "a",    "z",  "ss",  "(",    ")",  "()", "(s", "s)",    "a{s}", "a{sss}", "a{vs}",
          "a{ass}", "{ss}", "a{", "a{s", "a{ss", "a}", "e",  "r",  "a{hs}", "m",    "*",      "(a)"})
        EXPECT_THROW(static_cast<void>(cppTypeOf(bad)), std::invalid_argument) << bad;
    EXPECT_THROW(static_cast<void>(cppTypeOf(std::string("s\0", 2))), std::invalid_argument);
}

TEST(Types, NestingIsThatOfDBus) {
    EXPECT_NO_THROW(static_cast<void>(cppTypeOf(repeat("a", 32) + "i")));
    EXPECT_NO_THROW(static_cast<void>(cppTypeOf(repeat("(", 31) + "a{sv}" + repeat(")", 31))));
    EXPECT_THROW(static_cast<void>(cppTypeOf(repeat("(", 32) + "a{sv}" + repeat(")", 32))),
                 std::invalid_argument);
    EXPECT_THROW(static_cast<void>(cppTypeOf(repeat("a", 33) + "i")), std::invalid_argument);
    EXPECT_NO_THROW(static_cast<void>(cppTypeOf(repeat("(", 32) + "i" + repeat(")", 32))));
    EXPECT_THROW(static_cast<void>(cppTypeOf(repeat("(", 33) + "i" + repeat(")", 33))),
                 std::invalid_argument);
    EXPECT_THROW(static_cast<void>(cppTypeOf(repeat("(", 1000000))), std::invalid_argument);
    EXPECT_NO_THROW(static_cast<void>(cppTypeOf("(" + std::string(253, 'i') + ")")));
    EXPECT_THROW(static_cast<void>(cppTypeOf("(" + std::string(254, 'i') + ")")), std::invalid_argument);
}

TEST(Types, Literals) {
    EXPECT_EQ(literalOf("s", "a\"b\\\n\xc3\xa4"), "\"a\\\"b\\\\\\012\\303\\244\"");
    EXPECT_EQ(literalOf("b", "true"), "true");
    EXPECT_EQ(literalOf("y", "255"), "255U");
    EXPECT_EQ(literalOf("i", "-2147483648"), "-2147483648");
    EXPECT_EQ(literalOf("x", "-9223372036854775808"), "-9223372036854775807LL - 1");
    EXPECT_EQ(literalOf("t", "18446744073709551615"), "18446744073709551615ULL");
    EXPECT_EQ(literalOf("d", "2"), "2.0");
    EXPECT_EQ(literalOf("d", "1e30"), "1e+30");
}

TEST(Types, WrongLiterals) {
    const std::pair<const char*, const char*> bad[] = {{"b", "1"},
                                                       {"b", "True"},
                                                       {"y", "256"},
                                                       {"y", "-1"},
                                                       {"n", "32768"},
                                                       {"q", "65536"},
                                                       {"i", "2147483648"},
                                                       {"u", "-1"},
                                                       {"i", ""},
                                                       {"i", " 1"},
                                                       {"i", "1 "},
                                                       {"i", "0x10"},
                                                       {"x", "9223372036854775808"},
                                                       {"d", "nan"},
                                                       {"d", "inf"},
                                                       {"d", "one"},
                                                       {"as", "[]"},
                                                       {"v", "1"},
                                                       {"o", "/"}};
    for (const auto& [type, text] : bad)
        EXPECT_THROW(static_cast<void>(literalOf(type, text)), std::invalid_argument) << type << " " << text;
}

} // namespace
} // namespace xb::rpcgen
