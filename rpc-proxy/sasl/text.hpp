// SPDX-License-Identifier: Apache-2.0
// Hexadecimal text and words, as the authentication dialogue has them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace xb::proxy::sasl {

std::string toHex(std::string_view text);
/// Nothing if `hex` is not pairs of digits.
std::optional<std::string> fromHex(std::string_view hex);

/// Printable ASCII and blanks: what lines may have.
bool isPrintable(std::string_view text);

/// The first word of a line, and what comes behind the blanks that follow it.
struct Words {
    std::string_view first;
    std::string_view rest;
};
Words splitWord(std::string_view line);

/// 32 hexadecimal digits: the identity of a bus.
bool isGuid(std::string_view text);

} // namespace xb::proxy::sasl
