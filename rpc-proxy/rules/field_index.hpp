// SPDX-License-Identifier: Apache-2.0
// One field of the message, all rules: which of them a value satisfies. A look-up is one hash; what it finds
// are the rules with that very value, as (word, bits) pairs, beside those that do not look at the field.
#pragma once

#include "rpc-proxy/rules/bitmap.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xb::proxy::rules {

class FieldIndex {
public:
    /// The words of the rules with one value, ascending. Borrowed.
    struct Postings {
        const std::uint32_t* words = nullptr;
        const std::uint64_t* bits = nullptr;
        std::size_t count = 0;
        const std::uint64_t* summary = nullptr;
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
    /// Rules with this very value; count 0 if there are none. Does not allocate.
    Postings find(std::string_view value) const;

private:
    struct Value {
        std::uint32_t text = 0, length = 0;   // in texts_
        std::uint32_t posting = 0, count = 0; // in words_ and bits_
    };

    std::string_view textOf(const Value& value) const { return {texts_.data() + value.text, value.length}; }
    void addValue(std::string_view text);
    void addPosting(std::size_t rule);
    void makeSlots();
    std::size_t slotOf(std::string_view text) const;

    Bitmap free_;
    Bitmap absent_;
    std::string texts_;
    std::vector<Value> values_;
    std::vector<std::uint32_t> words_;
    std::vector<std::uint64_t> bits_;
    std::vector<std::uint64_t> summaries_; // summaryWords_ for each value
    std::vector<std::uint32_t> slots_;     // 1 + index into values_, 0: empty; open addressing
    std::size_t summaryWords_ = 0;
};

} // namespace xb::proxy::rules
