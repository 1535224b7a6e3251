// SPDX-License-Identifier: Apache-2.0
// One function per kind of finding.
#include "rpc-proxy/rules/lint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace xb::proxy::rules {

namespace {

constexpr std::string_view busName = "org.freedesktop.DBus";

struct BusMember {
    std::string_view interface, member;
};
/// What lets a caller listen to others, start programs, or change the bus for everybody.
constexpr std::array<BusMember, 5> dangerousMembers{{{"org.freedesktop.DBus.Monitoring", "BecomeMonitor"},
                                                     {busName, "StartServiceByName"},
                                                     {busName, "UpdateActivationEnvironment"},
                                                     {busName, "ReloadConfig"},
                                                     {"org.freedesktop.DBus.Verbose", "EnableVerbose"}}};

/// Interfaces that every service has: an allow for one of them, to any destination, opens them all.
constexpr std::array<std::string_view, 4> commonInterfaces{
    propertiesInterface, "org.freedesktop.DBus.Introspectable", "org.freedesktop.DBus.ObjectManager",
    "org.freedesktop.DBus.Peer"};

bool has(const Rule& rule, const Condition& condition) {
    return std::ranges::find(rule.conditions, condition) != rule.conditions.end();
}

/// Whether every (completely known) message that `rule` matches is matched by `wider` too.
bool covers(const Rule& wider, const Rule& rule) {
    if (wider.direction != rule.direction || wider.stubdom != rule.stubdom ||
        (wider.type && wider.type != rule.type))
        return false;
    return std::ranges::all_of(wider.conditions, [&rule](const Condition& each) { return has(rule, each); });
}

bool mayCall(const Rule& rule) {
    return rule.action == Action::allow && rule.direction == Direction::incoming &&
           (!rule.type || *rule.type == MessageType::methodCall);
}

/// Why no message can meet the condition; empty if one can.
std::string impossible(const Rule& rule, const Condition& condition) {
    const std::string& value = condition.text;
    if (condition.field == Field::sender && rule.direction == Direction::incoming)
        return "the sender of an incoming message is the client's own claim and counts as unknown";
    if (condition.field == Field::domId && value == "0")
        return "what comes from dom0 is not checked";
    if (condition.field == Field::interface && value.find('.') == std::string::npos)
        return fmt::format("{} is no interface: those have a dot", quoted(value));
    if (condition.field == Field::member && value.find_first_of(".-") != std::string::npos)
        return fmt::format("{} is no member: those have no dot and no dash", quoted(value));
    if (condition.field == Field::destination && value.find('.') == std::string::npos)
        return fmt::format("{} is no bus name: those have a dot", quoted(value));
    return "";
}

/// Why two conditions exclude each other; empty if they do not.
std::string contradiction(const Condition& one, const Condition& other) {
    if (one.field != other.field)
        return "";
    const bool text = one.field == Field::domType || one.field == Field::domName;
    if (text && one.text != other.text)
        return fmt::format("{} cannot be both {} and {}", fieldName(one.field), quoted(one.text),
                           quoted(other.text));
    if (one.field == Field::ifBoolean && one.text == other.text && one.truth != other.truth)
        return fmt::format("{} cannot be both true and false", one.text);
    return "";
}

std::string whyNeverHolds(const Rule& rule) {
    for (std::size_t i = 0; i < rule.conditions.size(); ++i) {
        std::string why = impossible(rule, rule.conditions[i]);
        for (std::size_t j = 0; j < i && why.empty(); ++j)
            why = contradiction(rule.conditions[j], rule.conditions[i]);
        if (!why.empty())
            return why;
    }
    return "";
}

class Linter {
public:
    explicit Linter(const RuleSet& set) : set_(set) {
        for (std::size_t i = 0; i < set.size(); ++i)
            rules_.push_back(set.rule(i));
    }

    std::vector<Finding> run() {
        for (std::size_t i = 1; i < rules_.size(); ++i) { // the implicit rule is not the writer's
            checkType(i);
            checkConditions(i);
            checkOverridden(i);
            checkWildcard(i);
            checkBusMembers(i);
        }
        return std::move(findings_);
    }

private:
    void add(Finding::Kind kind, std::size_t rule, std::string text) {
        findings_.push_back({kind, rule, std::move(text)});
    }

    void checkType(std::size_t index) {
        const auto type = rules_[index].type;
        if (type == MessageType::methodReturn || type == MessageType::error)
            add(Finding::Kind::unreachable, index,
                "rules are not asked about replies: one passes if it answers an open call, and no other "
                "does");
    }

    void checkConditions(std::size_t index) {
        const std::string why = whyNeverHolds(rules_[index]);
        if (why.empty())
            return;
        const bool allow = rules_[index].action == Action::allow;
        add(Finding::Kind::neverHolds, index,
            fmt::format("{}: {}",
                        allow ? "this rule can never match" : "this rule matches only what is unknown", why));
    }

    void checkOverridden(std::size_t index) {
        const Rule& rule = rules_[index];
        for (std::size_t later = index + 1; later < rules_.size(); ++later) {
            const Rule& wider = rules_[later];
            // A deny that never holds overrides nothing that is known; an allow that never holds overrides
            // nothing.
            if (!covers(wider, rule) || !whyNeverHolds(wider).empty())
                continue;
            const std::string place = set_.origin(later).text();
            if (wider.action == rule.action && wider.conditions.size() == rule.conditions.size() &&
                wider.type == rule.type)
                add(Finding::Kind::duplicate, index, fmt::format("{} says the same", place));
            else
                add(Finding::Kind::shadowed, index,
                    fmt::format("never decides: {} ({}) comes later and matches whatever this one does",
                                place, set_.text(later)));
            return;
        }
    }

    void checkWildcard(std::size_t index) {
        const Rule& rule = rules_[index];
        if (!mayCall(rule) || rule.value(Field::destination) != nullptr)
            return;
        const std::string* interface = rule.value(Field::interface);
        if (interface == nullptr)
            add(Finding::Kind::wildcard, index,
                "allows calls to every service of dom0: it names no destination");
        else if (std::ranges::find(commonInterfaces, *interface) != commonInterfaces.end())
            add(Finding::Kind::wildcard, index,
                fmt::format("allows {} on every service of dom0: it names no destination", *interface));
    }

    void checkBusMembers(std::size_t index) {
        if (!mayCall(rules_[index]))
            return;
        std::string open;
        for (const BusMember& each : dangerousMembers) {
            if (opens(index, each))
                open += fmt::format("{}{}", open.empty() ? "" : ", ", each.member);
        }
        if (!open.empty())
            add(Finding::Kind::busMember, index,
                fmt::format("allows dangerous methods of the bus itself: {}", open));
    }

    /// Whether the rule allows a call of `member`, and no later rule denies all those again.
    bool opens(std::size_t index, const BusMember& member) const {
        const auto call = narrowed(rules_[index], member);
        if (!call)
            return false;
        return std::none_of(
            rules_.begin() + static_cast<std::ptrdiff_t>(index) + 1, rules_.end(),
            [&](const Rule& later) { return later.action == Action::deny && covers(later, *call); });
    }

    /// The part of `rule` that is about `member`; nothing if it is not about it.
    static std::optional<Rule> narrowed(Rule rule, const BusMember& member) {
        rule.type = MessageType::methodCall;
        for (const auto& [field, text] : {std::pair{Field::destination, busName},
                                          {Field::interface, member.interface},
                                          {Field::member, member.member}}) {
            const std::string* value = rule.value(field);
            if (value != nullptr && *value != text)
                return std::nullopt;
            if (value == nullptr)
                rule.conditions.push_back({field, std::string(text), false});
        }
        return rule;
    }

    const RuleSet& set_;
    std::vector<Rule> rules_;
    std::vector<Finding> findings_;
};

} // namespace

std::vector<Finding> lint(const RuleSet& rules) {
    return Linter(rules).run();
}

std::string lintText(const RuleSet& rules, const std::vector<Finding>& findings) {
    std::string text;
    for (const Finding& each : findings)
        text += fmt::format("{}: warning: {}\n", rules.origin(each.rule).text(), each.text);
    return text;
}

} // namespace xb::proxy::rules
