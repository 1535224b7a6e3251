// SPDX-License-Identifier: Apache-2.0
// Built once: values sorted, then hashed. The keys are the rules' (trusted): a message cannot lengthen a
// probe chain.
#include "rpc-proxy/rules/field_index.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

namespace xb::proxy::rules {

FieldIndex::FieldIndex(std::size_t rules,
                       const std::vector<std::pair<std::uint32_t, std::string_view>>& values,
                       const Bitmap& deny)
    : free_(rules), absent_(rules), summaryWords_(wordsFor(wordsFor(rules))) {
    Bitmap conditioned(rules);
    for (const auto& [rule, text] : values)
        conditioned.set(rule);
    for (std::size_t rule = 0; rule < rules; ++rule) {
        if (!conditioned.test(rule))
            free_.set(rule);
        if (!conditioned.test(rule) || deny.test(rule))
            absent_.set(rule);
    }
    auto sorted = values;
    std::ranges::sort(sorted, {}, [](const auto& each) { return std::pair(each.second, each.first); });
    for (const auto& [rule, value] : sorted) {
        if (!values_.empty() && text(static_cast<std::uint32_t>(values_.size() - 1)) == value)
            addRule(rule);
        else
            addValue(value, rule);
    }
    texts_.shrink_to_fit(); // it stays as it is
    values_.shrink_to_fit();
    lists_.shrink_to_fit();
    words_.shrink_to_fit();
    bits_.shrink_to_fit();
    summaries_.shrink_to_fit();
    makeSlots();
}

void FieldIndex::addValue(std::string_view text, std::uint32_t rule) {
    texts_ += text;
    values_.push_back({static_cast<std::uint32_t>(texts_.size()), rule});
}

/// Another rule with the value that was added last; rules ascend.
void FieldIndex::addRule(std::uint32_t rule) {
    Value& value = values_.back();
    if ((value.rules & many) == 0) {
        const std::uint32_t first =
            std::exchange(value.rules, many | static_cast<std::uint32_t>(lists_.size()));
        lists_.push_back(static_cast<std::uint32_t>(words_.size()));
        summaries_.resize(summaries_.size() + summaryWords_);
        addToList(first);
    }
    addToList(rule);
}

void FieldIndex::addToList(std::uint32_t rule) {
    const std::uint32_t begin = lists_.size() < 2 ? 0 : lists_[lists_.size() - 2];
    const std::uint32_t word = rule / 64;
    if (lists_.back() == begin || words_.back() != word) {
        words_.push_back(word);
        bits_.push_back(0);
        ++lists_.back();
    }
    bits_.back() |= std::uint64_t{1} << (rule % 64);
    summaries_[summaries_.size() - summaryWords_ + word / 64] |= std::uint64_t{1} << (word % 64);
}

void FieldIndex::makeSlots() {
    if (values_.empty())
        return;
    slots_.resize(std::bit_ceil(values_.size() * 2));
    for (std::uint32_t i = 0; i < values_.size(); ++i)
        slots_[slotOf(text(i))] = i + 1;
}

/// Where `value` is, or the empty slot where it would be: at least half of them are empty.
std::size_t FieldIndex::slotOf(std::string_view value) const {
    std::size_t slot = std::hash<std::string_view>()(value) & (slots_.size() - 1);
    while (slots_[slot] != 0 && text(slots_[slot] - 1) != value)
        slot = (slot + 1) & (slots_.size() - 1);
    return slot;
}

FieldIndex::Postings FieldIndex::find(std::string_view value) const {
    const std::uint32_t found = unused() ? 0 : slots_[slotOf(value)];
    if (found == 0)
        return {};
    const std::uint32_t rules = values_[found - 1].rules;
    if ((rules & many) == 0)
        return Postings(rules);
    const std::size_t list = rules & ~many;
    const std::size_t begin = list == 0 ? 0 : lists_[list - 1];
    return {&words_[begin], &bits_[begin], lists_[list] - begin, &summaries_[list * summaryWords_]};
}

} // namespace xb::proxy::rules
