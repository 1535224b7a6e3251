// SPDX-License-Identifier: Apache-2.0
// The text that D-Bus strings may hold.
#pragma once

#include "toolstack/libs/utf8.hpp"

#include <string_view>

namespace xb::proxy::wire {

/// Whether `text` is UTF-8 (shortest forms, no surrogates, up to U+10FFFF) without NUL; noncharacters are
/// passed on, as the specification says.
inline bool isText(std::string_view text) {
    return isUtf8Text(text, Noncharacters::taken);
}

} // namespace xb::proxy::wire
