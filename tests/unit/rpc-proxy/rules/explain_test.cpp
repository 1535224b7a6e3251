// SPDX-License-Identifier: Apache-2.0
// Explanations name the right rules and reasons, and agree with the verdict.
#include "rpc-proxy/rules/explain.hpp"
#include "tests/unit/rpc-proxy/rules/ask.hpp"
#include "tests/unit/rpc-proxy/rules/random_rules.hpp"

#include <gmock/gmock.h>

#include <random>

namespace xb::proxy::rules {
namespace {

using testing::HasSubstr;

std::string explained(std::string_view text, const Asked& asked) {
    const auto rules = rulesOf(text);
    return explainText(*rules, explain(*rules, asked.message, asked.subject, asked.properties));
}

TEST(Explain, TheDecidingTheOverruledAndTheNearOnes) {
    EXPECT_EQ(explained("allow all\n"
                        "deny member Other\n"
                        "deny interface com.example.I\n"
                        "allow destination com.example.D dom-type svm\n"
                        "deny member Other dom-type ndvm\n"
                        "deny inc-signal all\n",
                        fullCall()),
              "allowed by f:4: allow destination com.example.D dom-type svm\n"
              "overruled: f:3: deny interface com.example.I\n"
              "overruled: f:1: allow all\n"
              "missed by one condition: f:2: deny member Other\n"
              "    member is \"Go\", the rule has \"Other\"\n");
}

TEST(Explain, NoRule) {
    EXPECT_EQ(explained("allow member Other", fullCall()),
              "denied: no rule matches\n"
              "missed by one condition: f:1: allow member Other\n"
              "    member is \"Go\", the rule has \"Other\"\n");
}

TEST(Explain, EveryConditionHasItsReason) {
    const auto nearly = [](const std::string& conditions, const Asked& asked = fullCall()) {
        return explained("allow " + conditions, asked);
    };
    EXPECT_THAT(nearly("destination a.b"),
                HasSubstr("destination is \"com.example.D\", the rule has \"a.b\""));
    EXPECT_THAT(nearly("interface a.b"), HasSubstr("interface is \"com.example.I\", the rule has \"a.b\""));
    EXPECT_THAT(nearly("sender a.b"), HasSubstr("sender is unknown (incoming), the rule has \"a.b\""));
    EXPECT_THAT(nearly("arg0 x"), HasSubstr("arg0 is \"text\", the rule has \"x\""));
    EXPECT_THAT(nearly("dom-id 8"), HasSubstr("dom-id is 7, the rule has \"8\""));
    EXPECT_THAT(nearly(std::string("dom-uuid ") + otherUuid),
                HasSubstr(std::string("dom-uuid is ") + oneUuid));
    EXPECT_THAT(nearly("dom-type ndvm"), HasSubstr("dom-type is \"svm\", the rule has \"ndvm\""));
    EXPECT_THAT(nearly("dom-name x"), HasSubstr("dom-name is \"my VM\", the rule has \"x\""));
    EXPECT_THAT(nearly("if-boolean flag false"), HasSubstr("flag is true, the rule has false"));
    EXPECT_THAT(nearly("if-boolean none true"), HasSubstr("none is unknown, the rule has true"));
    EXPECT_THAT(nearly("stubdom true"), HasSubstr("stubdom is false, the rule has true"));
    const Asked absent = with(fullCall(), [](Asked& a) { a.message.interface.reset(); });
    EXPECT_THAT(nearly("interface a.b", absent), HasSubstr("interface is absent, the rule has \"a.b\""));
    const Asked get = with(fullCall(), [](Asked& a) {
        a.message.interface = "org.freedesktop.DBus.Properties";
        a.message.member = "Get";
    });
    EXPECT_THAT(nearly("interface a.b", get),
                HasSubstr("about the properties of \"text\", the rule has \"a.b\""));
}

TEST(Explain, SaysWhatADenyMatchedOnUnknown) {
    const Asked absent = with(fullCall(), [](Asked& a) {
        a.message.interface.reset();
        a.properties.clear();
    });
    EXPECT_THAT(
        explained("allow all\ndeny interface a.b dom-type x", absent),
        HasSubstr("denied by f:2: deny interface a.b dom-type x\n    what is unknown does not escape a deny: "
                  "interface is absent, the rule has \"a.b\", dom-type is unknown, the rule has \"x\"\n"));
}

TEST(Explain, IsBounded) {
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "allow all\ndeny member Other\n";
    const auto rules = rulesOf(many);
    const Asked asked = fullCall();
    const Explanation explanation = explain(*rules, asked.message, asked.subject, asked.properties);
    EXPECT_EQ(explanation.overruled.size(), maxExplainedRules);
    EXPECT_EQ(explanation.nearly.size(), maxExplainedRules);
    EXPECT_EQ(explanation.overruled.front().rule, 197U) << "the last ones";
}

TEST(Explain, AgreesWithTheVerdict) {
    std::mt19937 random(5); // NOLINT(cert-msc51-cpp): the same every time
    auto choose = [&random](std::size_t n) { return random() % n; };
    for (int round = 0; round < 100; ++round) {
        std::vector<Rule> rules;
        for (int i = 0; i < 30; ++i)
            rules.push_back(randomRule(choose));
        const auto set = std::make_shared<const RuleSet>(rules);
        for (int i = 0; i < 20; ++i) {
            const Asked asked{randomMessage(choose), randomSubject(choose), randomProperties(choose)};
            const Explanation explanation = explain(*set, asked.message, asked.subject, asked.properties);
            ASSERT_EQ(explanation.verdict.rule, ask(set, asked).rule);
            ASSERT_EQ(explanation.verdict.allowed, ask(set, asked).allowed);
        }
    }
}

} // namespace
} // namespace xb::proxy::rules
