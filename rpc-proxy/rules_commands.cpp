// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/rules_commands.hpp"

#include "rpc-proxy/rules/explain.hpp"
#include "rpc-proxy/rules/lint.hpp"
#include "rpc-proxy/rules/parser.hpp"
#include "rpc-proxy/rules_file.hpp"
#include "toolstack/libs/error.hpp"

#include <charconv>

namespace xb::proxy {

namespace {

struct Question {
    rules::Message message;
    rules::Subject subject;
    rules::Properties properties;
};

std::optional<std::string_view> text(const rules::Rule& rule, rules::Field field) {
    const std::string* const value = rule.value(field);
    return value ? std::optional<std::string_view>(*value) : std::nullopt;
}

// Borrows from `rule`.
Question questionOf(const rules::Rule& rule) {
    Question q;
    q.message.direction = rule.direction;
    q.message.type = rule.type.value_or(rules::MessageType::other);
    q.message.destination = text(rule, rules::Field::destination);
    q.message.interface = text(rule, rules::Field::interface);
    q.message.member = text(rule, rules::Field::member);
    q.message.sender = text(rule, rules::Field::sender);
    q.message.arg0 = text(rule, rules::Field::arg0);
    q.subject.stubdom = rule.stubdom == rules::Rule::Stubdom::yes;
    for (const rules::Condition& condition : rule.conditions) {
        if (condition.field == rules::Field::domUuid)
            q.subject.uuid = condition.text;
        else if (condition.field == rules::Field::domType)
            q.properties.insert_or_assign(std::string(rules::typeProperty), condition.text);
        else if (condition.field == rules::Field::domName)
            q.properties.insert_or_assign(std::string(rules::nameProperty), condition.text);
        else if (condition.field == rules::Field::ifBoolean)
            q.properties.insert_or_assign(condition.text, condition.truth);
        else if (condition.field == rules::Field::domId)
            std::from_chars(condition.text.data(), condition.text.data() + condition.text.size(),
                            q.subject.domid.emplace());
    }
    // Properties are those of a VM, which has a UUID.
    if (!q.subject.uuid && !q.properties.empty())
        q.subject.uuid = "00000000-0000-0000-0000-000000000000";
    return q;
}

} // namespace

std::string checkRules(const std::filesystem::path& file) {
    const rules::RuleSet set(readRulesFile(file));
    return rules::lintText(set, rules::lint(set));
}

std::string explainMessage(const std::filesystem::path& file, const std::string& message) {
    const rules::RuleSet set(readRulesFile(file));
    const std::string asRule = "allow " + message;
    const rules::ParseResult parsed = rules::parseAddedRule(asRule, 1);
    if (!parsed.ok())
        throw Error(errors::invalidArgs, "the message is written like a rule without its first word: " +
                                             parsed.errors.front().text);
    const Question q = questionOf(parsed.rules.front());
    return rules::explainText(set, rules::explain(set, q.message, q.subject, q.properties));
}

} // namespace xb::proxy
