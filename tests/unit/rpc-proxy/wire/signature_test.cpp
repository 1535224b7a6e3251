// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/signature.hpp"

#include <gtest/gtest.h>

#include <string>

namespace xb::proxy::wire {
namespace {

std::string repeated(std::string_view text, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

TEST(WireSignature, Valid) {
    for (const auto good : {"", "y", "ybnqiuxtdhsogv", "as", "aai", "(i)", "(i(s)av)", "a{sv}", "a{y(iv)}",
                            "a{oa{sv}}", "a(a{sa{us}})"})
        EXPECT_TRUE(isSignature(good)) << good;
}

TEST(WireSignature, Invalid) {
    for (const std::string_view bad :
         {"a",      "aa",    "()",      "(",      ")",    "(i",    "i)",  "{sv}",  "({sv})",   "a{s}",  "a{}",
          "a{sss}", "a{vs}", "a{(s)s}", "a{ass}", "a{sv", "a{sv)", "(a)", "a{sa}", "a{s{sv}}", "z",     "r",
          "e",      "m",     "*",       "?",      "i i",  "(i}",   "a}",  "a{",    "i{ss}",    "a{s(})"})
        EXPECT_FALSE(isSignature(bad)) << bad;
    EXPECT_FALSE(isSignature(std::string_view("\0", 1)));
    EXPECT_FALSE(isSignature("\xff"));
}

TEST(WireSignature, Limits) {
    EXPECT_TRUE(isSignature(repeated("y", 255)));
    EXPECT_FALSE(isSignature(repeated("y", 256)));
    EXPECT_TRUE(isSignature(repeated("a", 32) + "y"));
    EXPECT_FALSE(isSignature(repeated("a", 33) + "y"));
    EXPECT_TRUE(isSignature(repeated("(", 32) + "y" + repeated(")", 32)));
    EXPECT_FALSE(isSignature(repeated("(", 33) + "y" + repeated(")", 33)));
    EXPECT_TRUE(isSignature(repeated("a(", 32) + "y" + repeated(")", 32)));
    EXPECT_TRUE(isSignature(repeated("a{y", 32) + "y" + repeated("}", 32)));
    EXPECT_FALSE(isSignature(repeated("a{y", 32) + "ay" + repeated("}", 32)));
    EXPECT_TRUE(isSignature(repeated("(y)", 85))) << "side by side is not nested";
}

TEST(WireSignature, EndsOfTypes) {
    SignatureMap map;
    ASSERT_TRUE(map.read("ia{s(aai)}v"));
    EXPECT_EQ(map.endOf(0), 1U);
    EXPECT_EQ(map.endOf(1), 10U);
    EXPECT_EQ(map.endOf(2), 10U);
    EXPECT_EQ(map.endOf(4), 9U);
    EXPECT_EQ(map.endOf(5), 8U);
    EXPECT_EQ(map.endOf(6), 8U);
    EXPECT_EQ(map.endOf(10), 11U);
    EXPECT_EQ(firstTypeEnd("a{s(aai)}v"), 9U);
    EXPECT_EQ(firstTypeEnd("aav"), 3U);
    EXPECT_EQ(firstTypeEnd("sv"), 1U);
    EXPECT_TRUE(isSingleType("a{sv}"));
    EXPECT_FALSE(isSingleType("ss") || isSingleType("") || isSingleType("a"));
}

} // namespace
} // namespace xb::proxy::wire
