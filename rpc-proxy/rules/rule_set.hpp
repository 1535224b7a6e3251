// SPDX-License-Identifier: Apache-2.0
// Rules in force: immutable, compiled once, asked per message. What a peer is (its identity, its VM's
// properties) changes seldom, what it sends with every message. So PeerRules works out once which rules can
// apply to a peer at all, and a verdict only intersects that set with, for each field that rules look at, the
// set of rules which the message's value satisfies; the highest bit left is the last matching rule.
//
// Cost of a verdict: one hash per field in use, then the words of 64 rules in which every one of those sets
// has a member: as a rule one or two, whatever the number of rules; at worst all of them (10 000 rules: 157
// words). It allocates nothing. Making PeerRules is linear in the number of rules.
//
// A set keeps nothing twice: a rule is what it says, with numbers for its values, which are in the index. Its
// text is made of that where somebody wants to know.
#pragma once

#include "rpc-proxy/rules/field_index.hpp"
#include "rpc-proxy/rules/query.hpp"

#include <array>
#include <memory>
#include <span>

namespace xb::proxy::rules {

/// The answer: whether the message passes, and which rule of the set said so.
struct Verdict {
    static constexpr std::uint32_t noRule = UINT32_MAX;

    bool allowed = false;
    /// Index into the set; noRule: none matched, hence denied.
    std::uint32_t rule = noRule;
};

class RuleSet {
public:
    /// The implicit rule, then `rules` in this order: those of the file, those that were added, those of the
    /// VMs. They are as the parser makes them (what it refuses must not be in them).
    explicit RuleSet(std::span<const Rule> rules = {});

    /// With the implicit rule, which is number 0.
    std::size_t size() const { return entries_.size(); }
    /// The rule again, its origin included. Index below size().
    Rule rule(std::size_t index) const;
    /// As it is written.
    std::string text(std::size_t index) const { return rule(index).text(); }
    Origin origin(std::size_t index) const;
    /// `allowed by ORIGIN: RULE`, or `denied: no rule matches`.
    std::string describe(const Verdict& verdict) const;
    /// `ORIGIN: RULE`, or `no rule matches`.
    std::string source(const Verdict& verdict) const;

    /// The names of the properties of VMs that its rules depend on, sorted.
    const std::vector<std::string>& neededProperties() const { return neededProperties_; }

private:
    friend class PeerRules;
    static constexpr std::size_t messageTypes = 5;

    /// The conditions on the peer that one or more rules have.
    struct PeerConditions {
        Rule::Stubdom stubdom = Rule::Stubdom::no;
        std::vector<Condition> conditions;
    };
    struct Entry {
        std::uint32_t conditionsEnd = 0; // in conditions_
        std::uint32_t peer = 0;          // in peers_
        std::uint32_t number = 0;        // of its origin
        Action action = Action::deny;
        Direction direction = Direction::incoming;
        std::optional<MessageType> type;
    };
    /// From where on rules have this origin, but for its number.
    struct Source {
        std::uint32_t first = 0;
        Origin::Kind kind = Origin::Kind::implicit;
        std::string name;
    };

    void storeRules(std::span<const Rule> rules);
    void indexFields(std::span<const Rule> rules);
    void indexTypes(std::span<const Rule> rules);
    void findProperties();
    Condition conditionAt(const Entry& entry, std::uint32_t place) const;
    const Bitmap& ofType(Direction direction, MessageType type) const {
        return types_[static_cast<std::size_t>(direction) * messageTypes + static_cast<std::size_t>(type)];
    }

    std::vector<Entry> entries_;
    std::vector<std::uint32_t>
        conditions_;              // in the order of the rules and of their conditions: see conditionAt()
    std::vector<Source> sources_; // ascending
    std::vector<PeerConditions> peers_;
    std::array<FieldIndex, messageFields> fields_;
    std::array<Bitmap, 2 * messageTypes> types_;
    std::vector<std::string> neededProperties_;
};

/// A rule set as it applies to one peer. Make a new one when the rules, or a property that they need, change.
class PeerRules {
public:
    /// `rules` is not null.
    PeerRules(std::shared_ptr<const RuleSet> rules, const Subject& subject, const Properties& properties);

    /// Does not allocate, cannot fail.
    Verdict evaluate(const Message& message) const;
    const RuleSet& rules() const { return *rules_; }

private:
    std::shared_ptr<const RuleSet> rules_;
    Bitmap applicable_;
};

} // namespace xb::proxy::rules
