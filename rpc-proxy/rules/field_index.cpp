// SPDX-License-Identifier: Apache-2.0
// Built once: values sorted, then hashed. The keys are the rules' (trusted): a message cannot lengthen a
// probe chain.
#include "rpc-proxy/rules/field_index.hpp"

#include <algorithm>
#include <bit>
#include <functional>

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
    for (const auto& [rule, text] : sorted) {
        if (values_.empty() || textOf(values_.back()) != text)
            addValue(text);
        addPosting(rule);
    }
    texts_.shrink_to_fit(); // it stays as it is
    values_.shrink_to_fit();
    words_.shrink_to_fit();
    bits_.shrink_to_fit();
    summaries_.shrink_to_fit();
    makeSlots();
}

void FieldIndex::addValue(std::string_view text) {
    values_.push_back({static_cast<std::uint32_t>(texts_.size()), static_cast<std::uint32_t>(text.size()),
                       static_cast<std::uint32_t>(words_.size()), 0});
    texts_ += text;
    summaries_.resize(summaries_.size() + summaryWords_);
}

void FieldIndex::addPosting(std::size_t rule) {
    Value& value = values_.back();
    const std::size_t word = rule / 64;
    if (value.count == 0 || words_.back() != word) {
        words_.push_back(static_cast<std::uint32_t>(word));
        bits_.push_back(0);
        ++value.count;
    }
    bits_.back() |= std::uint64_t{1} << (rule % 64);
    summaries_[summaries_.size() - summaryWords_ + word / 64] |= std::uint64_t{1} << (word % 64);
}

void FieldIndex::makeSlots() {
    if (values_.empty())
        return;
    slots_.resize(std::bit_ceil(values_.size() * 2));
    for (std::size_t i = 0; i < values_.size(); ++i)
        slots_[slotOf(textOf(values_[i]))] = static_cast<std::uint32_t>(i + 1);
}

/// Where `text` is, or the empty slot where it would be: at least half of them are empty.
std::size_t FieldIndex::slotOf(std::string_view text) const {
    std::size_t slot = std::hash<std::string_view>()(text) & (slots_.size() - 1);
    while (slots_[slot] != 0 && textOf(values_[slots_[slot] - 1]) != text)
        slot = (slot + 1) & (slots_.size() - 1);
    return slot;
}

FieldIndex::Postings FieldIndex::find(std::string_view value) const {
    const std::uint32_t found = unused() ? 0 : slots_[slotOf(value)];
    if (found == 0)
        return {};
    const Value& entry = values_[found - 1];
    return {&words_[entry.posting], &bits_[entry.posting], entry.count,
            &summaries_[(found - 1) * summaryWords_]};
}

} // namespace xb::proxy::rules
