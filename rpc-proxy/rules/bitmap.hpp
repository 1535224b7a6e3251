// SPDX-License-Identifier: Apache-2.0
// Sets of rules as bits, bit n for rule n, in words of 64; a summary has a bit per word that is not zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xb::proxy::rules {

constexpr std::size_t wordsFor(std::size_t bits) {
    return (bits + 63) / 64;
}

class Bitmap {
public:
    Bitmap() = default;
    explicit Bitmap(std::size_t bits) : words_(wordsFor(bits)), summary_(wordsFor(wordsFor(bits))) {}

    void set(std::size_t bit) {
        const std::size_t word = bit / 64;
        words_[word] |= std::uint64_t{1} << (bit % 64);
        summary_[word / 64] |= std::uint64_t{1} << (word % 64);
    }
    bool test(std::size_t bit) const { return (words_[bit / 64] >> (bit % 64) & 1U) != 0; }

    const std::uint64_t* words() const { return words_.data(); }
    const std::uint64_t* summary() const { return summary_.data(); }

private:
    std::vector<std::uint64_t> words_;
    std::vector<std::uint64_t> summary_;
};

} // namespace xb::proxy::rules
