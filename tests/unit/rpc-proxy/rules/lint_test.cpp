// SPDX-License-Identifier: Apache-2.0
// Each kind of finding with the rule that causes it and a near one that does not; and that what is called
// shadowed never decides.
#include "rpc-proxy/rules/lint.hpp"
#include "tests/unit/rpc-proxy/rules/ask.hpp"
#include "tests/unit/rpc-proxy/rules/random_rules.hpp"

#include <gmock/gmock.h>

#include <random>
#include <set>

namespace xb::proxy::rules {
namespace {

using testing::HasSubstr;
using Kind = Finding::Kind;

std::string lintOf(std::string_view text) {
    const auto rules = rulesOf(text);
    return lintText(*rules, lint(*rules));
}

TEST(Lint, GoodRulesGiveNothing) {
    EXPECT_EQ(lintOf(""), "");
    EXPECT_EQ(
        lintOf("allow destination a.b\ndeny destination a.b member C\nallow dom-type x destination a.c"), "");
}

TEST(Lint, Duplicates) {
    EXPECT_EQ(lintOf("allow destination a.b member C\ndeny all\nallow member C destination a.b"),
              "f:1: warning: never decides: f:2 (deny all) comes later and matches whatever this one does\n");
    EXPECT_EQ(lintOf("allow destination a.b member C\nallow member C destination a.b"),
              "f:1: warning: f:2 says the same\n");
    EXPECT_EQ(lintOf("allow destination a.b member C\nallow destination a.b member D"), "");
}

TEST(Lint, Shadowed) {
    EXPECT_THAT(lintOf("deny destination a.b member C\nallow destination a.b"),
                HasSubstr("f:1: warning: never decides: f:2"));
    EXPECT_THAT(lintOf("allow inc-signal destination a.b\ndeny destination a.b"),
                HasSubstr("f:1: warning: never decides"));
    EXPECT_EQ(lintOf("allow destination a.b\ndeny inc-signal destination a.b"), "");
    EXPECT_EQ(lintOf("allow destination a.b\ndeny out-any destination a.b"), "");
    EXPECT_EQ(lintOf("allow stubdom true destination a.b\ndeny destination a.b"), "")
        << "another kind of domain";
    EXPECT_EQ(lintOf("allow destination a.b dom-type x\ndeny destination a.b dom-type x dom-type x member E"),
              "");
}

TEST(Lint, RulesAboutRepliesAreUnreachable) {
    EXPECT_THAT(lintOf("allow inc-method-return destination a.b"),
                HasSubstr("f:1: warning: rules are not asked about replies"));
    EXPECT_THAT(lintOf("deny out-error"), HasSubstr("not asked about replies"));
    EXPECT_EQ(lintOf("allow inc-method-call destination a.b"), "");
}

TEST(Lint, ConditionsThatNeverHold) {
    const auto never = [](const std::string& conditions) {
        return lintOf("allow destination a.b " + conditions);
    };
    EXPECT_THAT(never("dom-type x dom-type y"),
                HasSubstr("can never match: dom-type cannot be both \"x\" and \"y\""));
    EXPECT_EQ(never("dom-type x dom-type x"), "");
    EXPECT_THAT(never("dom-name x dom-name y"), HasSubstr("dom-name cannot be both"));
    EXPECT_THAT(never("if-boolean p true if-boolean p false"), HasSubstr("p cannot be both true and false"));
    EXPECT_EQ(never("if-boolean p true if-boolean q false"), "");
    EXPECT_THAT(never("sender c.d"), HasSubstr("the client's own claim"));
    EXPECT_EQ(lintOf("allow out-any sender c.d"), "");
    EXPECT_THAT(never("dom-id 0"), HasSubstr("dom0 is not checked"));
    EXPECT_EQ(never("dom-id 1"), "");
    EXPECT_THAT(never("interface c"), HasSubstr("\"c\" is no interface"));
    EXPECT_THAT(never("member c.d"), HasSubstr("\"c.d\" is no member"));
    EXPECT_THAT(lintOf("allow destination a"), HasSubstr("\"a\" is no bus name"));
    EXPECT_THAT(lintOf("deny dom-type x dom-type y"), HasSubstr("matches only what is unknown"));
}

TEST(Lint, WildcardsToDom0) {
    EXPECT_THAT(lintOf("allow all"), HasSubstr("f:1: warning: allows calls to every service of dom0"));
    EXPECT_THAT(lintOf("allow dom-type x"), HasSubstr("every service"));
    EXPECT_THAT(lintOf("allow inc-method-call member C"), HasSubstr("every service"));
    EXPECT_THAT(lintOf("allow interface org.freedesktop.DBus.Properties member Get"),
                HasSubstr("allows org.freedesktop.DBus.Properties on every service"));
    EXPECT_EQ(lintOf("allow interface a.b"), "");
    EXPECT_EQ(lintOf("allow inc-signal"), "");
    EXPECT_EQ(lintOf("allow out-any destination x.y"), "");
    EXPECT_EQ(lintOf("deny all"), "");
}

TEST(Lint, DangerousMembersOfTheBus) {
    EXPECT_EQ(lintOf("allow destination org.freedesktop.DBus interface org.freedesktop.DBus"),
              "f:1: warning: allows dangerous methods of the bus itself: StartServiceByName, "
              "UpdateActivationEnvironment, "
              "ReloadConfig\n");
    EXPECT_THAT(lintOf("allow destination org.freedesktop.DBus"),
                HasSubstr("BecomeMonitor, StartServiceByName"));
    EXPECT_THAT(lintOf("allow all"), HasSubstr("BecomeMonitor"));
    EXPECT_EQ(lintOf("allow destination org.freedesktop.DBus interface org.freedesktop.DBus member AddMatch"),
              "");
    EXPECT_THAT(lintOf("allow destination org.freedesktop.DBus member BecomeMonitor"),
                HasSubstr("itself: BecomeMonitor\n"));
    EXPECT_EQ(lintOf("allow inc-signal destination org.freedesktop.DBus"), "");
    // Taken back by later rules, as far as those go.
    const std::string allow = "allow destination org.freedesktop.DBus interface org.freedesktop.DBus\n";
    EXPECT_EQ(lintOf(allow + "deny member StartServiceByName\ndeny member UpdateActivationEnvironment\n"
                             "deny member ReloadConfig"),
              "");
    EXPECT_THAT(lintOf(allow + "deny member StartServiceByName\ndeny member ReloadConfig dom-type x"),
                HasSubstr("itself: UpdateActivationEnvironment, ReloadConfig\n"));
}

TEST(Lint, NamesTheRuleOfAVm) {
    const RuleSet rules(parseVmRule("allow all", oneUuid, 4).rules);
    EXPECT_THAT(lintText(rules, lint(rules)),
                testing::StartsWith(std::string("VM ") + oneUuid + " rule 4: warning: allows calls"));
}

Message knownMessage(const std::function<std::size_t(std::size_t)>& choose) {
    Message message = randomMessage(choose);
    message.destination = message.destination.value_or("com.example.A");
    message.interface = message.interface.value_or("com.example.I");
    message.member = message.member.value_or("Go");
    message.arg0 = message.arg0.value_or("").empty() ? "x" : message.arg0;
    message.sender = message.sender.value_or(":1.5");
    return message;
}

TEST(Lint, WhatIsCalledOverriddenNeverDecides) {
    std::mt19937 random(4); // NOLINT(cert-msc51-cpp): the same every time
    const std::function<std::size_t(std::size_t)> choose = [&random](std::size_t n) { return random() % n; };
    std::size_t overridden = 0;
    for (int round = 0; round < 100; ++round) {
        std::vector<Rule> rules;
        for (int i = 0; i < 40; ++i)
            rules.push_back(randomRule(choose));
        const auto set = std::make_shared<const RuleSet>(rules);
        std::set<std::size_t> silent;
        for (const Finding& each : lint(*set)) {
            if (each.kind == Kind::duplicate || each.kind == Kind::shadowed)
                silent.insert(each.rule);
        }
        overridden += silent.size();
        for (int i = 0; i < 300; ++i) {
            const Subject subject{static_cast<std::uint32_t>(choose(3)), Vocabulary::uuids[choose(3)],
                                  choose(3) == 0};
            Properties properties{{"type", Vocabulary::kinds[choose(3)]},
                                  {"name", Vocabulary::kinds[choose(3)]}};
            for (const char* name : {"domstore-read-access", "usb-enabled"})
                properties[name] = choose(2) == 0;
            const Verdict verdict = PeerRules(set, subject, properties).evaluate(knownMessage(choose));
            ASSERT_FALSE(silent.contains(verdict.rule)) << set->describe(verdict);
        }
    }
    EXPECT_GT(overridden, 100U);
}

} // namespace
} // namespace xb::proxy::rules
