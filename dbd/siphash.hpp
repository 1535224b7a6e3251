// SPDX-License-Identifier: Apache-2.0
// SipHash-1-3 (Aumasson and Bernstein): the keyed hash behind the child index and the fingerprints of files.
// With a secret key nobody can choose names that all fall into one bucket. Pure; cannot fail.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace xb::dbd {

struct SipKey {
    std::uint64_t k0 = 0;
    std::uint64_t k1 = 0;
};

namespace detail {
struct SipState {
    std::uint64_t v0, v1, v2, v3;

    void round() {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }
    void absorb(std::uint64_t word) {
        v3 ^= word;
        round();
        v0 ^= word;
    }
};
} // namespace detail

/// The 64-bit hash of `data` under `key`.
inline std::uint64_t sipHash(SipKey key, std::string_view data) {
    detail::SipState state{key.k0 ^ 0x736f6d6570736575u, key.k1 ^ 0x646f72616e646f6du,
                           key.k0 ^ 0x6c7967656e657261u, key.k1 ^ 0x7465646279746573u};
    const std::uint64_t length = data.size();
    while (data.size() >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, data.data(), 8);
        state.absorb(word);
        data.remove_prefix(8);
    }
    std::uint64_t last = 0;
    if (!data.empty())
        std::memcpy(&last, data.data(), data.size());
    state.absorb(last | (length << 56));
    state.v2 ^= 0xff;
    state.round();
    state.round();
    state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

} // namespace xb::dbd
