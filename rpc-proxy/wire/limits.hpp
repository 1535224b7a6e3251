// SPDX-License-Identifier: Apache-2.0
// The limits of the D-Bus specification, and those that an instance of the proxy chooses.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xb::proxy::wire {

inline constexpr std::uint32_t maxMessageBytes = std::uint32_t{128} << 20;
/// Content of one array; the header fields are one.
inline constexpr std::uint32_t maxArrayBytes = std::uint32_t{64} << 20;
inline constexpr std::size_t maxSignatureBytes = 255;
inline constexpr std::size_t maxNameBytes = 255;

/// Open arrays, structs and dict entries within one signature, each.
inline constexpr std::size_t maxSignatureNesting = 32;
/// Containers around one value, variants included. The elements of an array of numbers are not counted, and
/// neither is an empty array's missing element: as in the reference implementation, so that what a bus lets
/// through passes here.
inline constexpr std::size_t maxValueDepth = 64;

/// What one instance accepts. For a bus the specification's; less for guests, who make the proxy hold what
/// they send.
struct Limits {
    std::uint32_t messageBytes = maxMessageBytes; ///< header and body
};

} // namespace xb::proxy::wire
