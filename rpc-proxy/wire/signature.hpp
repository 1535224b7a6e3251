// SPDX-License-Identifier: Apache-2.0
// Type signatures: which are valid, and where each type in one ends.
#pragma once

#include "rpc-proxy/wire/limits.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace xb::proxy::wire {

/// Bytes of a value of that type if they are always the same (also its alignment), else 0.
constexpr std::size_t fixedSize(char type) {
    switch (type) {
    case 'y':
        return 1;
    case 'n':
    case 'q':
        return 2;
    case 'b':
    case 'i':
    case 'u':
    case 'h':
        return 4;
    case 'x':
    case 't':
    case 'd':
        return 8;
    default:
        return 0;
    }
}

/// Of a value whose signature begins with `type`.
constexpr std::size_t alignmentOf(char type) {
    switch (type) {
    case 'g':
    case 'v':
        return 1;
    case 's':
    case 'o':
    case 'a':
        return 4;
    case '(':
    case '{':
        return 8;
    default:
        return fixedSize(type);
    }
}

/// A signature that has been looked through once: afterwards the end of any of its types is known without
/// searching, so that arrays of arrays cost no more than their bytes.
class SignatureMap {
public:
    /// Whether `signature` is valid; only then the map may be used, and only while those bytes are there.
    bool read(std::string_view signature);

    std::size_t size() const { return size_; }
    char operator[](std::size_t at) const { return text_[at]; }
    /// Behind the complete type that begins at `at`, which is a type's first character.
    std::size_t endOf(std::size_t at) const { return ends_[at]; }

private:
    // Not initialised, since there are arrays of maps: read() fills what is used.
    const char* text_;
    std::uint8_t size_;
    std::array<std::uint8_t, maxSignatureBytes> ends_;
};

/// Any number of complete types, also none.
bool isSignature(std::string_view signature);
/// Exactly one complete type.
bool isSingleType(std::string_view signature);
/// Behind the first complete type of a valid signature that is not empty. O(length).
std::size_t firstTypeEnd(std::string_view signature);

} // namespace xb::proxy::wire
