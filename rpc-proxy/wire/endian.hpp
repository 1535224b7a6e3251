// SPDX-License-Identifier: Apache-2.0
// Numbers in the byte order of a message, at any address. The caller has checked the bounds.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace xb::proxy::wire {

/// As in a message's first byte.
enum class Endian : char { little = 'l', big = 'B' };

inline constexpr Endian ownEndian = std::endian::native == std::endian::little ? Endian::little : Endian::big;

template <std::unsigned_integral T>
constexpr T swapBytes(T value) {
    if constexpr (sizeof(T) == 8)
        return __builtin_bswap64(value);
    else if constexpr (sizeof(T) == 4)
        return __builtin_bswap32(value);
    else if constexpr (sizeof(T) == 2)
        return __builtin_bswap16(value);
    else
        return value;
}

template <std::unsigned_integral T>
T load(const char* at, Endian endian) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return endian == ownEndian ? value : swapBytes(value);
}

template <std::unsigned_integral T>
void store(char* at, T value, Endian endian) {
    if (endian != ownEndian)
        value = swapBytes(value);
    std::memcpy(at, &value, sizeof value);
}

/// `offset` rounded up to a multiple of `alignment`, a power of two.
constexpr std::size_t alignUp(std::size_t offset, std::size_t alignment) {
    return (offset + alignment - 1) & ~(alignment - 1);
}

} // namespace xb::proxy::wire
