// SPDX-License-Identifier: Apache-2.0
// Paths, guest scopes and text checks.
#include "dbd/path.hpp"

#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace xb::dbd {
namespace {

TEST(Path, EmptySegmentsAreDropped) {
    EXPECT_EQ(canonicalPath(""), "/");
    EXPECT_EQ(canonicalPath("/"), "/");
    EXPECT_EQ(canonicalPath("//"), "/");
    EXPECT_EQ(canonicalPath("a//b/"), "/a/b");
    EXPECT_EQ(canonicalPath("///a/b///c"), "/a/b/c");
}

TEST(Path, DotsMeanNothing) {
    EXPECT_EQ(canonicalPath("/a/../b/./c"), "/a/../b/./c");
}

TEST(Path, ScopeOfAGuestCannotBeLeft) {
    EXPECT_EQ(scopedPath("00-11", "x/y"), "/dom-store/00-11/x/y");
    EXPECT_EQ(canonicalPath(scopedPath("00-11", "/")), "/dom-store/00-11");
    EXPECT_EQ(canonicalPath(scopedPath("00-11", "")), "/dom-store/00-11");
    EXPECT_EQ(canonicalPath(scopedPath("00-11", "/../../vm")), "/dom-store/00-11/../../vm");
}

TEST(Path, AScopeNeedsAUuid) {
    EXPECT_THROW(scopedPath("", "x"), Error);
    EXPECT_THROW(scopedPath("a/b", "x"), Error);
    EXPECT_THROW(scopedPath("a\nb", "x"), Error);
}

TEST(Path, CleanText) {
    for (const char* good : {"", "plain", "\x01\x1f\t", "gr\xC3\xBC\xC3\x9F", "\xE2\x82\xAC",
                             "\xF0\x9F\x98\x80", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBD"})
        EXPECT_TRUE(isCleanText(good)) << good;
    const std::vector<std::string> bad{
        {"\0", 1},      "\x80",         "\xC0\x80",         "\xC3",
        "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xE2\x82",     "a\xFFz",       "\xEF\xBF\xBF",     "\xF4\x8F\xBF\xBF"};
    for (const std::string& text : bad)
        EXPECT_FALSE(isCleanText(text)) << forMessage(text);
}

TEST(Path, MessagesAreShortAndPrintable) {
    EXPECT_EQ(forMessage("a\n\x1b[31m\xFF"), "a??[31m?");
    EXPECT_LT(forMessage(std::string(1'000'000, 'x')).size(), 300U);
}

} // namespace
} // namespace xb::dbd
