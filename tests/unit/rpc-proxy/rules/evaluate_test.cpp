// SPDX-License-Identifier: Apache-2.0
// What rules decide, from the specification: which rule wins, and for each condition what it takes, and what
// an absent field does to an allow and to a deny. Every denial has a twin that differs in one thing and
// passes.
#include "tests/unit/rpc-proxy/rules/ask.hpp"

#include <functional>

namespace xb::proxy::rules {
namespace {

using Change = std::function<void(Asked&)>;

TEST(Evaluate, NoMatchIsADenial) {
    EXPECT_FALSE(allows("", fullCall()));
    EXPECT_FALSE(allows("allow member Other", fullCall()));
    EXPECT_TRUE(allows("allow member Go", fullCall()));
    EXPECT_EQ(ask(rulesOf(""), fullCall()).rule, Verdict::noRule);
}

TEST(Evaluate, TheLastMatchWins) {
    EXPECT_FALSE(allows("allow all\ndeny member Go", fullCall()));
    EXPECT_TRUE(allows("deny member Go\nallow all", fullCall()));
    EXPECT_TRUE(allows("allow all\ndeny member Other", fullCall()));
    EXPECT_EQ(ask(rulesOf("allow all\ndeny all\nallow member Go\ndeny member Other"), fullCall()).rule, 3U);
}

TEST(Evaluate, WhatGoesOutPassesUnlessDenied) {
    const Asked out = with(fullCall(), [](Asked& each) { each.message.direction = Direction::outgoing; });
    const Asked toStub = with(out, [](Asked& each) { each.subject.stubdom = true; });
    const Asked toUnknown = with(out, [](Asked& each) { each.subject.stubdom.reset(); });
    for (const Asked& each : {out, toStub, toUnknown}) {
        EXPECT_TRUE(allows("", each));
        EXPECT_TRUE(allows("deny all", each)) << "that is for incoming messages";
        EXPECT_EQ(ask(rulesOf(""), each).rule, 0U);
    }
    EXPECT_FALSE(allows("deny out-any", out));
    EXPECT_FALSE(allows("deny out-method-call member Go", out));
    EXPECT_TRUE(allows("deny out-signal member Go", out));
    EXPECT_TRUE(allows("deny out-any", toStub)) << "that is for stubdom false";
    EXPECT_FALSE(allows("deny out-any stubdom true", toStub));
    EXPECT_FALSE(allows("deny out-any", toUnknown));
}

TEST(Evaluate, EverySubjectIsForItsDirectionAndType) {
    const std::vector<std::pair<std::string, MessageType>> types{{"method-call", MessageType::methodCall},
                                                                 {"method-return", MessageType::methodReturn},
                                                                 {"error", MessageType::error},
                                                                 {"signal", MessageType::signal},
                                                                 {"any", MessageType::other}};
    for (const auto& [word, wordType] : types) {
        for (const auto& [name, type] : types) {
            const bool matches = word == "any" || word == name;
            const Asked in = with(fullCall(), [t = type](Asked& each) { each.message.type = t; });
            EXPECT_EQ(allows("allow inc-" + word + " all", in), matches) << word << " " << name;
            EXPECT_FALSE(allows("allow out-" + word + " all", in)) << word << " " << name;
            const Asked out = with(in, [](Asked& each) { each.message.direction = Direction::outgoing; });
            EXPECT_EQ(allows("deny out-" + word + " all", out), !matches) << word << " " << name;
            EXPECT_TRUE(allows("deny inc-" + word + " all", out)) << word << " " << name;
        }
    }
}

struct Case {
    const char* condition;
    Change differ; ///< another value
    Change absent; ///< none, or not known
};

/// The condition holds for fullCall(): an allow takes it, and a deny too. Another value: neither. None: the
/// deny only.
void checkCondition(const Case& each, const Asked& full) {
    const std::string allow = std::string("allow ") + each.condition;
    const std::string deny = std::string("allow all\nallow stubdom true\ndeny ") + each.condition;
    EXPECT_TRUE(allows(allow, full)) << allow;
    EXPECT_FALSE(allows(deny, full)) << deny;
    const Asked different = with(full, each.differ);
    EXPECT_FALSE(allows(allow, different)) << allow;
    EXPECT_TRUE(allows(deny, different)) << deny;
    const Asked absent = with(full, each.absent);
    EXPECT_FALSE(allows(allow, absent)) << allow << ", absent";
    EXPECT_FALSE(allows(deny, absent)) << deny << ", absent";
}

TEST(Evaluate, ConditionsOnTheMessage) {
    const std::vector<Case> cases{
        {"destination com.example.D", [](Asked& a) { a.message.destination = "com.example.d"; },
         [](Asked& a) { a.message.destination.reset(); }},
        {"interface com.example.I", [](Asked& a) { a.message.interface = "com.example.I2"; },
         [](Asked& a) { a.message.interface.reset(); }},
        {"member Go", [](Asked& a) { a.message.member = "go"; }, [](Asked& a) { a.message.member.reset(); }},
        {"arg0 text", [](Asked& a) { a.message.arg0 = ""; }, [](Asked& a) { a.message.arg0.reset(); }},
    };
    for (const Case& each : cases) {
        checkCondition(each, fullCall());
        for (const MessageType type : {MessageType::signal, MessageType::methodReturn, MessageType::other})
            checkCondition(each, with(fullCall(), [type](Asked& a) { a.message.type = type; }));
    }
}

TEST(Evaluate, ConditionsOnThePeer) {
    const Change noUuid = [](Asked& a) { a.subject.uuid.reset(); };
    const std::vector<Case> cases{
        {"dom-uuid 00000000-0000-0000-0000-00000000000A", [](Asked& a) { a.subject.uuid = otherUuid; },
         noUuid},
        {"dom-uuid 00000000-0000-0000-0000-00000000000a", [](Asked& a) { a.subject.uuid = otherUuid; },
         [](Asked& a) { a.subject.uuid = "no UUID"; }},
        {"dom-id 7", [](Asked& a) { a.subject.domid = 77; }, [](Asked& a) { a.subject.domid.reset(); }},
        {"stubdom false", [](Asked& a) { a.subject.stubdom = true; },
         [](Asked& a) { a.subject.stubdom.reset(); }},
        {"dom-type svm", [](Asked& a) { a.properties["type"] = "ndvm"; },
         [](Asked& a) { a.properties.erase("type"); }},
        {"dom-type svm", [](Asked& a) { a.properties["type"] = ""; }, noUuid},
        {"dom-type svm", [](Asked& a) { a.properties["type"] = "svm2"; },
         [](Asked& a) { a.properties["type"] = true; }},
        {"dom-name \"my VM\"", [](Asked& a) { a.properties["name"] = "my vm"; },
         [](Asked& a) { a.properties.erase("name"); }},
        {"dom-name \"my VM\"", [](Asked& a) { a.properties["name"] = "my"; }, noUuid},
        {"if-boolean flag true", [](Asked& a) { a.properties["flag"] = false; },
         [](Asked& a) { a.properties.erase("flag"); }},
        {"if-boolean flag true", [](Asked& a) { a.properties["flag"] = false; },
         [](Asked& a) { a.properties["flag"] = "true"; }},
        {"if-boolean flag true", [](Asked& a) { a.properties["flag"] = false; }, noUuid},
    };
    for (const Case& each : cases)
        checkCondition(each, fullCall());
    checkCondition({"if-boolean flag false", [](Asked& a) { a.properties["flag"] = true; },
                    [](Asked& a) { a.properties.erase("flag"); }},
                   with(fullCall(), [](Asked& a) { a.properties["flag"] = false; }));
}

TEST(Evaluate, RulesAreNotForStubDomainsUnlessTheySaySo) {
    const Asked stub = with(fullCall(), [](Asked& each) { each.subject.stubdom = true; });
    EXPECT_FALSE(allows("allow all", stub));
    EXPECT_TRUE(allows("allow all", fullCall()));
    EXPECT_TRUE(allows("allow stubdom true", stub));
    EXPECT_FALSE(allows("allow stubdom true", fullCall()));
    EXPECT_TRUE(allows("allow stubdom true\ndeny all", stub)) << "the deny is not for stub domains";
}

// Not known to be one, and not known to be none.
TEST(Evaluate, AnUnknownStubDomainFlagHelpsNobody) {
    const Asked unknown = with(fullCall(), [](Asked& each) { each.subject.stubdom.reset(); });
    EXPECT_FALSE(allows("allow all\nallow stubdom true", unknown));
    EXPECT_TRUE(allows("allow all\nallow stubdom true", fullCall()));
}

TEST(Evaluate, AllConditionsOfARuleMustHold) {
    const char* rule =
        "allow destination com.example.D interface com.example.I member Go dom-type svm dom-id 7";
    EXPECT_TRUE(allows(rule, fullCall()));
    EXPECT_FALSE(allows(rule, with(fullCall(), [](Asked& a) { a.message.member = "Stop"; })));
    EXPECT_FALSE(allows(rule, with(fullCall(), [](Asked& a) { a.subject.domid = 8; })));
    EXPECT_FALSE(allows(rule, with(fullCall(), [](Asked& a) { a.properties["type"] = "x"; })));
}

TEST(Evaluate, ConditionsThatAddUpMustAllHold) {
    const Asked two = with(fullCall(), [](Asked& a) { a.properties["other"] = false; });
    EXPECT_TRUE(allows("allow if-boolean flag true if-boolean other false", two));
    EXPECT_FALSE(allows("allow if-boolean flag true if-boolean other true", two));
    EXPECT_TRUE(allows("allow dom-type svm dom-type svm", two));
    EXPECT_FALSE(allows("allow dom-type svm dom-type ndvm", two));
}

TEST(Evaluate, TheSenderOfAnIncomingMessageIsNobodysWord) {
    const Asked in = with(fullCall(), [](Asked& a) { a.message.sender = ":1.5"; });
    const Asked out = with(in, [](Asked& a) { a.message.direction = Direction::outgoing; });
    EXPECT_FALSE(allows("allow sender \":1.5\"", in));
    EXPECT_FALSE(allows("allow all\ndeny sender \":1.6\"", in));
    EXPECT_FALSE(allows("deny out-any sender \":1.5\"", out));
    EXPECT_TRUE(allows("deny out-any sender \":1.6\"", out));
    EXPECT_FALSE(
        allows("deny out-any sender \":1.6\"", with(out, [](Asked& a) { a.message.sender.reset(); })));
}

Asked propertyCall(std::string_view member, std::optional<std::string_view> interface) {
    return with(fullCall(), [&](Asked& a) {
        a.message.interface = "org.freedesktop.DBus.Properties";
        a.message.member = member;
        a.message.arg0 = interface;
    });
}

TEST(Evaluate, AnInterfaceIsAlsoThatOfAPropertiesCall) {
    for (const char* member : {"Get", "Set", "GetAll"}) {
        EXPECT_TRUE(allows("allow interface com.example.I", propertyCall(member, "com.example.I"))) << member;
        EXPECT_FALSE(allows("allow interface com.example.I", propertyCall(member, "com.example.J")))
            << member;
        EXPECT_FALSE(
            allows("allow all\ndeny interface com.example.I", propertyCall(member, "com.example.I")));
        EXPECT_TRUE(allows("allow all\ndeny interface com.example.I", propertyCall(member, "com.example.J")));
        EXPECT_TRUE(
            allows("allow interface org.freedesktop.DBus.Properties", propertyCall(member, "com.example.J")));
        EXPECT_TRUE(
            allows("allow interface org.freedesktop.DBus.Properties", propertyCall(member, std::nullopt)));
    }
    EXPECT_FALSE(allows("allow interface com.example.I", propertyCall("Other", "com.example.I")));
    const Asked signal =
        with(propertyCall("Get", "com.example.I"), [](Asked& a) { a.message.type = MessageType::signal; });
    EXPECT_FALSE(allows("allow interface com.example.I", signal));
    const Asked plain = with(fullCall(), [](Asked& a) {
        a.message.interface = "com.example.J";
        a.message.member = "Get";
        a.message.arg0 = "com.example.I";
    });
    EXPECT_FALSE(allows("allow interface com.example.I", plain)) << "only calls of Properties";
}

// Get of "" asks any interface for the property (D-Bus specification, Properties): it must not walk around a
// deny.
TEST(Evaluate, APropertiesCallThatNamesNoInterfaceDoesNotEscapeADeny) {
    const char* rules = "allow interface org.freedesktop.DBus.Properties\ndeny interface com.example.secret";
    EXPECT_TRUE(allows(rules, propertyCall("Get", "com.example.I")));
    EXPECT_FALSE(allows(rules, propertyCall("Get", "com.example.secret")));
    EXPECT_FALSE(allows(rules, propertyCall("Get", "")));
    EXPECT_FALSE(allows(rules, propertyCall("Get", std::nullopt)));
    EXPECT_FALSE(allows("allow interface com.example.I", propertyCall("Get", "")));
}

TEST(Evaluate, BroadcastSignalsNeedARuleWithoutDestination) {
    const Asked broadcast = with(fullCall(), [](Asked& a) {
        a.message.type = MessageType::signal;
        a.message.destination.reset();
    });
    EXPECT_FALSE(allows("allow destination com.example.D", broadcast));
    EXPECT_TRUE(allows("allow inc-signal interface com.example.I", broadcast));
    EXPECT_FALSE(allows("allow inc-signal\ndeny destination com.example.other", broadcast))
        << "it reaches that one too";
}

TEST(Evaluate, VmRulesComeAfterTheFileAndAreForTheirVm) {
    std::vector<Rule> rules = parseRules("deny all", "f").rules;
    rules.push_back(parseVmRule("allow member Go", oneUuid, 3).rules.at(0));
    const auto set = std::make_shared<const RuleSet>(rules);
    const Verdict verdict = ask(set, fullCall());
    EXPECT_TRUE(verdict.allowed);
    EXPECT_EQ(set->describe(verdict),
              std::string("allowed by VM ") + oneUuid + " rule 3: allow member Go dom-uuid " + oneUuid);
    EXPECT_FALSE(ask(set, with(fullCall(), [](Asked& a) { a.subject.uuid = otherUuid; })).allowed);
}

TEST(Evaluate, AVerdictSaysWhichRuleAndWhy) {
    const auto set = rulesOf("\nallow member Go # yes\n", "/etc/r");
    EXPECT_EQ(set->describe(ask(set, fullCall())), "allowed by /etc/r:2: allow member Go");
    const Asked other = with(fullCall(), [](Asked& a) { a.message.member = "Stop"; });
    EXPECT_EQ(set->describe(ask(set, other)), "denied: no rule matches");
    const Asked out = with(other, [](Asked& a) { a.message.direction = Direction::outgoing; });
    EXPECT_EQ(set->describe(ask(set, out)), "allowed by implicit rule: allow out-any all");
}

TEST(Evaluate, NeededPropertiesAreThoseOfTheRules) {
    const auto set =
        rulesOf("allow if-boolean b true if-boolean a false\ndeny dom-name x\nallow dom-type y dom-type z\n"
                "allow if-boolean b false");
    EXPECT_EQ(set->neededProperties(), (std::vector<std::string>{"a", "b", "name", "type"}));
    EXPECT_TRUE(rulesOf("allow member A")->neededProperties().empty());
}

} // namespace
} // namespace xb::proxy::rules
