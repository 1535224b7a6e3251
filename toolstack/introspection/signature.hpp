// SPDX-License-Identifier: Apache-2.0
// D-Bus type signatures as trees. They come from other programs' introspection data, so length and depth are
// bounded as the D-Bus specification says; a signature that is not well formed throws xb::Error
// (InvalidArgs).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace xb::introspection {

/// Longest signature (D-Bus specification, "Valid Signatures").
inline constexpr std::size_t signatureLimit = 255;
/// Deepest nesting of arrays and of structs; each may be reached, as in the specification.
inline constexpr int signatureDepthLimit = 32;

/// One complete type.
struct Type {
    /// Type code; '(' for a struct, '{' for a dict entry (only inside an array).
    char code = 0;
    /// The element of an array, the members of a struct, key and value of a dict entry.
    std::vector<Type> inner;

    bool isDict() const { return code == 'a' && inner[0].code == '{'; }
    /// The signature that this type was parsed from.
    std::string text() const;
};

/// All complete types of a signature, in order.
std::vector<Type> parseSignature(std::string_view signature);
/// A signature of exactly one complete type.
Type parseType(std::string_view signature);

} // namespace xb::introspection
