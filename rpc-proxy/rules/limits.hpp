// SPDX-License-Identifier: Apache-2.0
// What a rules file may weigh. A breach is an error of the file like any other.
#pragma once

#include <cstddef>

namespace xb::proxy::rules {

/// In bytes where a name says so.
struct Limits {
    std::size_t fileBytes = 4 * 1024 * 1024;
    std::size_t lineBytes = 4096;
    /// Of one value, without its quotes. D-Bus names have at most 255.
    std::size_t tokenBytes = 1024;
    /// Of one file.
    std::size_t rules = 16384;
    /// Of one rule.
    std::size_t conditions = 32;
    /// Reported of one file; the rest is only said to exist.
    std::size_t errors = 32;
};

/// The largest number of a domain that is not reserved (Xen's DOMID_FIRST_RESERVED - 1).
inline constexpr unsigned maxDomid = 0x7FEF;

} // namespace xb::proxy::rules
