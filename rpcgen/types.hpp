// SPDX-License-Identifier: Apache-2.0
// D-Bus type signatures and their C++ types. Rules as of the D-Bus specification, "Type System" and "Valid
// Signatures".
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace xb::rpcgen {

/// Longest signature, and deepest nesting of arrays and, apart from them, structs, dictionary entries among
/// them (D-Bus specification).
inline constexpr std::size_t maxSignatureLength = 255;
inline constexpr int maxTypeNesting = 32;

/// The C++ type of one complete D-Bus type. Throws std::invalid_argument that says what is wrong with the
/// signature.
std::string cppTypeOf(std::string_view signature);

/// Whether a C++ value of this type is better passed by value than by reference (numbers and booleans).
bool isCheapToCopy(std::string_view signature);

/// The C++ literal for an enum value of this type written as `text`. Throws std::invalid_argument that says
/// why not.
std::string literalOf(std::string_view signature, const std::string& text);

/// `text` as a C++ string literal in quotes.
std::string quoted(std::string_view text);

} // namespace xb::rpcgen
