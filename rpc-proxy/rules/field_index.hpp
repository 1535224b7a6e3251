// SPDX-License-Identifier: Apache-2.0
// One field of the message, all rules: which of them a value satisfies. A look-up is one hash; what it finds
// are the rules with that very value, as (word, bits) pairs, beside those that do not look at the field. It
// also keeps the values themselves, each once: rules name them by their number.
#pragma once

#include "rpc-proxy/rules/bitmap.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xb::proxy::rules {

class FieldIndex {
public:
    /// The rules with one value, by words of 64. Borrowed, but for a value of one rule.
    class Postings {
    public:
        Postings() = default;
        /// `words` ascend; `summary` has a bit for each of them.
        Postings(const std::uint32_t* words, const std::uint64_t* bits, std::size_t count,
                 const std::uint64_t* summary)
            : words_(words), bits_(bits), summary_(summary), above_(count) {}
        explicit Postings(std::uint32_t rule)
            : only_(rule / 64), onlyBits_(std::uint64_t{1} << (rule % 64)) {}

        bool empty() const { return summary_ == nullptr && onlyBits_ == 0; }
        std::uint64_t summary(std::size_t index) const {
            if (summary_ != nullptr)
                return summary_[index];
            return only_ / 64 == index ? std::uint64_t{1} << (only_ % 64) : 0;
        }
        /// The rules of that word. Ask for descending words.
        std::uint64_t word(std::size_t index) {
            if (summary_ == nullptr)
                return only_ == index ? onlyBits_ : 0;
            return wordOfMany(index);
        }

    private:
        std::uint64_t wordOfMany(std::size_t index) {
            // The next one down as a rule; where many were skipped, not one by one.
            if (above_ > 0 && words_[above_ - 1] > index)
                --above_;
            if (above_ > 0 && words_[above_ - 1] > index)
                above_ = static_cast<std::size_t>(std::upper_bound(words_, words_ + above_, index) - words_);
            return above_ > 0 && words_[above_ - 1] == index ? bits_[above_ - 1] : 0;
        }

        const std::uint32_t* words_ = nullptr;
        const std::uint64_t* bits_ = nullptr;
        const std::uint64_t* summary_ = nullptr; // null: one rule
        std::size_t above_ = 0;                  // words before this one are to come
        std::uint32_t only_ = 0;                 // the word of the one rule
        std::uint64_t onlyBits_ = 0;
    };

    FieldIndex() = default;
    /// `values`: rule and value of each rule with a condition on this field. `deny`: which rules deny.
    FieldIndex(std::size_t rules, const std::vector<std::pair<std::uint32_t, std::string_view>>& values,
               const Bitmap& deny);

    /// Whether no rule looks at this field: every value satisfies all.
    bool unused() const { return values_.empty(); }
    /// Rules that a known value satisfies, whatever it is.
    const Bitmap& free() const { return free_; }
    /// Rules that match where the field is absent.
    const Bitmap& absent() const { return absent_; }
    /// Rules with this very value; empty if there are none. Does not allocate.
    Postings find(std::string_view value) const;

    /// The number of a value that some rule has, below 2^28.
    std::uint32_t numberOf(std::string_view value) const { return slots_[slotOf(value)] - 1; }
    /// The value with that number.
    std::string_view text(std::uint32_t number) const {
        const std::uint32_t begin = number == 0 ? 0 : values_[number - 1].textEnd;
        return std::string_view(texts_).substr(begin, values_[number].textEnd - begin);
    }

private:
    static constexpr std::uint32_t many = 1U << 31U;

    struct Value {
        std::uint32_t textEnd = 0; // in texts_
        std::uint32_t rules = 0;   // the rule; or `many` and an index into lists_
    };

    void addValue(std::string_view text, std::uint32_t rule);
    void addRule(std::uint32_t rule);
    void addToList(std::uint32_t rule);
    void makeSlots();
    std::size_t slotOf(std::string_view value) const;

    Bitmap free_;
    Bitmap absent_;
    std::string texts_;
    std::vector<Value> values_;            // sorted by text
    std::vector<std::uint32_t> lists_;     // of values of several rules: where it ends in words_ and bits_
    std::vector<std::uint32_t> words_;     // as a list: ascending
    std::vector<std::uint64_t> bits_;      // of each word
    std::vector<std::uint64_t> summaries_; // summaryWords_ for each list
    std::vector<std::uint32_t> slots_;     // 1 + index into values_, 0: empty; open addressing
    std::size_t summaryWords_ = 0;
};

} // namespace xb::proxy::rules
