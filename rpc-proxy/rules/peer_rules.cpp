// SPDX-License-Identifier: Apache-2.0
// The verdict: an intersection of sets of rules, from the last rule down, until one is left.
#include "rpc-proxy/rules/rule_set.hpp"

#include <algorithm>
#include <bit>

namespace xb::proxy::rules {

namespace {

/// The rules that one field of the message satisfies: a bitmap, and the rules of up to two values (an
/// interface, and that whose properties a call is about).
class Term {
public:
    explicit Term(const Bitmap& base) : words_(base.words()), summary_(base.summary()) {}
    Term() = default;

    void add(const FieldIndex::Postings& postings) {
        if (!postings.empty())
            values_[count_++] = postings;
    }

    std::uint64_t summary(std::size_t index) const {
        std::uint64_t bits = summary_[index];
        for (std::size_t i = 0; i < count_; ++i)
            bits |= values_[i].summary(index);
        return bits;
    }
    /// Asked for descending indices.
    std::uint64_t word(std::size_t index) {
        std::uint64_t bits = words_[index];
        for (std::size_t i = 0; i < count_; ++i)
            bits |= values_[i].word(index);
        return bits;
    }

private:
    const std::uint64_t* words_ = nullptr;
    const std::uint64_t* summary_ = nullptr;
    std::array<FieldIndex::Postings, 2> values_{};
    std::size_t count_ = 0;
};

class Intersection {
public:
    void add(const Term& term) { terms_[count_++] = term; }
    void add(const FieldIndex& index, std::optional<std::string_view> value) {
        if (index.unused())
            return;
        Term term(value ? index.free() : index.absent());
        if (value)
            term.add(index.find(*value));
        add(term);
    }

    /// The highest rule in all of them, below `rules`.
    std::optional<std::size_t> last(std::size_t rules) {
        for (std::size_t block = wordsFor(wordsFor(rules)); block-- > 0;) {
            std::uint64_t candidates = summaries(block);
            while (candidates != 0) {
                const std::size_t bit = highest(candidates);
                const std::size_t index = block * 64 + bit;
                if (const std::uint64_t bits = words(index); bits != 0)
                    return index * 64 + highest(bits);
                candidates ^= std::uint64_t{1} << bit;
            }
        }
        return std::nullopt;
    }

private:
    static std::size_t highest(std::uint64_t bits) {
        return 63U - static_cast<std::size_t>(std::countl_zero(bits));
    }

    std::uint64_t summaries(std::size_t block) const {
        std::uint64_t bits = ~std::uint64_t{0};
        for (std::size_t i = 0; i < count_; ++i)
            bits &= terms_[i].summary(block);
        return bits;
    }
    std::uint64_t words(std::size_t index) {
        std::uint64_t bits = ~std::uint64_t{0};
        for (std::size_t i = 0; i < count_ && bits != 0; ++i)
            bits &= terms_[i].word(index);
        return bits;
    }

    std::array<Term, messageFields + 2> terms_; // the fields, the type, and what applies to the peer
    std::size_t count_ = 0;
};

Term interfaceTerm(const FieldIndex& index, const Message& message) {
    if (!message.interface)
        return Term(index.absent());
    const bool properties = isPropertyCall(message);
    const bool ofUnknown = properties && (!message.arg0 || message.arg0->empty());
    Term term(ofUnknown ? index.absent() : index.free());
    term.add(index.find(*message.interface));
    if (properties && !ofUnknown)
        term.add(index.find(*message.arg0));
    return term;
}

} // namespace

PeerRules::PeerRules(std::shared_ptr<const RuleSet> rules, const Subject& subject,
                     const Properties& properties)
    : rules_(std::move(rules)), applicable_(rules_->size()) {
    std::vector<Truth> truths;
    truths.reserve(rules_->peers_.size());
    for (const RuleSet::PeerConditions& peer : rules_->peers_) {
        Truth truth = truthOf(peer.stubdom, subject);
        for (const Condition& each : peer.conditions)
            truth = std::min(truth, truthOf(each, subject, properties));
        truths.push_back(truth);
    }
    for (std::size_t i = 0; i < rules_->size(); ++i) {
        if (matches(rules_->entries_[i].action, truths[rules_->entries_[i].peer]))
            applicable_.set(i);
    }
}

Verdict PeerRules::evaluate(const Message& message) const {
    const RuleSet& set = *rules_;
    const auto field = [&set](Field which) -> const FieldIndex& {
        return set.fields_[static_cast<std::size_t>(which)];
    };
    Intersection sets;
    sets.add(Term(set.ofType(message.direction, message.type)));
    sets.add(Term(applicable_));
    sets.add(field(Field::destination), message.destination);
    if (!field(Field::interface).unused())
        sets.add(interfaceTerm(field(Field::interface), message));
    sets.add(field(Field::member), message.member);
    sets.add(field(Field::sender), message.direction == Direction::incoming ? std::nullopt : message.sender);
    sets.add(field(Field::arg0), message.arg0);
    const auto found = sets.last(set.size());
    if (!found)
        return {};
    return {set.entries_[*found].action == Action::allow, static_cast<std::uint32_t>(*found)};
}

} // namespace xb::proxy::rules
