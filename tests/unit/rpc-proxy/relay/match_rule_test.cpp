// SPDX-License-Identifier: Apache-2.0
// Match rules: what is understood, that it is written so that it means the same, and what is refused.
#include "rpc-proxy/relay/match_rule.hpp"

#include "toolstack/libs/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

using testing::HasSubstr;

std::string canonical(std::string_view text) {
    std::string once = parseMatchRule(text).text();
    EXPECT_EQ(parseMatchRule(once).text(), once) << text;
    return once;
}

std::string refusal(std::string_view text) {
    try {
        parseMatchRule(text);
    } catch (const Error& e) {
        return e.name() + ": " + e.what();
    }
    return "none";
}

TEST(MatchRule, IsWrittenInOneWay) {
    const std::string plain = "type='signal',sender='a.b',path='/a',interface='a.b',member='C'";
    EXPECT_EQ(canonical(plain), plain);
    EXPECT_EQ(canonical("type=signal,sender=a.b,path=/a,interface=a.b,member=C"), plain);
    EXPECT_EQ(canonical(" type =sig'na'l,\t sender='a.b',\npath='/a',interface='a.b',member='C',"), plain);
    EXPECT_EQ(canonical("type='signal',eavesdrop='false',sender='a.b',path='/a',interface='a.b',member='C'"),
              plain);
    EXPECT_EQ(canonical(""), "");
    EXPECT_EQ(canonical(" \t"), "");
}

TEST(MatchRule, KeepsWhatIsWithinQuotes) {
    EXPECT_EQ(canonical("arg0='a,b=c \\'"), "arg0='a,b=c \\'");
    EXPECT_EQ(parseMatchRule("arg0=\\'").conditions[0].second, "'");
    EXPECT_EQ(canonical("arg0=\\'"), "arg0=''\\'''");
    EXPECT_EQ(canonical("arg0=a\\b"), "arg0='a\\b'");
    EXPECT_EQ(canonical("arg0='x'\\''y'"), "arg0='x'\\''y'");
    EXPECT_EQ(canonical("arg0="), "arg0=''");
    EXPECT_EQ(canonical("arg63path='/a/',arg0namespace='com'"), "arg63path='/a/',arg0namespace='com'");
}

TEST(MatchRule, EavesdroppingIsSeenHoweverItIsWritten) {
    for (const char* const text :
         {"eavesdrop=true", "eavesdrop='true'", " eavesdrop='tr'ue", "type='signal',eavesdrop=true,"})
        EXPECT_TRUE(parseMatchRule(text).eavesdrop) << text;
    EXPECT_FALSE(parseMatchRule("arg0='eavesdrop=true'").eavesdrop);
    EXPECT_NE(refusal("eavesdrop=false,eavesdrop=true"), "none");
    EXPECT_NE(refusal("eavesdrop='TRUE'"), "none");
}

TEST(MatchRule, IsRefusedWhenItIsNone) {
    for (const char* const text : {"type",
                                   "type=",
                                   "type='x'",
                                   "=x",
                                   "bogus='x'",
                                   "Type='signal'",
                                   "type='signal",
                                   "type='signal',type='signal'",
                                   "member='a.b'",
                                   "interface='a'",
                                   "path='a'",
                                   "sender='x'",
                                   "arg64='x'",
                                   "arg='x'",
                                   "arg00='x'",
                                   "arg1namespace='a.b'",
                                   "arg0xpath='x'",
                                   "path='/a',path_namespace='/a'",
                                   "arg0namespace='1'",
                                   "arg999999999999999='x'"})
        EXPECT_THAT(refusal(text), HasSubstr("MatchRuleInvalid")) << text;
}

TEST(MatchRule, HasALimit) {
    const std::string longest = "arg0='" + std::string(maxMatchRuleBytes - 7, 'x') + "'";
    EXPECT_EQ(canonical(longest), longest);
    EXPECT_THAT(refusal(longest + ","), HasSubstr("LimitsExceeded"));
}

} // namespace
} // namespace xb::proxy
