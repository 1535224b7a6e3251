// SPDX-License-Identifier: Apache-2.0
// Command-line words as D-Bus values. The type decides what a word may look like:
//   integers  decimal, '-' where the type has a sign      d  digits[.digits]      b  true false 1 0
//   s, o      the word itself; inside a container quoted with ' or ", with \\ and \ before that quote
//   arrays, structs  [a, b]      dictionaries  {k: v}      variants, signatures, descriptors  not supported
// What follows a complete value is ignored: scripts rely on it.
#pragma once

#include "toolstack/xec/value.hpp"

#include <string_view>

namespace xb::xec {

/// Parses a word; throws xb::Error (InvalidArgs) that says what is wrong.
Value parseValue(const Type& type, std::string_view word);

/// Whether a text is an object path (D-Bus specification, "Valid Object Paths").
bool isObjectPath(std::string_view text);

} // namespace xb::xec
