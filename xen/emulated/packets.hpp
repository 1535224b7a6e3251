// SPDX-License-Identifier: Apache-2.0
// The little of Ethernet, ARP (RFC 826), IPv4 (RFC 791) and ICMP echo (RFC 792) that an emulated guest and
// the "host" station of an emulated bridge need to reach each other. Pure functions on byte strings;
// malformed frames are nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xb::xen::emulated {

using Mac = std::array<std::uint8_t, 6>;
using Ip = std::uint32_t; ///< in host byte order

/// Somebody with an address on a network.
struct Station {
    Mac mac{};
    Ip ip = 0;
};

/// Address of the host station on every emulated bridge: 10.9.0.1.
inline constexpr Ip hostStationIp = 0x0a090001;

/// aa:bb:cc:dd:ee:ff; nothing when malformed.
std::optional<Mac> parseMac(std::string_view text);
std::string toText(const Mac& mac);
std::optional<Ip> parseIp(std::string_view text);
std::string ipToText(Ip ip);

/// Source and destination of a frame; nothing when it is too short.
std::optional<Mac> sourceOf(std::string_view frame);
std::optional<Mac> destinationOf(std::string_view frame);
bool isGroup(const Mac& mac);

/// What `station` answers to `frame`: an ARP reply or an echo reply, or nothing.
std::optional<std::string> answerTo(std::string_view frame, const Station& station);

std::string arpRequest(const Station& from, Ip whoHas);
/// The MAC that an ARP reply tells for `ip`.
std::optional<Mac> macFromArpReply(std::string_view frame, Ip ip);
std::string echoRequest(const Station& from, const Station& to, std::uint16_t id, std::uint16_t sequence);
/// Whether `frame` is the reply to that request.
bool isEchoReply(std::string_view frame, const Station& to, Ip from, std::uint16_t id,
                 std::uint16_t sequence);

} // namespace xb::xen::emulated
