// SPDX-License-Identifier: Apache-2.0
// D-Bus values as the text that scripts have always been reading from xec:
//   bool true/false; numbers plain; strings and paths raw; an array one element per line (none: an empty
//   line); a dictionary "{", `  "key" = value` lines, "}"; a struct one member per line; a variant what is in
//   it; bytes as a quoted string with escapes.
#pragma once

#include "toolstack/xec/value.hpp"

#include <string>
#include <string_view>

namespace xb::xec {

/// The value's text, without a newline at its end.
std::string printValue(const Value& value);
/// One line `  "key"`, padded to `width` columns after the indentation, ` = value`; without a newline.
std::string printEntry(std::string_view key, const Value& value, std::size_t width);

/// Bytes as a quoted string: printable ASCII as it is, the rest as escapes like \n, \NUL and \255; \& parts
/// an escape from a digit (or \SO from an H) that would change it.
std::string quoteBytes(std::string_view bytes);
/// The shortest text that reads back as the number, always with a fraction: 5.0, 0.25, 1.0e-2, 1.5e7.
std::string printDouble(double number);

} // namespace xb::xec
