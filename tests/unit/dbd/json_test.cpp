// SPDX-License-Identifier: Apache-2.0
// JSON in and out: what is accepted, what is refused and where, and the exact form of the output.
#include "dbd/json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace xb::dbd {
namespace {

const Limits limits;

std::string pretty(const Node& node) {
    std::string out;
    appendPrettyJson(out, node);
    return out;
}

/// Parses as a file and prints again.
std::string round(std::string_view json) {
    const ParseResult result = parseJson(json, Trailing::Refused, limits);
    return result.node != nullptr ? pretty(*result.node) : result.place();
}

std::string refusal(std::string_view json, Trailing trailing = Trailing::Refused,
                    const Limits& bounds = limits) {
    const ParseResult result = parseJson(json, trailing, bounds);
    return result.node != nullptr ? "accepted" : result.place();
}

TEST(Json, PrettyForm) {
    EXPECT_EQ(round(R"({"a":"b","c":{"d":1,"e":{}},"f":null,"g":[],"h":true})"), R"({
  "a": "b",
  "c": {
    "d": 1,
    "e": { }
  },
  "f": null,
  "g": [],
  "h": true
}
)");
    EXPECT_EQ(round("{}"), "{ }\n");
    EXPECT_EQ(round("\"s\""), "\"s\"\n");
    EXPECT_EQ(round("null"), "null\n");
}

TEST(Json, PrettyArrays) {
    EXPECT_EQ(round(R"({"a":[1,"x,]\"",[],{},[true,null],{"k":[2],"l":-1.5e3}]})"), R"({
  "a": [
    1,
    "x,]\"",
    [],
    { },
    [
      true,
      null
    ],
    {
      "k": [
        2
      ],
      "l": -1.5e3
    }
  ]
}
)");
}

TEST(Json, PrettyIsStable) {
    const std::string once = round(R"({"x":{"y":["a",{"b":[1,2]}]},"z":"\u001b\/"})");
    EXPECT_EQ(round(once), once);
}

TEST(Json, EscapesInAndOut) {
    EXPECT_EQ(round(R"("\n\t\r\b\f\\\"\/")"), "\"\\n\\t\\r\\b\\f\\\\\\\"\\/\"\n");
    EXPECT_EQ(round("\"/\""), "\"\\/\"\n");
    EXPECT_EQ(round(R"("\u00fc\ud83d\ude00")"), "\"\xC3\xBC\xF0\x9F\x98\x80\"\n");
    EXPECT_EQ(round(R"("\u0001\u001B\u007f")"), "\"\\u0001\\u001B\x7F\"\n");
}

TEST(Json, HalvesOfSurrogatePairsAreRefused) {
    for (const char* text : {R"("\ude00")", R"("\ud83d")", R"("\ud83dx")", R"({"\udfff":1})", R"(["\udc00"])",
                             R"([{"\udc00":1}])"}) {
        EXPECT_NE(refusal(text), "accepted") << text;
        EXPECT_NE(refusal(text, Trailing::Ignored), "accepted") << text;
    }
}

TEST(Json, RawControlCharactersAreAcceptedInStrings) {
    EXPECT_EQ(round("{\"a\":\"x\ty\nz\x01\"}"), "{\n  \"a\": \"x\\ty\\nz\\u0001\"\n}\n");
    EXPECT_EQ(round("{\"k\x02\":\"\\\\\x03\"}"), "{\n  \"k\\u0002\": \"\\\\\\u0003\"\n}\n");
    EXPECT_EQ(refusal("{\"a\":\"\x01\x02\",\n\x01}"), "line 2, column 1: Missing a name for object member.");
    EXPECT_EQ(refusal("{\"a\":\"\x01\x02\",\"b\":x}"), "line 1, column 15: Invalid value.");
}

TEST(Json, NumbersStayAsTheyWere) {
    for (const char* number : {"0", "-0", "5.0", "1e3", "1E+3", "-1.50", "18446744073709551616", "0.1",
                               "3.141592653589793238462643383279", "1e-400"})
        EXPECT_EQ(round(number), std::string(number) + "\n");
}

TEST(Json, BadNumbersAreRefused) {
    for (const char* number :
         {"01", "1.", ".5", "+1", "1e", "0x10", "NaN", "Infinity", "-", "1e999", "-1.5e400", "1a"}) {
        EXPECT_NE(refusal(number), "accepted") << number;
        EXPECT_NE(refusal(number, Trailing::Ignored), "accepted") << number;
    }
    EXPECT_NE(refusal(std::string(400, '9') + ".0"), "accepted");
}

TEST(Json, TextBehindTheValue) {
    EXPECT_EQ(refusal("{} x", Trailing::Ignored), "accepted");
    EXPECT_EQ(refusal("1 2", Trailing::Ignored), "accepted");
    EXPECT_EQ(refusal("{} x"), "line 1, column 4: The document root must not be followed by other values.");
    EXPECT_EQ(refusal("{}\n \n"), "accepted");
}

TEST(Json, NothingIsNotAValue) {
    EXPECT_EQ(refusal("", Trailing::Ignored), "line 1, column 1: there is no value, only white space");
    EXPECT_EQ(refusal(" \n "), "line 2, column 2: there is no value, only white space");
}

TEST(Json, ErrorsHaveLineAndColumn) {
    EXPECT_EQ(refusal("{\n  \"a\": 1,\n  \"b\" 2\n}"),
              "line 3, column 7: Missing a colon after a name of object member.");
}

TEST(Json, DuplicateKeys) {
    EXPECT_EQ(refusal("{\"a\":1,\n\"a\":2}").substr(0, 7), "line 2,");
    EXPECT_NE(refusal("{\"a\":1,\n\"a\":2}").find("duplicate key \"a\""), std::string::npos);
    EXPECT_NE(refusal(R"({"a":1,"\u0061":2})"), "accepted");
    EXPECT_NE(refusal(R"([{"a":1,"a":2}])"), "accepted");
    EXPECT_EQ(refusal(R"([{"a":1},{"a":2}])"), "accepted");
    EXPECT_EQ(refusal(R"({"a":{"b":1},"c":{"b":1},"b":1})"), "accepted");
}

TEST(Json, KeysThatNoPathReaches) {
    EXPECT_NE(refusal(R"({"":1})"), "accepted");
    EXPECT_NE(refusal(R"({"a/b":1})"), "accepted");
    EXPECT_NE(refusal("{\"" + std::string(256, 'k') + "\":1}"), "accepted");
    EXPECT_EQ(refusal(R"([{"":1,"a/b":2}])"), "accepted"); // an array is one leaf
}

TEST(Json, NulIsRefused) {
    using namespace std::string_view_literals;
    EXPECT_EQ(refusal("{\"a\":1}\0garbage"sv), "line 1, column 8: there is a NUL byte");
    EXPECT_NE(refusal(R"("\u0000")"), "accepted");
    EXPECT_NE(refusal(R"({"\u0000":1})"), "accepted");
    EXPECT_NE(refusal(R"(["\u0000"])"), "accepted");
}

TEST(Json, InvalidUtf8IsRefused) {
    EXPECT_NE(refusal("\"\xFF\""), "accepted");
    EXPECT_NE(refusal("\"\xC0\x80\""), "accepted");
    EXPECT_NE(refusal("\"\xED\xA0\x80\""), "accepted");
    EXPECT_NE(refusal(R"("\ud800")"), "accepted");
    EXPECT_NE(refusal("{\"\xE2\x82\":1}"), "accepted");
}

TEST(Json, DepthIsBounded) {
    const auto nested = [](std::size_t depth, const char* open, const char* close) {
        std::string text;
        for (std::size_t i = 0; i < depth; ++i)
            text += open;
        text += "1";
        for (std::size_t i = 0; i < depth; ++i)
            text += close;
        return text;
    };
    EXPECT_EQ(refusal(nested(64, "[", "]")), "accepted");
    EXPECT_NE(refusal(nested(65, "[", "]")).find("deeper than the limit of 64"), std::string::npos);
    EXPECT_EQ(refusal(nested(64, "{\"a\":", "}")), "accepted");
    EXPECT_NE(refusal(nested(65, "{\"a\":", "}")), "accepted");
    EXPECT_NE(refusal(nested(100'000, "[", "]")), "accepted");
    EXPECT_NE(refusal(nested(100'000, "{\"a\":", "}"), Trailing::Ignored), "accepted");
    EXPECT_NE(refusal(std::string(100'000, '[')), "accepted");
    EXPECT_EQ(parseJson("[]", Trailing::Refused, limits, 64).node, nullptr);
    EXPECT_NE(parseJson("1", Trailing::Refused, limits, 64).node, nullptr);
}

TEST(Json, SizesAreBounded) {
    Limits small;
    small.valueBytes = 8;
    small.nodes = 3;
    EXPECT_EQ(refusal(R"("12345678")", Trailing::Refused, small), "accepted");
    EXPECT_NE(refusal(R"("123456789")", Trailing::Refused, small), "accepted");
    EXPECT_NE(refusal("[1,2,3,4]", Trailing::Refused, small), "accepted");
    EXPECT_EQ(refusal("-1234567", Trailing::Refused, small), "accepted");
    EXPECT_NE(refusal("-12345678", Trailing::Refused, small), "accepted");
    EXPECT_NE(refusal("1.2345678", Trailing::Refused, small), "accepted");
    EXPECT_EQ(refusal(R"({"a":1,"b":2})", Trailing::Refused, small), "accepted");
    EXPECT_NE(refusal(R"({"a":1,"b":2,"c":3})", Trailing::Refused, small), "accepted");
}

TEST(Json, EveryTruncationIsRefused) {
    const std::string text = R"({"a": ["x", {"b": -1.5}], "c": {"d": true, "e": null, "f": "\u00e4"}})";
    ASSERT_EQ(refusal(text), "accepted");
    for (std::size_t length = 0; length < text.size(); ++length)
        EXPECT_NE(refusal(text.substr(0, length)), "accepted") << text.substr(0, length);
}

TEST(Json, FilterLeavesNodesOut) {
    class NoB : public WriteFilter {
        bool leavesOut(const Node& node) const override { return node.name() == "b"; }
    };
    const ParseResult parsed =
        parseJson(R"({"b":1,"a":{"b":2},"c":{"b":1,"d":4,"b2":5},"x":{"b":0}})", Trailing::Refused, limits);
    std::string out;
    const NoB filter;
    appendPrettyJson(out, *parsed.node, &filter);
    EXPECT_EQ(out, "{\n  \"a\": { },\n  \"c\": {\n    \"d\": 4,\n    \"b2\": 5\n  },\n  \"x\": { }\n}\n");
}

} // namespace
} // namespace xb::dbd
