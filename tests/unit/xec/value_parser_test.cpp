// SPDX-License-Identifier: Apache-2.0
// The value syntax of the command line, its limits and its quirks that scripts rely on.
#include "toolstack/xec/value_parser.hpp"

#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace xb::xec {
namespace {

Value parse(const char* signature, std::string_view word) {
    return parseValue(parseType(signature), word);
}

void refuse(const char* signature, std::string_view word) {
    EXPECT_THROW(parse(signature, word), Error) << signature << " " << word;
}

Value text(std::string value) {
    return Value{"s", std::move(value)};
}

TEST(ValueParser, ReadsIntegersWithinTheirTypes) {
    EXPECT_EQ(parse("i", "-1"), (Value{"i", std::int64_t{-1}}));
    EXPECT_EQ(parse("y", "255"), (Value{"y", std::uint64_t{255}}));
    EXPECT_EQ(parse("n", "-32768"), (Value{"n", std::int64_t{-32768}}));
    EXPECT_EQ(parse("t", "18446744073709551615"), (Value{"t", std::numeric_limits<std::uint64_t>::max()}));
    EXPECT_EQ(parse("x", "-9223372036854775808"), (Value{"x", std::numeric_limits<std::int64_t>::min()}));
    refuse("y", "256");
    refuse("y", "-1");
    refuse("u", "-1");
    refuse("i", "2147483648");
    refuse("n", "32768");
    refuse("t", "18446744073709551616");
    refuse("i", "");
    refuse("i", "x");
    refuse("i", "+1");
    refuse("i", "- 1");
}

TEST(ValueParser, IgnoresWhatFollowsACompleteValue) {
    EXPECT_EQ(parse("i", "12abc"), (Value{"i", std::int64_t{12}}));
    EXPECT_EQ(parse("b", "truest"), (Value{"b", true}));
    EXPECT_EQ(parse("ai", "[1] and more").members().size(), 1U);
}

TEST(ValueParser, ReadsBooleansAndNumbers) {
    EXPECT_EQ(parse("b", "true"), (Value{"b", true}));
    EXPECT_EQ(parse("b", "0"), (Value{"b", false}));
    EXPECT_EQ(parse("b", "false"), (Value{"b", false}));
    EXPECT_EQ(parse("b", "1"), (Value{"b", true}));
    refuse("b", "yes");
    refuse("b", "True");
    EXPECT_EQ(parse("d", "2.5"), (Value{"d", 2.5}));
    EXPECT_EQ(parse("d", "3"), (Value{"d", 3.0}));
    EXPECT_EQ(parse("d", "-0.5"), (Value{"d", -0.5}));
    EXPECT_EQ(parse("d", "1."), (Value{"d", 1.0}));
    refuse("d", ".5");
    refuse("d", "inf");
    refuse("d", "-");
}

TEST(ValueParser, TakesStringsVerbatimAtTheTop) {
    EXPECT_EQ(parse("s", "'quoted' \\ text "), text("'quoted' \\ text "));
    EXPECT_EQ(parse("s", ""), text(""));
    EXPECT_EQ(parse("o", "/vm/1"), (Value{"o", std::string("/vm/1")}));
    refuse("o", "vm");
    refuse("o", "/vm/");
    refuse("o", "/vm//1");
    refuse("o", "/vm-1");
    refuse("s", "\xff");
    refuse("s", "\xc0\x80");
    refuse("s", "\xed\xa0\x80");
    EXPECT_EQ(parse("s", "\xf0\x9f\x90\xa7 \xc3\xa4 \xe2\x82\xac"),
              text("\xf0\x9f\x90\xa7 \xc3\xa4 \xe2\x82\xac"));
}

TEST(ValueParser, ReadsQuotedStringsInContainers) {
    const Value list = parse("as", R"( [ 'a', "b c" , 'it\'s', "back\\slash\n" ])");
    EXPECT_EQ(list,
              (Value{"as", Value::Members{text("a"), text("b c"), text("it's"), text("back\\slash\\n")}}));
    EXPECT_EQ(parse("as", "[]"), (Value{"as", Value::Members{}}));
    refuse("as", "[a]");
    refuse("as", "['a'");
    refuse("as", "['a]");
    refuse("as", "['a',]");
    refuse("as", "'a'");
    refuse("ao", "['x']");
}

TEST(ValueParser, ReadsNestedContainers) {
    const Value dict = parse("a{sai}", "{'one': [1], 'none': []}");
    ASSERT_EQ(dict.members().size(), 2U);
    EXPECT_EQ(dict.members()[0].type, "{sai}");
    EXPECT_EQ(dict.members()[0].members()[1], (Value{"ai", Value::Members{Value{"i", std::int64_t{1}}}}));
    EXPECT_EQ(parse("a{ss}", "{ }"), (Value{"a{ss}", Value::Members{}}));
    EXPECT_EQ(parse("(sb)", "['x', true]").members()[0], text("x"));
    EXPECT_EQ(parse("ay", "[1, 0, 255]"), (Value{"ay", std::string("\x01\x00\xff", 3)}));
    refuse("(sb)", "['x']");
    refuse("(sb)", "['x', true, false]");
    refuse("a{ss}", "{'a'}");
    refuse("a{ss}", "['a']");
}

TEST(ValueParser, RefusesTypesThatHaveNoSyntax) {
    refuse("v", "1");
    refuse("g", "s");
    refuse("h", "0");
    refuse("a{sv}", "{'a': 1}");
}

} // namespace
} // namespace xb::xec
