// SPDX-License-Identifier: Apache-2.0
// Splitting lines into words: quotes, variables, comments, limits.
#include "bootage/words.hpp"

#include <gmock/gmock.h>

namespace xb::bootage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Variables variables{{"RUN", "/run/x"}, {"WITH_BLANKS", "a b"}, {"EMPTY", ""}};

std::vector<std::string> split(std::string_view line) {
    return splitWords(line, variables, {"f.conf", 7});
}

std::string refusal(std::string_view line) {
    try {
        split(line);
    } catch (const ConfigError& e) {
        return e.what();
    }
    return "accepted";
}

TEST(Words, SplitsAtBlanksAndTabs) {
    EXPECT_THAT(split(" a  b\tc "), ElementsAre("a", "b", "c"));
    EXPECT_THAT(split(" \t"), IsEmpty());
    EXPECT_THAT(split(""), IsEmpty());
}

TEST(Words, CommentsAreWholeLinesOnly) {
    EXPECT_THAT(split("# a b"), IsEmpty());
    EXPECT_THAT(split("  #a"), IsEmpty());
    EXPECT_THAT(split("a # b"), ElementsAre("a", "#", "b"));
    EXPECT_THAT(split("'#a'"), ElementsAre("#a"));
}

TEST(Words, QuotesHoldBlanksAndNothing) {
    EXPECT_THAT(split("'a b' \"c d\" '' \"\""), ElementsAre("a b", "c d", "", ""));
    EXPECT_THAT(split("a'b c'd\"e f\"g"), ElementsAre("ab cde fg"));
    EXPECT_THAT(split(R"("a\"b\\c\d" 'e\"f' g\h)"), ElementsAre(R"(a"b\c\d)", R"(e\"f)", R"(g\h)"));
}

TEST(Words, VariablesAreReplacedByOneWord) {
    EXPECT_THAT(split("${RUN}/xen \"${RUN} y\" ${WITH_BLANKS} ${EMPTY}"),
                ElementsAre("/run/x/xen", "/run/x y", "a b", ""));
    EXPECT_THAT(split("'${RUN}' $RUN $"), ElementsAre("${RUN}", "$RUN", "$"));
}

TEST(Words, WhatAVariableHoldsIsNotExpandedAgain) {
    const Variables nested{{"A", "${B} \"'"}, {"B", "b"}};
    EXPECT_THAT(splitWords("${A}", nested, {}), ElementsAre("${B} \"'"));
}

TEST(Words, RefusalsNameFileAndLine) {
    EXPECT_EQ(refusal("a 'b"), "f.conf:7: a single quote is not closed");
    EXPECT_EQ(refusal("a \"b"), "f.conf:7: a double quote is not closed");
    EXPECT_EQ(refusal("\"\\\""), "f.conf:7: a double quote is not closed");
    EXPECT_EQ(refusal("${NOPE}"),
              "f.conf:7: ${NOPE} is not set: give --set NOPE=VALUE or set it in the environment");
    EXPECT_THAT(refusal("${RUN"), HasSubstr("without \"}\""));
    EXPECT_THAT(refusal("${}"), HasSubstr("does not name a variable"));
    EXPECT_THAT(refusal("${A B}"), HasSubstr("does not name a variable"));
}

TEST(Words, ControlCharactersAreRefused) {
    EXPECT_THAT(refusal("a\r"), HasSubstr("carriage return"));
    EXPECT_THAT(refusal(std::string_view("a\0b", 3)), HasSubstr("control character 0"));
    EXPECT_THAT(refusal("'a\x1b'"), HasSubstr("control character 27"));
    EXPECT_THAT(split("gr\xc3\xbc\xc3\x9f"), ElementsAre("gr\xc3\xbc\xc3\x9f"));
}

TEST(Words, LimitsHold) {
    std::string many;
    for (std::size_t i = 0; i < maxWords; ++i)
        many += "a ";
    EXPECT_EQ(split(many).size(), maxWords);
    EXPECT_THAT(refusal(many + "a"), HasSubstr("more than 256 words"));
    EXPECT_EQ(split(std::string(maxLineLength, 'a')).size(), 1U);
    EXPECT_THAT(refusal(std::string(maxLineLength + 1, 'a')), HasSubstr("longer than 4096 bytes"));
    const Variables large{{"L", std::string(maxWordLength, 'x')}};
    EXPECT_EQ(splitWords("${L}", large, {}).front().size(), maxWordLength);
    EXPECT_THROW(splitWords("${L}y", large, {}), ConfigError);
    EXPECT_THROW(splitWords("${L}${L}", large, {}), ConfigError);
}

TEST(Words, VariableNames) {
    EXPECT_TRUE(isVariableName("A_b1"));
    EXPECT_TRUE(isVariableName("_"));
    EXPECT_FALSE(isVariableName(""));
    EXPECT_FALSE(isVariableName("1A"));
    EXPECT_FALSE(isVariableName("A-B"));
}

} // namespace
} // namespace xb::bootage
