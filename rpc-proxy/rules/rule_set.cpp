// SPDX-License-Identifier: Apache-2.0
// Compiles rules. They are kept as text, which is a third of their size as data and read again where somebody
// wants to know.
#include "rpc-proxy/rules/rule_set.hpp"

#include "rpc-proxy/rules/parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>

namespace xb::proxy::rules {

namespace {

/// For what was a rule already: a VM's rule has one condition more than it was written with.
Limits unlimited() {
    Limits limits;
    limits.lineBytes = limits.tokenBytes = limits.conditions = SIZE_MAX;
    return limits;
}

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
    std::vector<Rule> first(1, implicitRule());
    sources_.reserve(rules.size() + 1);
    storeRules(first);
    storeRules(rules);
    texts_.shrink_to_fit();
    indexFields(rules);
    indexTypes(rules);
    findProperties();
}

void RuleSet::storeRules(std::span<const Rule> rules) {
    Numbers names;
    Numbers peers;
    for (const auto& each : sourceNames_)
        names.of(each);
    for (const auto& each : peers_)
        peers.of(keyOf(each.stubdom, each.conditions));
    for (const Rule& rule : rules) {
        texts_ += rule.text();
        const auto [name, newName] = names.of(rule.origin.source);
        if (newName)
            sourceNames_.push_back(rule.origin.source);
        auto conditions = peerConditions(rule);
        const auto [peer, newPeer] = peers.of(keyOf(rule.stubdom, conditions));
        if (newPeer)
            peers_.push_back({rule.stubdom, std::move(conditions)});
        sources_.push_back({static_cast<std::uint32_t>(texts_.size()), peer, name,
                            static_cast<std::uint32_t>(rule.origin.number), rule.origin.kind, rule.action});
    }
}

void RuleSet::indexFields(std::span<const Rule> rules) {
    Bitmap deny(size());
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
        fields_[i] = FieldIndex(size(), values[i], deny);
}

void RuleSet::indexTypes(std::span<const Rule> rules) {
    for (Bitmap& each : types_)
        each = Bitmap(size());
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

std::string_view RuleSet::text(std::size_t index) const {
    const std::size_t start = index == 0 ? 0 : sources_.at(index - 1).textEnd;
    return std::string_view(texts_).substr(start, sources_.at(index).textEnd - start);
}

Origin RuleSet::origin(std::size_t index) const {
    const Source& source = sources_.at(index);
    return {source.kind, sourceNames_[source.name], source.number};
}

Rule RuleSet::rule(std::size_t index) const {
    if (index == 0)
        return implicitRule();
    Rule rule = parseAddedRule(text(index), 0, unlimited()).rules.at(0);
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
