// SPDX-License-Identifier: Apache-2.0
// JSON from anybody: what is not exactly one JSON text is an error. Mostly what other parsers take and ours
// must not, so that no two readers of one text see different messages.
#include "rpc-proxy/json/values.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <string_view>

namespace xb::proxy::json {
namespace {

// "ok", or what is wrong.
std::string verdict(std::string_view text, const Limits& limits = {}) {
    const std::string exact(text); // AddressSanitizer sees a read behind it
    Values values;
    return values.read(exact, limits).value_or("ok");
}

void refuse(std::string_view text, std::string_view why) {
    const std::string said = verdict(text);
    EXPECT_NE(said.find(why), std::string::npos) << text.substr(0, 100) << "\n" << said;
    EXPECT_EQ(said.find(':'), std::string::npos) << said;
}

TEST(JsonValues, EveryKind) {
    Values values;
    ASSERT_FALSE(
        values.read(" [null, true,0,18446744073709551615,-9223372036854775808,-1,1.5,1e3,-0,\"\\u00e4\\n\","
                    "{\"a\":[],\"b\":{}},18446744073709551616,-9223372036854775809]\n",
                    {}));
    std::vector<Value> all;
    for (const Value value : values.root())
        all.push_back(value);
    ASSERT_EQ(all.size(), 13U);
    EXPECT_EQ(all[0].kind(), Kind::null);
    EXPECT_TRUE(all[1].boolean());
    EXPECT_EQ(all[2].positive(), 0U);
    EXPECT_EQ(all[3].positive(), 18446744073709551615U);
    EXPECT_EQ(all[4].negative(), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(all[5].negative(), -1);
    EXPECT_EQ(all[6].real(), 1.5);
    EXPECT_EQ(all[7].kind(), Kind::real);
    EXPECT_TRUE(all[8].kind() == Kind::real && std::signbit(all[8].real()));
    EXPECT_EQ(all[9].text(), "\xc3\xa4\n");
    EXPECT_EQ(all[10].kind(), Kind::object);
    EXPECT_EQ(all[11].real(), 18446744073709551616.0);
    EXPECT_EQ(all[12].real(), -9223372036854775808.0);
    const Values moved = std::move(values);
    EXPECT_EQ(moved.at(all[9].index()).text(), "\xc3\xa4\n");
}

TEST(JsonValues, NoJson) {
    for (const std::string_view text : {"",
                                        " ",
                                        "[",
                                        "[1",
                                        "[1,",
                                        "[1,]",
                                        "[,1]",
                                        "[1 2]",
                                        "]",
                                        "{",
                                        "{\"a\"",
                                        "{\"a\":",
                                        "{\"a\":1",
                                        "{\"a\":1,}",
                                        "{a:1}",
                                        "{1:1}",
                                        "{'a':1}",
                                        "[NaN]",
                                        "[Infinity]",
                                        "[-]",
                                        "[+1]",
                                        "[01]",
                                        "[-01]",
                                        "[1.]",
                                        "[.5]",
                                        "[1e]",
                                        "[0x1]",
                                        "[tru]",
                                        "[TRUE]",
                                        "[nul",
                                        "\"",
                                        "\"\\",
                                        "\"\\x\"",
                                        "\"\\u12\"",
                                        "\"\\u12g4\"",
                                        "[1]//",
                                        "/**/[]",
                                        "[\"\t\"]",
                                        "[\"\n\"]",
                                        "\xef\xbb\xbf[]",
                                        "\xef\xbb{}",
                                        "[1]]",
                                        "{}{}",
                                        "[] x",
                                        "[1]\xff",
                                        "[\"\xc0\x80\"]",
                                        "[\"\xed\xa0\x80\"]",
                                        "[\"\xf4\x90\x80\x80\"]",
                                        "[\"\x80\"]",
                                        "\xff",
                                        "\xfe\xff\0[\0]"}) {
        EXPECT_NE(verdict(text), "ok") << text;
        EXPECT_EQ(verdict(text).find(':'), std::string::npos) << verdict(text);
    }
}

TEST(JsonValues, NulNeverEndsAText) {
    refuse(std::string_view("[]\0", 3), "NUL at byte 2");
    refuse(std::string_view("[]\0garbage", 10), "NUL");
    refuse(std::string_view("[1\0]", 4), "");
    EXPECT_NE(verdict(std::string_view("\0[]", 3)), "ok");
    EXPECT_NE(verdict(std::string_view("[\"a\0b\"]", 7)), "ok");
    refuse(R"(["\u0000"])", "U+0000");
    refuse(R"({"a\u0000":1})", "U+0000");
}

TEST(JsonValues, HalfSurrogatePairs) {
    EXPECT_EQ(verdict(R"(["\ud83d\ude00"])"), "ok");
    for (const std::string_view text :
         {R"(["\ud83d"])", R"(["\ude00"])", R"(["\ud83dx"])", R"(["\ud83d\u0041"])", R"(["\ude00\ud83d"])",
          R"({"\ude00":1})", R"(["\ud83d\ud83d"])"})
        EXPECT_NE(verdict(text), "ok") << text;
}

TEST(JsonValues, KeysOnlyOnce) {
    refuse(R"({"a":1,"a":1})", "a key twice");
    refuse(R"([{"b":{"a":1,"b":2,"\u0061":3}}])", "a key twice");
    EXPECT_EQ(verdict(R"({"a":{"a":{"a":1}},"b":{"a":1},"A":1})"), "ok");
    // Many keys cost little more than to read them.
    std::string many = "{";
    for (int i = 0; i < 60000; ++i)
        many += "\"key" + std::to_string(i) + "\":0,";
    EXPECT_EQ(verdict(many + "\"key\":0}"), "ok");
    refuse(many + "\"key59999\":0}", "a key twice");
}

TEST(JsonValues, NumbersWithinADouble) {
    EXPECT_EQ(verdict("[1e308,1e-300,5e-324,100000000000000000000000000000]"), "ok");
    for (const std::string_view text : {"[1e309]", "[-1e309]", "[1e99999999999]"})
        EXPECT_NE(verdict(text), "ok") << text;
    EXPECT_NE(verdict("[" + std::string(400, '9') + "]"), "ok");
}

TEST(JsonValues, BoundedDepth) {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_EQ(verdict(nested(maxDepth)), "ok");
    refuse(nested(maxDepth + 1), "nested deeper than 66");
    refuse(nested(100000), "nested deeper");
    refuse(std::string(100000, '['), "nested deeper");
    std::string objects;
    for (int i = 0; i < 100000; ++i)
        objects += "[{\"a\":";
    refuse(objects, "nested deeper");
    refuse(std::string(100000, ']'), "");
}

TEST(JsonValues, BoundedSize) {
    const std::string largest = "\"" + std::string(maxTextBytes - 2, 'x') + "\"";
    EXPECT_EQ(verdict(largest), "ok");
    refuse(largest + " ", "1048577 bytes, the limit is 1048576");
    Limits small;
    small.textBytes = 2;
    EXPECT_EQ(verdict("[]", small), "ok");
    EXPECT_NE(verdict("[ ]", small), "ok");
}

TEST(JsonValues, MembersOfABrokenObject) {
    const auto member = [](std::string_view text, std::string_view key) -> std::string {
        Values values;
        values.read(text, {});
        const auto value = values.member(key);
        return value ? std::string(describe(value->kind())) : "none";
    };
    EXPECT_EQ(member(R"({"id":5,"x":[1,{"id":""}],"y)", "id"), "an integer");
    EXPECT_EQ(member(R"({"x":[1,{"id":""}],"id":5,"y":tru)", "id"), "an integer");
    EXPECT_EQ(member(R"({"x":[1,{"id":5}])", "id"), "none");
    EXPECT_EQ(member(R"({"x":[1,{"id":5)", "id"), "none");
    EXPECT_EQ(member(R"({"id")", "id"), "none");
    EXPECT_EQ(member(R"({"id":5)", "id"), "none"); // of 53, perhaps
    EXPECT_EQ(member(R"({"id":5,)", "id"), "none");
    EXPECT_EQ(member(R"({"id":5})", "id"), "an integer");
    EXPECT_EQ(member(R"({"id":)", "id"), "none");
    EXPECT_EQ(member(R"({"id":[)", "id"), "none");
    EXPECT_EQ(member(R"(["id",5)", "id"), "none");
    EXPECT_EQ(member("", "id"), "none");
}

} // namespace
} // namespace xb::proxy::json
