// SPDX-License-Identifier: Apache-2.0
// Compiles rules, and makes rules of them again.
#include "rpc-proxy/rules/rule_set.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

namespace xb::proxy::rules {

namespace {

// A condition in 32 bits: on the message the field and the number of the value, on the peer its place among
// the rule's conditions on the peer.
constexpr unsigned fieldShift = 28;
constexpr std::uint32_t ofPeer = messageFields << fieldShift;
constexpr std::uint32_t placeMask = (1U << fieldShift) - 1;
static_assert(messageFields < 1U << (32 - fieldShift));

std::vector<Condition> peerConditions(const Rule& rule) {
    std::vector<Condition> conditions;
    std::ranges::copy_if(rule.conditions, std::back_inserter(conditions),
                         [](const Condition& each) { return !isMessageField(each.field); });
    return conditions;
}

/// The same text for the same conditions.
std::string keyOf(Rule::Stubdom stubdom, const std::vector<Condition>& conditions) {
    Rule rule;
    rule.stubdom = stubdom;
    rule.conditions = conditions;
    return fmt::format("{}{}", static_cast<int>(stubdom), rule.text());
}

/// Numbers for texts, in the order of their first use.
class Numbers {
public:
    /// The number, and whether it is new.
    std::pair<std::uint32_t, bool> of(const std::string& text) {
        const auto [found, added] = numbers_.try_emplace(text, static_cast<std::uint32_t>(numbers_.size()));
        return {found->second, added};
    }

private:
    std::unordered_map<std::string, std::uint32_t> numbers_;
};

} // namespace

RuleSet::RuleSet(std::span<const Rule> rules) {
    indexFields(rules);
    indexTypes(rules);
    entries_.reserve(rules.size() + 1);
    const Rule first = implicitRule();
    storeRules({&first, 1});
    storeRules(rules);
    conditions_.shrink_to_fit();
    findProperties();
}

void RuleSet::storeRules(std::span<const Rule> rules) {
    Numbers peers;
    for (const auto& each : peers_)
        peers.of(keyOf(each.stubdom, each.conditions));
    for (const Rule& rule : rules) {
        const Origin& origin = rule.origin;
        if (sources_.empty() || sources_.back().kind != origin.kind || sources_.back().name != origin.source)
            sources_.push_back({static_cast<std::uint32_t>(entries_.size()), origin.kind, origin.source});
        std::uint32_t placeOfPeer = 0;
        for (const Condition& each : rule.conditions) {
            const auto field = static_cast<std::uint32_t>(each.field);
            conditions_.push_back(isMessageField(each.field)
                                      ? field << fieldShift | fields_[field].numberOf(each.text)
                                      : ofPeer | placeOfPeer++);
        }
        auto conditions = peerConditions(rule);
        const auto [peer, newPeer] = peers.of(keyOf(rule.stubdom, conditions));
        if (newPeer)
            peers_.push_back({rule.stubdom, std::move(conditions)});
        entries_.push_back({static_cast<std::uint32_t>(conditions_.size()), peer,
                            static_cast<std::uint32_t>(origin.number), rule.action, rule.direction,
                            rule.type});
    }
}

void RuleSet::indexFields(std::span<const Rule> rules) {
    const std::size_t size = rules.size() + 1;
    Bitmap deny(size);
    std::array<std::vector<std::pair<std::uint32_t, std::string_view>>, messageFields> values;
    for (std::uint32_t i = 0; i < rules.size(); ++i) {
        const std::uint32_t number = i + 1;
        if (rules[i].action == Action::deny)
            deny.set(number);
        for (const Condition& each : rules[i].conditions) {
            if (isMessageField(each.field))
                values[static_cast<std::size_t>(each.field)].emplace_back(number, each.text);
        }
    }
    for (std::size_t i = 0; i < messageFields; ++i)
        fields_[i] = FieldIndex(size, values[i], deny);
}

void RuleSet::indexTypes(std::span<const Rule> rules) {
    for (Bitmap& each : types_)
        each = Bitmap(rules.size() + 1);
    const auto add = [this](std::size_t number, const Rule& rule) {
        for (std::size_t type = 0; type < messageTypes; ++type) {
            if (!rule.type || static_cast<std::size_t>(*rule.type) == type)
                types_[static_cast<std::size_t>(rule.direction) * messageTypes + type].set(number);
        }
    };
    add(0, implicitRule());
    for (std::size_t i = 0; i < rules.size(); ++i)
        add(i + 1, rules[i]);
}

void RuleSet::findProperties() {
    std::set<std::string> names;
    for (const PeerConditions& peer : peers_) {
        for (const Condition& each : peer.conditions) {
            if (each.field == Field::domType)
                names.emplace(typeProperty);
            if (each.field == Field::domName)
                names.emplace(nameProperty);
            if (each.field == Field::ifBoolean)
                names.insert(each.text);
        }
    }
    neededProperties_.assign(names.begin(), names.end());
}

Origin RuleSet::origin(std::size_t index) const {
    const auto after = std::ranges::upper_bound(sources_, index, {}, &Source::first);
    const Source& source = *std::prev(after);
    return {source.kind, source.name, entries_.at(index).number};
}

Condition RuleSet::conditionAt(const Entry& entry, std::uint32_t place) const {
    const std::uint32_t field = conditions_[place] >> fieldShift;
    const std::uint32_t number = conditions_[place] & placeMask;
    if (field == messageFields)
        return peers_[entry.peer].conditions[number];
    return {static_cast<Field>(field), std::string(fields_[field].text(number)), false};
}

Rule RuleSet::rule(std::size_t index) const {
    const Entry& entry = entries_.at(index);
    Rule rule;
    rule.action = entry.action;
    rule.direction = entry.direction;
    rule.type = entry.type;
    rule.stubdom = peers_[entry.peer].stubdom;
    for (std::uint32_t i = index == 0 ? 0 : entries_[index - 1].conditionsEnd; i < entry.conditionsEnd; ++i)
        rule.conditions.push_back(conditionAt(entry, i));
    rule.origin = origin(index);
    return rule;
}

std::string RuleSet::describe(const Verdict& verdict) const {
    return fmt::format("{}{} {}", verdict.allowed ? "allowed" : "denied",
                       verdict.rule == Verdict::noRule ? ":" : " by", source(verdict));
}

std::string RuleSet::source(const Verdict& verdict) const {
    if (verdict.rule == Verdict::noRule)
        return "no rule matches";
    return fmt::format("{}: {}", origin(verdict.rule).text(), text(verdict.rule));
}

} // namespace xb::proxy::rules
