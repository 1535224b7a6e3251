// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/packets.hpp"

#include <algorithm>
#include <charconv>

namespace xb::xen::emulated {

namespace {

constexpr std::size_t ethernetHeader = 14;
constexpr std::size_t arpLength = 28;
constexpr std::size_t ipHeader = 20;
constexpr std::size_t icmpHeader = 8;
constexpr std::uint16_t typeIp = 0x0800;
constexpr std::uint16_t typeArp = 0x0806;
constexpr std::uint8_t protocolIcmp = 1;
constexpr std::uint8_t icmpEchoReply = 0;
constexpr std::uint8_t icmpEchoRequest = 8;
constexpr Mac broadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

std::uint8_t byteAt(std::string_view data, std::size_t at) {
    return static_cast<std::uint8_t>(data.at(at));
}

std::uint16_t u16At(std::string_view data, std::size_t at) {
    return static_cast<std::uint16_t>((byteAt(data, at) << 8) | byteAt(data, at + 1));
}

std::uint32_t u32At(std::string_view data, std::size_t at) {
    return (static_cast<std::uint32_t>(u16At(data, at)) << 16) | u16At(data, at + 2);
}

Mac macAt(std::string_view data, std::size_t at) {
    Mac mac{};
    for (std::size_t i = 0; i < mac.size(); ++i)
        mac[i] = byteAt(data, at + i);
    return mac;
}

void put8(std::string& to, unsigned value) {
    to.push_back(static_cast<char>(value & 0xff));
}

void put16(std::string& to, unsigned value) {
    put8(to, value >> 8);
    put8(to, value);
}

void put32(std::string& to, std::uint32_t value) {
    put16(to, value >> 16);
    put16(to, value & 0xffff);
}

void putMac(std::string& to, const Mac& mac) {
    for (const auto byte : mac)
        put8(to, byte);
}

void set16(std::string& data, std::size_t at, std::uint16_t value) {
    data.at(at) = static_cast<char>(value >> 8);
    data.at(at + 1) = static_cast<char>(value & 0xff);
}

// The Internet checksum (RFC 1071).
std::uint16_t checksum(std::string_view data) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < data.size(); i += 2)
        sum += static_cast<std::uint32_t>(byteAt(data, i) << 8) +
               (i + 1 < data.size() ? byteAt(data, i + 1) : 0u);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

std::string ethernet(const Mac& to, const Mac& from, std::uint16_t type) {
    std::string frame;
    putMac(frame, to);
    putMac(frame, from);
    put16(frame, type);
    return frame;
}

std::string arp(const Mac& frameTo, std::uint16_t operation, const Station& from, const Station& to) {
    std::string frame = ethernet(frameTo, from.mac, typeArp);
    put16(frame, 1); // Ethernet
    put16(frame, typeIp);
    put8(frame, 6);
    put8(frame, 4);
    put16(frame, operation);
    putMac(frame, from.mac);
    put32(frame, from.ip);
    putMac(frame, to.mac);
    put32(frame, to.ip);
    return frame;
}

std::string icmp(const Station& from, const Station& to, std::string message) {
    set16(message, 2, checksum(message));
    std::string header;
    put8(header, 0x45);
    put8(header, 0);
    put16(header, static_cast<unsigned>(ipHeader + message.size()));
    put32(header, 0); // not fragmented
    put8(header, 64);
    put8(header, protocolIcmp);
    put16(header, 0);
    put32(header, from.ip);
    put32(header, to.ip);
    set16(header, 10, checksum(header));
    return ethernet(to.mac, from.mac, typeIp) + header + message;
}

// The ICMP message of an unfragmented IPv4 frame; nothing for others and for damaged ones.
std::optional<std::string_view> icmpOf(std::string_view frame) {
    if (frame.size() < ethernetHeader + ipHeader || u16At(frame, 12) != typeIp)
        return std::nullopt;
    const auto packet = frame.substr(ethernetHeader);
    const std::size_t header = static_cast<std::size_t>(byteAt(packet, 0) & 0xf) * 4;
    const std::size_t total = u16At(packet, 2);
    if (byteAt(packet, 0) >> 4 != 4 || header < ipHeader || total < header + icmpHeader ||
        total > packet.size() || (u16At(packet, 6) & 0x3fff) != 0 || byteAt(packet, 9) != protocolIcmp ||
        checksum(packet.substr(0, header)) != 0)
        return std::nullopt;
    const auto message = packet.substr(header, total - header);
    return checksum(message) == 0 ? std::optional(message) : std::nullopt;
}

bool isArp(std::string_view frame, std::uint16_t operation) {
    return frame.size() >= ethernetHeader + arpLength && u16At(frame, 12) == typeArp &&
           u16At(frame, 14) == 1 && u16At(frame, 16) == typeIp && byteAt(frame, 18) == 6 &&
           byteAt(frame, 19) == 4 && u16At(frame, 20) == operation;
}

} // namespace

std::optional<Mac> parseMac(std::string_view text) {
    if (text.size() != 17)
        return std::nullopt;
    Mac mac{};
    for (std::size_t i = 0; i < mac.size(); ++i) {
        const char* at = text.data() + i * 3;
        const auto [end, error] = std::from_chars(at, at + 2, mac[i], 16);
        if (error != std::errc() || end != at + 2 || (i < 5 && text[i * 3 + 2] != ':'))
            return std::nullopt;
    }
    return mac;
}

std::string toText(const Mac& mac) {
    constexpr const char* digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : mac) {
        if (!text.empty())
            text += ':';
        text += digits[byte >> 4];
        text += digits[byte & 0xf];
    }
    return text;
}

std::optional<Ip> parseIp(std::string_view text) {
    Ip ip = 0;
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    for (int part = 0; part < 4; ++part) {
        if (part > 0 && (at == end || *at++ != '.'))
            return std::nullopt;
        std::uint8_t value = 0;
        const auto [next, error] = std::from_chars(at, end, value);
        if (error != std::errc())
            return std::nullopt;
        at = next;
        ip = (ip << 8) | value;
    }
    return at == end ? std::optional(ip) : std::nullopt;
}

std::string ipToText(Ip ip) {
    return std::to_string(ip >> 24) + "." + std::to_string(ip >> 16 & 0xff) + "." +
           std::to_string(ip >> 8 & 0xff) + "." + std::to_string(ip & 0xff);
}

std::optional<Mac> destinationOf(std::string_view frame) {
    return frame.size() < ethernetHeader ? std::nullopt : std::optional(macAt(frame, 0));
}

std::optional<Mac> sourceOf(std::string_view frame) {
    return frame.size() < ethernetHeader ? std::nullopt : std::optional(macAt(frame, 6));
}

bool isGroup(const Mac& mac) {
    return (mac[0] & 1) != 0;
}

std::optional<std::string> answerTo(std::string_view frame, const Station& station) {
    if (isArp(frame, 1) && u32At(frame, 38) == station.ip) {
        const Station asker{macAt(frame, 22), u32At(frame, 28)};
        return arp(asker.mac, 2, station, asker);
    }
    const auto message = icmpOf(frame);
    if (!message || destinationOf(frame) != station.mac || u32At(frame, ethernetHeader + 16) != station.ip ||
        byteAt(*message, 0) != icmpEchoRequest)
        return std::nullopt;
    std::string reply(*message);
    reply[0] = static_cast<char>(icmpEchoReply);
    set16(reply, 2, 0);
    return icmp(station, Station{macAt(frame, 6), u32At(frame, ethernetHeader + 12)}, std::move(reply));
}

std::string arpRequest(const Station& from, Ip whoHas) {
    return arp(broadcast, 1, from, Station{Mac{}, whoHas});
}

std::optional<Mac> macFromArpReply(std::string_view frame, Ip ip) {
    if (!isArp(frame, 2) || u32At(frame, 28) != ip)
        return std::nullopt;
    return macAt(frame, 22);
}

std::string echoRequest(const Station& from, const Station& to, std::uint16_t id, std::uint16_t sequence) {
    std::string message;
    put8(message, icmpEchoRequest);
    put8(message, 0);
    put16(message, 0);
    put16(message, id);
    put16(message, sequence);
    message += "xen-guest echo data";
    return icmp(from, to, std::move(message));
}

bool isEchoReply(std::string_view frame, const Station& to, Ip from, std::uint16_t id,
                 std::uint16_t sequence) {
    const auto message = icmpOf(frame);
    return message && destinationOf(frame) == to.mac && u32At(frame, ethernetHeader + 12) == from &&
           byteAt(*message, 0) == icmpEchoReply && u16At(*message, 4) == id && u16At(*message, 6) == sequence;
}

} // namespace xb::xen::emulated
