// SPDX-License-Identifier: Apache-2.0
#include "toolstack/libs/mac_address.hpp"

#include <boost/uuid/detail/md5.hpp>

#include <array>
#include <cctype>

namespace xb {

bool isMacAddress(std::string_view text) {
    if (text.size() != 17)
        return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (i % 3 == 2 ? text[i] != ':' : !std::isxdigit(static_cast<unsigned char>(text[i])))
            return false;
    return true;
}

std::string deriveMacAddress(std::string_view seed) {
    constexpr std::array<std::size_t, 6> places{0, 2, 1, 7, 6, 4};
    constexpr char hex[] = "0123456789abcdef";
    boost::uuids::detail::md5 hash;
    hash.process_bytes(seed.data(), seed.size());
    boost::uuids::detail::md5::digest_type digest;
    hash.get_digest(digest);
    // Digit n of the digest in hex; Boost hands out the digest as four numbers, first byte highest.
    auto digit = [&digest](std::size_t n) {
        const unsigned byte = (digest[n / 8] >> (24 - 8 * ((n % 8) / 2))) & 0xffU;
        return n % 2 == 0 ? byte >> 4 : byte & 0xfU;
    };
    std::string mac;
    for (std::size_t i = 0; i < places.size(); ++i) {
        unsigned octet = digit(places[i]) << 4 | digit(places[i] + 12);
        if (i == 0)
            octet = (octet & 0xfeU) | 2U;
        if (i > 0)
            mac += ':';
        mac += hex[octet >> 4];
        mac += hex[octet & 0xfU];
    }
    return mac;
}

} // namespace xb
