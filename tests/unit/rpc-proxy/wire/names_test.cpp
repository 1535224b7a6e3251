// SPDX-License-Identifier: Apache-2.0
// Names, paths and text: what is valid, at the edges.
#include "rpc-proxy/wire/names.hpp"
#include "rpc-proxy/wire/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace xb::proxy::wire {
namespace {

using namespace std::string_view_literals;

std::string ofLength(std::size_t size) {
    return "a." + std::string(size - 2, 'b');
}

TEST(WireNames, BusNames) {
    for (const auto good : {"a.b", "org.freedesktop.DBus", "a-b._c", "-.-", "_._0-"})
        EXPECT_TRUE(isWellKnownName(good) && isBusName(good) && !isUniqueName(good)) << good;
    for (const auto good : {":1.0", ":a.b", ":0.-", ":1.2.3"})
        EXPECT_TRUE(isUniqueName(good) && isBusName(good) && !isWellKnownName(good)) << good;
    for (const auto bad :
         {""sv, "a"sv, ".a"sv, "a."sv, "a..b"sv, "a.0"sv, "0.a"sv, "a.b c"sv, "a.b\n"sv, "a.\xc3\xa4"sv,
          ":"sv, ":1"sv, ":1."sv, ":.1"sv, ":1..2"sv, ":1.0:"sv, "a.b\0"sv, "::1.0"sv})
        EXPECT_FALSE(isBusName(bad)) << bad;
    EXPECT_TRUE(isBusName(ofLength(255)));
    EXPECT_FALSE(isBusName(ofLength(256)));
    EXPECT_TRUE(isBusName(":1." + std::string(252, '0')));
    EXPECT_FALSE(isBusName(":1." + std::string(253, '0')));
}

TEST(WireNames, InterfacesAndErrors) {
    for (const auto good : {"a.b", "_._", "a1.b2.C_3"})
        EXPECT_TRUE(isInterface(good) && isErrorName(good)) << good;
    for (const auto bad : {"", "a", "a.", ".a", "a..b", "a.1", "a-b.c", "a.b-c", ":1.0", "a.b/c"})
        EXPECT_FALSE(isInterface(bad) || isErrorName(bad)) << bad;
    EXPECT_TRUE(isInterface(ofLength(255)));
    EXPECT_FALSE(isInterface(ofLength(256)));
}

TEST(WireNames, Members) {
    for (const auto good : {"a", "_", "Get2", "A_b"})
        EXPECT_TRUE(isMember(good)) << good;
    for (const auto bad : {"", "2a", "a.b", "a-b", "a b", "\xc3\xa4"})
        EXPECT_FALSE(isMember(bad)) << bad;
    EXPECT_TRUE(isMember(std::string(255, 'm')));
    EXPECT_FALSE(isMember(std::string(256, 'm')));
}

TEST(WireNames, Paths) {
    for (const auto good : {"/", "/a", "/0", "/_/a_b/C9"})
        EXPECT_TRUE(isObjectPath(good)) << good;
    for (const auto bad :
         {""sv, "a"sv, "//"sv, "/a/"sv, "/a//b"sv, "/a-b"sv, "/a.b"sv, "/\xc3\xa4"sv, "/a\0"sv})
        EXPECT_FALSE(isObjectPath(bad)) << bad;
    EXPECT_TRUE(isObjectPath("/" + std::string(100000, 'p'))); // paths have no limit of their own
}

TEST(WireText, Utf8) {
    for (const auto good :
         {""sv, "plain"sv, "\x01\x7f"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv, "\xed\x9f\xbf"sv,
          "\xee\x80\x80"sv, "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv})
        EXPECT_TRUE(isText(good)) << good;
    for (const auto bad :
         {"\0"sv, "\x80"sv, "\xbf"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc2"sv, "\xc2\x41"sv, "\xe0\x9f\xbf"sv,
          "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv, "\xe2\x82"sv, "\xf0\x8f\xbf\xbf"sv, "\xf4\x90\x80\x80"sv,
          "\xf5\x80\x80\x80"sv, "\xf0\x90\x80"sv, "\xff"sv})
        EXPECT_FALSE(isText(bad)) << bad;
}

// The quick way over eight bytes must see the same wherever a byte is.
TEST(WireText, AtEveryPlace) {
    for (std::size_t size = 1; size < 40; ++size)
        for (std::size_t at = 0; at < size; ++at)
            for (const char c : {'\0', '\x01', '\x7f', '\x80', '\xff'}) {
                std::string text(size, 'a');
                text[at] = c;
                EXPECT_EQ(isText(text), c == '\x01' || c == '\x7f') << size << ' ' << at << ' ' << int(c);
            }
}

} // namespace
} // namespace xb::proxy::wire
