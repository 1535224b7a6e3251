// SPDX-License-Identifier: Apache-2.0
// Goes through the rules one by one, with the same truth of a condition as the compiled rules.
#include "rpc-proxy/rules/explain.hpp"

#include <fmt/format.h>

namespace xb::proxy::rules {

namespace {

struct Question {
    const Message& message;
    const Subject& subject;
    const Properties& properties;
};

/// What one rule makes of the message.
struct Outcome {
    std::size_t failed = 0;
    std::string firstFailure;
    std::string unknown; // that a deny matched on
};

std::string shown(std::optional<std::string_view> value) {
    return value ? quoted(*value) : std::string("absent");
}

std::string shown(const Properties& properties, std::string_view name) {
    const auto found = properties.find(name);
    if (found == properties.end())
        return "unknown";
    if (const bool* truth = std::get_if<bool>(&found->second))
        return *truth ? "true" : "false";
    return quoted(std::get<std::string>(found->second));
}

std::string interfaceOf(const Message& message) {
    if (!isPropertyCall(message))
        return shown(message.interface);
    return fmt::format("{}, about the properties of {}", shown(message.interface),
                       message.arg0.value_or("").empty() ? "any interface" : shown(message.arg0));
}

/// What the question has in the place of the condition.
std::string actual(Field field, const std::string& property, const Question& question) {
    const Message& message = question.message;
    switch (field) {
    case Field::destination:
        return shown(message.destination);
    case Field::interface:
        return interfaceOf(message);
    case Field::member:
        return shown(message.member);
    case Field::sender:
        return message.direction == Direction::incoming ? "unknown (incoming)" : shown(message.sender);
    case Field::arg0:
        return shown(message.arg0);
    case Field::domUuid:
        return question.subject.uuid ? *question.subject.uuid : "unknown";
    case Field::domId:
        return question.subject.domid ? std::to_string(*question.subject.domid) : "unknown";
    case Field::domType:
        return shown(question.properties, typeProperty);
    case Field::domName:
        return shown(question.properties, nameProperty);
    case Field::ifBoolean:
        return shown(question.properties, property);
    }
    return "unknown";
}

void note(Outcome& outcome, Action action, Truth truth, const std::string& text) {
    if (!matches(action, truth)) {
        if (++outcome.failed == 1)
            outcome.firstFailure = text;
    } else if (truth == Truth::unknown) {
        outcome.unknown += outcome.unknown.empty() ? text : ", " + text;
    }
}

void noteStubdom(Outcome& outcome, const Rule& rule, const Question& question) {
    const auto stubdom = question.subject.stubdom;
    note(outcome, rule.action, truthOf(rule.stubdom, question.subject),
         fmt::format("stubdom is {}, the rule has {}",
                     !stubdom   ? "unknown"
                     : *stubdom ? "true"
                                : "false",
                     rule.stubdom == Rule::Stubdom::yes ? "true" : "false"));
}

/// Nothing for a rule that is for other messages.
std::optional<Outcome> outcomeOf(const Rule& rule, const Question& question) {
    if (rule.direction != question.message.direction || (rule.type && *rule.type != question.message.type))
        return std::nullopt;
    Outcome outcome;
    noteStubdom(outcome, rule, question);
    for (const Condition& each : rule.conditions) {
        const Truth truth = isMessageField(each.field) ? truthOf(each, question.message)
                                                       : truthOf(each, question.subject, question.properties);
        const bool boolean = each.field == Field::ifBoolean;
        const std::string name = boolean ? each.text : std::string(fieldName(each.field));
        const std::string wanted = !boolean ? quoted(each.text) : each.truth ? "true" : "false";
        note(outcome, rule.action, truth,
             fmt::format("{} is {}, the rule has {}", name, actual(each.field, each.text, question), wanted));
    }
    return outcome;
}

void addStep(std::vector<Explanation::Step>& steps, std::size_t rule, std::string text) {
    if (steps.size() < maxExplainedRules)
        steps.push_back({rule, std::move(text)});
}

std::string onUnknown(const Outcome& outcome) {
    return outcome.unknown.empty() ? "" : "what is unknown does not escape a deny: " + outcome.unknown;
}

std::string stepLines(const RuleSet& rules, std::string_view title,
                      const std::vector<Explanation::Step>& steps) {
    std::string text;
    for (const auto& each : steps) {
        text += fmt::format("{} {}: {}\n", title, rules.origin(each.rule).text(), rules.text(each.rule));
        if (!each.text.empty())
            text += fmt::format("    {}\n", each.text);
    }
    return text;
}

} // namespace

Explanation explain(const RuleSet& rules, const Message& message, const Subject& subject,
                    const Properties& properties) {
    Explanation explanation;
    for (std::size_t i = rules.size(); i-- > 0;) {
        const Rule rule = rules.rule(i);
        const auto outcome = outcomeOf(rule, {message, subject, properties});
        if (!outcome || outcome->failed > 1)
            continue;
        if (outcome->failed == 1) {
            addStep(explanation.nearly, i, outcome->firstFailure);
        } else if (explanation.verdict.rule != Verdict::noRule) {
            addStep(explanation.overruled, i, onUnknown(*outcome));
        } else {
            explanation.verdict = {rule.action == Action::allow, static_cast<std::uint32_t>(i)};
            explanation.note = onUnknown(*outcome);
        }
    }
    return explanation;
}

std::string explainText(const RuleSet& rules, const Explanation& explanation) {
    std::string text = rules.describe(explanation.verdict) + "\n";
    if (!explanation.note.empty())
        text += fmt::format("    {}\n", explanation.note);
    text += stepLines(rules, "overruled:", explanation.overruled);
    text += stepLines(rules, "missed by one condition:", explanation.nearly);
    return text;
}

} // namespace xb::proxy::rules
