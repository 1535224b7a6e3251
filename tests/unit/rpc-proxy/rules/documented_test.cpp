// SPDX-License-Identifier: Apache-2.0
// The rules that the platform's documentation gives as examples, and those that its VM templates carry. Of
// each: the message that it is about passes, and every twin that differs in one thing does not.
#include "tests/unit/rpc-proxy/rules/ask.hpp"

#include <array>

namespace xb::proxy::rules {
namespace {

constexpr std::array<const char*, 20> documented{
    // stub domains
    "allow stubdom true destination com.citrix.xenclient.surfman",
    "allow stubdom true destination com.citrix.xenclient.xenmgr",
    "allow stubdom true destination org.freedesktop.DBus interface org.freedesktop.DBus",
    // diagnostics
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.diag member gather",
    // the switcher bar
    "allow destination com.citrix.xenclient.xenmgr interface org.freedesktop.DBus.Properties member Get",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr member list_vms",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.vm member "
    "get_db_key",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.vm member read_icon",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.vm member switch",
    "allow destination com.citrix.xenclient.input interface com.citrix.xenclient.input member "
    "get_focus_domid",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr member "
    "find_vm_by_domid",
    // requests
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.guestreq "
    "member request_attention",
    // the domstore
    "allow destination com.citrix.xenclient.db interface com.citrix.xenclient.db member read "
    "if-boolean domstore-read-access true",
    "allow destination com.citrix.xenclient.db interface com.citrix.xenclient.db member read_binary "
    "if-boolean domstore-read-access true",
    "allow destination com.citrix.xenclient.db interface com.citrix.xenclient.db member list "
    "if-boolean domstore-read-access true",
    "allow destination com.citrix.xenclient.db interface com.citrix.xenclient.db member exists "
    "if-boolean domstore-read-access true",
    "allow destination com.citrix.xenclient.db interface com.citrix.xenclient.db member write "
    "if-boolean domstore-write-access true",
    "allow destination com.citrix.xenclient.db interface com.citrix.xenclient.db member rm "
    "if-boolean domstore-write-access true",
    // by the type of the domain
    "allow dom-type syncvm destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.vm "
    "member add_disk",
    // everything
    "allow all",
};

constexpr std::array<const char*, 29> ofTemplates{
    "allow destination org.freedesktop.DBus interface org.freedesktop.DBus",
    "allow destination com.citrix.xenclient.xenmgr interface org.freedesktop.DBus.Properties member Get",
    "allow destination com.citrix.xenclient.networkdaemon",
    "allow destination org.freedesktop.ConsoleKit interface org.freedesktop.ConsoleKit.Manager "
    "member GetSessionForUnixProcess",
    "allow destination org.freedesktop.UPower",
    "allow destination org.freedesktop.UPower.Device",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.config",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.config.ui",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.policy",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.diag",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.testing",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.vm",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.vm.product",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.vm.auth",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.vm.pci",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.powersettings",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.host",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.installer",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.vmdisk",
    "allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.vmnic",
    "allow destination com.citrix.xenclient.input",
    "allow destination com.citrix.xenclient.usbdaemon",
    "allow destination com.citrix.xenclient.updatemgr",
    "allow destination com.citrix.xenclient.networkdaemon",
    "allow destination com.citrix.xenclient.xcpmd interface com.citrix.xenclient.xcpmd",
    "allow all",
    "allow inc-signal interface com.citrix.xenclient.guest",
    "allow dom-type ndvm",
};

/// The call that `rule` is about, from a domain as the rule wants it. Borrows the rule.
Asked callFor(const Rule& rule) {
    Asked asked = fullCall();
    if (rule.type)
        asked.message.type = *rule.type;
    asked.subject.stubdom = rule.stubdom == Rule::Stubdom::yes;
    for (const Condition& each : rule.conditions) {
        if (each.field == Field::destination)
            asked.message.destination = each.text;
        if (each.field == Field::interface)
            asked.message.interface = each.text;
        if (each.field == Field::member)
            asked.message.member = each.text;
        if (each.field == Field::domType)
            asked.properties["type"] = each.text;
        if (each.field == Field::ifBoolean)
            asked.properties[each.text] = each.truth;
    }
    return asked;
}

/// `asked` with what the condition looks at changed.
Asked twinOf(Asked asked, const Condition& condition) {
    switch (condition.field) {
    case Field::destination:
        asked.message.destination = "com.citrix.xenclient.other";
        break;
    case Field::interface:
        asked.message.interface = "com.citrix.xenclient.other";
        break;
    case Field::member:
        asked.message.member = "other";
        break;
    case Field::domType:
        asked.properties["type"] = "other";
        break;
    case Field::ifBoolean:
        asked.properties[condition.text] = !condition.truth;
        break;
    case Field::domUuid:
        asked.subject.uuid = otherUuid;
        break;
    default:
        ADD_FAILURE() << "no twin for " << fieldName(condition.field);
    }
    return asked;
}

void checkWithTwins(const Rule& rule) {
    const auto set = std::make_shared<const RuleSet>(std::vector<Rule>{rule});
    const Asked asked = callFor(rule);
    EXPECT_TRUE(ask(set, asked).allowed) << rule.text();
    for (const Condition& each : rule.conditions)
        EXPECT_FALSE(ask(set, twinOf(asked, each)).allowed)
            << rule.text() << " without its " << fieldName(each.field);
    const Asked stubdom = with(asked, [](Asked& a) { a.subject.stubdom = !*a.subject.stubdom; });
    EXPECT_FALSE(ask(set, stubdom).allowed) << rule.text();
}

TEST(Documented, EveryExampleAllowsWhatItSaysAndNothingElse) {
    for (const char* line : documented) {
        const ParseResult result = parseRules(line, "f");
        ASSERT_TRUE(result.ok()) << result.errorText(line);
        checkWithTwins(result.rules.at(0));
    }
}

TEST(Documented, EveryRuleOfATemplateIsTakenAndIsForItsVm) {
    for (const char* line : ofTemplates) {
        const ParseResult result = parseVmRule(line, oneUuid, 1);
        ASSERT_TRUE(result.ok()) << result.errorText(line);
        checkWithTwins(result.rules.at(0));
    }
}

// The UI VM's template, in short: everything of config but to set it.
TEST(Documented, TheTemplatesDenyTakesSetBack) {
    std::vector<Rule> rules;
    for (const char* line :
         {"allow destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.config",
          "deny destination com.citrix.xenclient.xenmgr interface com.citrix.xenclient.xenmgr.config "
          "member Set"})
        rules.push_back(parseVmRule(line, oneUuid, rules.size()).rules.at(0));
    const auto set = std::make_shared<const RuleSet>(rules);
    Asked call = fullCall();
    call.message.destination = "com.citrix.xenclient.xenmgr";
    call.message.interface = "org.freedesktop.DBus.Properties";
    call.message.arg0 = "com.citrix.xenclient.xenmgr.config";
    call.message.member = "Get";
    EXPECT_TRUE(ask(set, call).allowed);
    call.message.member = "Set";
    EXPECT_FALSE(ask(set, call).allowed);
}

} // namespace
} // namespace xb::proxy::rules
