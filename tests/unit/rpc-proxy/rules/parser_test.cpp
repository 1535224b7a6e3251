// SPDX-License-Identifier: Apache-2.0
// The grammar: every word, what is forgiven, what is refused and where, the limits, and rules of VMs.
#include "rpc-proxy/rules/parser.hpp"

#include <gmock/gmock.h>

namespace xb::proxy::rules {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* uuid = "00000000-0000-0000-0000-0000000000ab";

/// The rules of `text` as they print, or what is wrong with it.
std::vector<std::string> read(std::string_view text) {
    const ParseResult result = parseRules(text, "f");
    std::vector<std::string> lines;
    for (const Rule& each : result.rules)
        lines.push_back(each.text());
    if (!result.ok())
        lines.push_back(result.errorText("f"));
    return lines;
}

std::string refusal(std::string_view text) {
    const ParseResult result = parseRules(text, "f");
    EXPECT_TRUE(result.rules.empty()) << text;
    return result.errorText("f");
}

TEST(Parser, EveryWordPrintsAsItWasWritten) {
    const std::string all =
        "allow all\n"
        "deny inc-method-call all\n"
        "allow inc-method-return all\n"
        "allow inc-error all\n"
        "allow inc-signal all\n"
        "deny out-any all\n"
        "deny out-method-call all\n"
        "deny out-method-return all\n"
        "deny out-error all\n"
        "deny out-signal all\n"
        "allow destination a.b interface c.d member E sender f.g arg0 h\n"
        "allow dom-uuid 00000000-0000-0000-0000-0000000000ab dom-id 7 dom-type ndvm dom-name one\n"
        "allow if-boolean domstore-read-access true if-boolean other false\n"
        "allow stubdom true destination a.b\n"
        "allow stubdom true\n";
    std::string printed;
    for (const auto& line : read(all))
        printed += line + "\n";
    EXPECT_EQ(printed, all);
}

TEST(Parser, TheSubjectIsIncAnyByDefaultAndStubdomFalse) {
    EXPECT_THAT(read("allow inc-any all"), ElementsAre("allow all"));
    EXPECT_THAT(read("deny"), ElementsAre("deny all"));
    EXPECT_THAT(read("allow stubdom false member A"), ElementsAre("allow member A"));
    const Rule rule = parseRules("allow member A", "f").rules.at(0);
    EXPECT_EQ(rule.direction, Direction::incoming);
    EXPECT_FALSE(rule.type);
    EXPECT_EQ(rule.stubdom, Rule::Stubdom::no);
}

TEST(Parser, BlanksCommentsAndLineEnds) {
    EXPECT_THAT(read("# a comment\r\n"
                     "\n"
                     "  \t \r\n"
                     "\tallow \t member\tA  # to the end \x01\xFF\r\n"
                     "deny member B#glued\n"
                     "allow member C # unterminated"),
                ElementsAre("allow member A", "deny member B", "allow member C"));
    EXPECT_THAT(read(""), ElementsAre());
    EXPECT_THAT(read("#"), ElementsAre());
    EXPECT_THAT(read("allow all\r"), ElementsAre("allow all"));
}

TEST(Parser, QuotedValues) {
    EXPECT_THAT(read(R"(allow dom-name "my \"VM\" \\ # 1" arg0 "/a/b" sender ":1.5" arg0 "")"),
                ElementsAre(R"(allow dom-name "my \"VM\" \\ # 1" sender ":1.5" arg0 "")"));
    EXPECT_EQ(*parseRules(R"(allow dom-name "my \"VM\" \\")", "f").rules.at(0).value(Field::domName),
              R"(my "VM" \)");
    EXPECT_THAT(read("allow dom-name \"B\xC3\xBCro\""), ElementsAre("allow dom-name \"B\xC3\xBCro\""));
    EXPECT_THAT(read(R"(allow member "Plain")"), ElementsAre("allow member Plain"));
}

TEST(Parser, AWordMayBeAValue) {
    EXPECT_THAT(read("allow member member destination all"),
                ElementsAre("allow member member destination all"));
}

TEST(Parser, TheLastOfARepeatedSpecifierHolds) {
    EXPECT_THAT(read("allow member A destination d member B"), ElementsAre("allow destination d member B"));
    EXPECT_THAT(read("allow stubdom true stubdom false"), ElementsAre("allow all"));
    EXPECT_THAT(read("allow dom-id 1 dom-id 2"), ElementsAre("allow dom-id 2"));
}

TEST(Parser, TypesNamesAndBooleansAddUp) {
    const char* line =
        "allow dom-type a dom-type b dom-name c dom-name d if-boolean e true if-boolean e false";
    EXPECT_THAT(read(line), ElementsAre(line));
}

TEST(Parser, DomIdIsANumber) {
    EXPECT_THAT(read("allow dom-id 007"), ElementsAre("allow dom-id 7"));
    EXPECT_THAT(read("allow dom-id 0"), ElementsAre("allow dom-id 0"));
    EXPECT_THAT(read("allow dom-id 32751"), ElementsAre("allow dom-id 32751"));
    for (const char* bad : {"32752", "x", "1x", "99999999999999999999", "\"-1\"", "\"\"", "\"1 \""})
        EXPECT_THAT(refusal(std::string("allow dom-id ") + bad), StartsWith("f:1:14: dom-id ")) << bad;
    EXPECT_THAT(refusal("allow dom-id -1"), StartsWith("f:1:14: unexpected '-'"));
}

TEST(Parser, UuidsAreWellFormedAndLowerCase) {
    EXPECT_THAT(read("allow dom-uuid 00000000-0000-0000-0000-0000000000AB"),
                ElementsAre(std::string("allow dom-uuid ") + uuid));
    EXPECT_THAT(refusal("allow dom-uuid 00000000-0000-0000-0000-0000000000a"), HasSubstr("f:1:16: dom-uuid"));
    EXPECT_THAT(refusal("allow dom-uuid 00000000-0000-0000-0000-0000000000ag"), HasSubstr("no UUID"));
    EXPECT_THAT(refusal("allow dom-uuid 00000000_0000_0000_0000_0000000000ab"), HasSubstr("no UUID"));
}

TEST(Parser, ErrorsSayWhereAndWhatWasExpected) {
    EXPECT_EQ(refusal("alow all"), "f:1:1: a rule cannot begin with \"alow\": expected allow or deny");
    EXPECT_EQ(refusal("\n  \"allow\" all"),
              "f:2:3: a rule cannot begin with \"allow\": expected allow or deny");
    EXPECT_THAT(
        refusal("allow domain x"),
        AllOf(StartsWith("f:1:7: unknown word \"domain\": expected destination"), EndsWith("or if-boolean")));
    EXPECT_THAT(refusal("allow member A inc-signal"), StartsWith("f:1:16: unknown word \"inc-signal\""));
    EXPECT_THAT(refusal("allow member A allow member B"), StartsWith("f:1:16: unknown word \"allow\""));
    EXPECT_THAT(refusal("allow \"all\""), StartsWith("f:1:7: unknown word \"all\""));
    EXPECT_THAT(refusal("allow \"inc-any\" all"), StartsWith("f:1:7: unknown word \"inc-any\""));
    EXPECT_THAT(refusal("allow \"member\" A"), StartsWith("f:1:7: unknown word \"member\""));
    EXPECT_EQ(refusal("allow all member A"), "f:1:11: \"member\" after all: expected the end of the rule");
    EXPECT_THAT(refusal("allow member A all"), StartsWith("f:1:16: unknown word \"all\""));
    EXPECT_EQ(refusal("allow member"), "f:1:13: member without its value: expected a value");
    EXPECT_EQ(refusal("allow member # A"), "f:1:14: member without its value: expected a value");
    EXPECT_EQ(refusal("allow dom-id"), "f:1:13: dom-id without its value: expected a number");
    EXPECT_EQ(refusal("allow stubdom"), "f:1:14: stubdom without its value: expected true or false");
    EXPECT_EQ(refusal("allow stubdom yes"), "f:1:15: stubdom cannot be \"yes\": expected true or false");
    EXPECT_EQ(refusal("allow stubdom \"true\""),
              "f:1:15: stubdom cannot be \"true\": expected true or false");
    EXPECT_EQ(refusal("allow if-boolean a"), "f:1:19: if-boolean without its value: expected true or false");
    EXPECT_EQ(refusal("allow member \"\""), "f:1:14: member is empty: expected a value");
}

TEST(Parser, BytesThatDoNotBelong) {
    EXPECT_THAT(refusal("allow member /a"), StartsWith("f:1:14: unexpected '/'"));
    EXPECT_THAT(refusal("allow member a/b"), StartsWith("f:1:15: unexpected '/'"));
    EXPECT_THAT(refusal("allow member _a"), StartsWith("f:1:14: unexpected '_'"));
    EXPECT_THAT(refusal("allow member \"a\"b"), StartsWith("f:1:17: unexpected 'b'"));
    EXPECT_THAT(refusal("allow member \xC3\xBC"), StartsWith("f:1:14: unexpected byte 0xC3"));
    EXPECT_THAT(refusal("allow\rall"), StartsWith("f:1:6: unexpected byte 0x0D"));
    EXPECT_THAT(refusal(std::string_view("allow\0all", 9)), StartsWith("f:1:6: unexpected byte 0x00"));
    EXPECT_THAT(refusal("allow member \"a"), StartsWith("f:1:14: a quoted value without its end"));
    EXPECT_THAT(refusal("allow member \"a\\"), StartsWith("f:1:16: a lone '\\'"));
    EXPECT_THAT(refusal("allow member \"a\\n\""), StartsWith("f:1:16: a lone '\\'"));
    EXPECT_THAT(refusal("allow member \"a\tb\""), StartsWith("f:1:16: byte 0x09 in quotes"));
}

TEST(Parser, QuotedTextIsUtf8) {
    for (const char* good : {"\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                             "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "a\xC3\xBC-"})
        EXPECT_TRUE(parseRules(std::string("allow dom-name \"") + good + '"', "f").ok()) << good;
    for (const char* bad : {"\x80", "\xC1\xBF", "\xC3", "\xC3-", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE2\x82",
                            "\xE2\x82-", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"})
        EXPECT_THAT(refusal(std::string("allow dom-name \"") + bad + '"'), HasSubstr("not UTF-8")) << bad;
}

TEST(Parser, AllErrorsOfAFileAreReportedAndNoneOfItsRulesUsed) {
    const ParseResult result = parseRules("allow all\nx\ndeny all\nallow y\n", "f");
    EXPECT_TRUE(result.rules.empty());
    EXPECT_THAT(result.errorText("f"), AllOf(StartsWith("f:2:1: "), HasSubstr("\nf:4:7: ")));
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "x\n";
    const ParseResult bounded = parseRules(many, "f");
    ASSERT_EQ(bounded.errors.size(), Limits().errors + 1);
    EXPECT_THAT(bounded.errors.back().text, HasSubstr("not shown"));
}

TEST(Parser, LimitsAreReachedAndHold) {
    Limits limits;
    limits.fileBytes = 60;
    limits.lineBytes = 40;
    limits.tokenBytes = 12;
    limits.rules = 3;
    limits.conditions = 2;
    const auto error = [&limits](std::string_view text) {
        return parseRules(text, "f", limits).errorText("f");
    };
    EXPECT_EQ(error(std::string(60, '\n')), "");
    EXPECT_EQ(error(std::string(61, '\n')), "f: 61 bytes, where at most 60 are allowed");
    EXPECT_EQ(error(std::string(40, ' ')), "");
    EXPECT_EQ(error(std::string(41, ' ')), "f:1:1: a line of 41 bytes, where at most 40 are allowed");
    EXPECT_EQ(error("allow member abcdefghijkl"), "");
    EXPECT_EQ(error("allow member abcdefghijklm"),
              "f:1:14: a value of 13 bytes, where at most 12 are allowed");
    EXPECT_EQ(error("allow\nallow\nallow\n"), "");
    EXPECT_EQ(error("allow\nallow\nallow\nallow"), "f:4:1: more than 3 rules");
    EXPECT_EQ(error("allow member a sender b"), "");
    EXPECT_EQ(error("allow member a member a member a"), "");
    EXPECT_EQ(error("allow member a sender b arg0 c"), "f:1:25: more than 2 conditions in one rule");
}

TEST(Parser, ALongWordIsCutInTheErrorAtACharacter) {
    std::string word = "\"" + std::string(59, 'a');
    for (int i = 0; i < 50; ++i)
        word += "\xC3\xBC";
    const std::string text = refusal(word + "\" all");
    EXPECT_THAT(text, HasSubstr(std::string(59, 'a') + "\"..."));
}

TEST(Parser, OriginsNameFileAndLine) {
    const ParseResult result = parseRules("\n\nallow all\n# c\ndeny all", "/etc/r");
    EXPECT_EQ(result.rules.at(0).origin.text(), "/etc/r:3");
    EXPECT_EQ(result.rules.at(1).origin.text(), "/etc/r:5");
}

TEST(VmRules, AreForThatVmOnly) {
    const ParseResult result = parseVmRule("allow member A", "00000000-0000-0000-0000-0000000000AB", 12);
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result.rules.at(0).text(), std::string("allow member A dom-uuid ") + uuid);
    EXPECT_EQ(result.rules.at(0).origin.text(), std::string("VM ") + uuid + " rule 12");
    const ParseResult other = parseVmRule("allow dom-uuid 00000000-0000-0000-0000-0000000000ff", uuid, 0);
    EXPECT_EQ(other.rules.at(0).text(), std::string("allow dom-uuid ") + uuid);
}

TEST(VmRules, AreExactlyOneRule) {
    EXPECT_EQ(parseVmRule("", uuid, 0).errorText("r"), "r:1:1: no rule: expected exactly one");
    EXPECT_EQ(parseVmRule("# only a comment", uuid, 0).errorText("r"),
              "r:1:1: no rule: expected exactly one");
    EXPECT_EQ(parseVmRule("allow all\nallow all", uuid, 0).errorText("r"),
              "r:1:10: a line break: expected exactly one rule");
    EXPECT_THAT(parseVmRule("allow all and more", uuid, 0).errorText("r"),
                HasSubstr("expected the end of the rule"));
    EXPECT_THAT(parseVmRule("allow member A ;", uuid, 0).errorText("r"), HasSubstr("unexpected ';'"));
    EXPECT_TRUE(parseVmRule("allow all # why", uuid, 0).ok());
    EXPECT_EQ(parseVmRule("allow all", "no-uuid", 0).errorText("r"), "r: the rule's VM has no UUID");
}

TEST(AddedRules, HaveANumber) {
    EXPECT_EQ(parseAddedRule("allow member A", 3).rules.at(0).origin.text(), "added rule 3");
    EXPECT_FALSE(parseAddedRule("allow member", 3).ok());
}

} // namespace
} // namespace xb::proxy::rules
