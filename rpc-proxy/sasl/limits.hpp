// SPDX-License-Identifier: Apache-2.0
// The limits of the authentication dialogue.
#pragma once

#include <cstddef>

namespace xb::proxy::sasl {

/// A line with its CR LF. The longest that a mechanism of ours asks for is an ANONYMOUS trace (RFC 4505: 255
/// characters, so 510 hexadecimal digits); an identity for EXTERNAL is far shorter. A client that is no
/// client cannot make the proxy hold more than this.
inline constexpr std::size_t maxLineBytes = 1024;
/// Lines of one dialogue. The longest of the known clients has five; there is no secret to try for.
inline constexpr std::size_t maxLines = 32;

} // namespace xb::proxy::sasl
