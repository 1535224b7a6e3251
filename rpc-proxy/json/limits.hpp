// SPDX-License-Identifier: Apache-2.0
// What a browser may send, and which numbers it can hold.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xb::proxy::json {

/// The largest text of one message from a client.
inline constexpr std::size_t maxTextBytes = std::size_t{1} << 20;
/// Arrays and objects within each other: the message, its args, and as many as D-Bus allows around a value.
inline constexpr std::size_t maxDepth = 2 + 64;
/// Integers beyond it, in either direction, have no exact double: they travel as decimal strings.
inline constexpr std::uint64_t maxExactInteger = (std::uint64_t{1} << 53) - 1;

/// What one instance accepts.
struct Limits {
    std::size_t textBytes = maxTextBytes; ///< of one message
    std::size_t depth = maxDepth;         ///< of arrays and objects within each other
};

} // namespace xb::proxy::json
