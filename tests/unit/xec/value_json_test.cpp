// SPDX-License-Identifier: Apache-2.0
// The JSON form of values, which is documented in xec(1).
#include "toolstack/xec/value_json.hpp"

#include "toolstack/xec/value_parser.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace xb::xec {
namespace {

std::string json(const Value& value, JsonStyle style = JsonStyle::compact) {
    return writeJson(style, [&](JsonSink& sink) { sink.value(value); });
}

std::string parsed(const char* signature, std::string_view word) {
    return json(parseValue(parseType(signature), word));
}

TEST(ValueJson, WritesEveryType) {
    EXPECT_EQ(parsed("b", "true"), "true\n");
    EXPECT_EQ(parsed("t", "18446744073709551615"), "18446744073709551615\n");
    EXPECT_EQ(parsed("x", "-5"), "-5\n");
    EXPECT_EQ(parsed("d", "1.5"), "1.5\n");
    EXPECT_EQ(parsed("s", "a\"\n"), "\"a\\\"\\n\"\n");
    EXPECT_EQ(parsed("(sai)", "['x', [1, 2]]"), "[\"x\",[1,2]]\n");
    EXPECT_EQ(parsed("a{sb}", "{'k': false}"), "{\"k\":false}\n");
    EXPECT_EQ(parsed("a{ib}", "{3: false}"), "{\"3\":false}\n");
    EXPECT_EQ(parsed("ay", "[0, 255]"), "[0,255]\n");
    EXPECT_EQ(parsed("ay", "[]"), "[]\n");
    EXPECT_EQ(json(Value{"v", Value::Members{Value{"s", std::string("in")}}}), "\"in\"\n");
    EXPECT_EQ(json(Value{"d", std::numeric_limits<double>::infinity()}), "null\n");
}

TEST(ValueJson, IndentsIfAsked) {
    EXPECT_EQ(json(parseValue(parseType("ai"), "[1]"), JsonStyle::pretty), "[\n  1\n]\n");
}

} // namespace
} // namespace xb::xec
