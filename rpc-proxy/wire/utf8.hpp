// SPDX-License-Identifier: Apache-2.0
// The text that D-Bus strings may hold.
#pragma once

#include <string_view>

namespace xb::proxy::wire {

/// Whether `text` is UTF-8 (shortest forms, no surrogates, up to U+10FFFF) without NUL. Plain ASCII is
/// checked eight bytes at a time.
bool isText(std::string_view text);

} // namespace xb::proxy::wire
