// SPDX-License-Identifier: Apache-2.0
// Ethernet addresses of virtual network cards.
#pragma once

#include <string>
#include <string_view>

namespace xb {

/// Whether `text` is six pairs of hex digits with colons between.
bool isMacAddress(std::string_view text);

/// A unicast, locally administered address made from `seed`, always the same for the same seed. The classic
/// recipe, kept so that guests keep their addresses: octets are pairs of digits i and i+12 of the seed's MD5
/// in hex, for i = 0, 2, 1, 7, 6, 4; the first octet's low bits are set to 10.
std::string deriveMacAddress(std::string_view seed);

} // namespace xb
