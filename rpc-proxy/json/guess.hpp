// SPDX-License-Identifier: Apache-2.0
// Types for values that nobody gave a type: what a variant holds, and the arguments of a call whose signature
// neither the client nor the callee tells.
//
// boolean b, string s; a number u, i, x or d, whichever is the first to hold it (in a variant i, x or d); an
// object a{sv}; an array of bytes ay, of strings as (also an empty one), of booleans ab, of other numbers the
// first of u, i, x and d that holds all, of objects aa{sv}, and of anything else av.
#pragma once

#include "rpc-proxy/json/values.hpp"

#include <string>

namespace xb::proxy::json {

/// Of the elements of `args`, an array. Throws xb::Error (InvalidArgs) for null, and for more types than a
/// signature may have.
std::string guessSignature(Value args);
/// Of the content of a variant; the same error.
std::string guessVariant(Value content);

} // namespace xb::proxy::json
