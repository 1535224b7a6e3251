// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/utf8.hpp"

#include <cstdint>
#include <cstring>

namespace xb::proxy::wire {

namespace {

constexpr std::uint64_t ones = 0x0101010101010101;
constexpr std::uint64_t highBits = 0x8080808080808080;

// No byte of the word has its high bit set or is zero: the subtraction borrows into the high bit of a zero
// byte.
bool isPlain(std::uint64_t word) {
    return ((word | (word - ones)) & highBits) == 0;
}

unsigned byteAt(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}

// The length of the character at `at`, whose first byte is not ASCII; 0 if it is none.
std::size_t longCharacter(std::string_view text, std::size_t at) {
    const unsigned first = byteAt(text, at);
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() - at < size)
        return 0;
    // The second byte is where overlong forms, surrogates and what is beyond U+10FFFF show.
    const unsigned second = byteAt(text, at + 1);
    const unsigned lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (second < lowest || second > highest)
        return 0;
    for (std::size_t i = 2; i < size; ++i)
        if ((byteAt(text, at + i) & 0xc0) != 0x80)
            return 0;
    return size;
}

} // namespace

bool isText(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        if (text.size() - at >= sizeof(std::uint64_t)) {
            std::uint64_t word;
            std::memcpy(&word, text.data() + at, sizeof word);
            if (isPlain(word)) {
                at += sizeof word;
                continue;
            }
        }
        const unsigned first = byteAt(text, at);
        const std::size_t size = first == 0 ? 0 : first < 0x80 ? 1 : longCharacter(text, at);
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

} // namespace xb::proxy::wire
