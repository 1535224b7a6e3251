// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/channels/channel.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/uuid.hpp"

#include <charconv>

#include <fmt/format.h>

namespace xb::proxy {

namespace {

// DOMID_FIRST_RESERVED of Xen's public/xen.h, less one.
constexpr std::uint32_t maxDomid = 0x7FEF;

[[noreturn]] void refuse(std::string_view channel, std::string_view why) {
    throw Error(errors::invalidArgs, fmt::format("channel {}: {}", channel, why));
}

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t most) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > most)
        return std::nullopt;
    return value;
}

std::uint16_t port(std::string_view channel, std::string_view text) {
    const auto value = number(text, UINT16_MAX);
    if (!value || *value == 0)
        refuse(channel, fmt::format("\"{}\" is no port (1 to {})", text, UINT16_MAX));
    return static_cast<std::uint16_t>(*value);
}

void parseTcp(std::string_view text, std::string_view rest, Channel& channel) {
    channel.kind = Channel::Kind::tcp;
    const std::size_t colon = rest.rfind(':');
    if (colon != std::string_view::npos) {
        std::string_view host = rest.substr(0, colon);
        if (host.starts_with('[') && host.ends_with(']'))
            host = host.substr(1, host.size() - 2);
        if (host.empty())
            refuse(text, "the host is empty; tcp:PORT is this machine alone");
        channel.host = host;
        rest.remove_prefix(colon + 1);
    }
    channel.port = port(text, rest);
}

void parseVchan(std::string_view text, std::string_view rest, bool connecting, Channel& channel) {
    channel.kind = Channel::Kind::vchan;
    const std::size_t colon = rest.find(':');
    channel.port = port(text, rest.substr(0, colon));
    if ((colon != std::string_view::npos) != connecting)
        refuse(text, connecting ? "which domain? vchan:PORT:DOMID, or vchan:PORT:UUID"
                                : "any domain may come: vchan:PORT is what is listened on");
    if (!connecting)
        return;
    const std::string_view domain = rest.substr(colon + 1);
    if (isUuid(domain))
        channel.uuid = domain;
    else if (!(channel.domid = number(domain, maxDomid)))
        refuse(text, fmt::format("\"{}\" is neither a domain's number nor a UUID", domain));
}

Channel parse(std::string_view text, bool connecting) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos)
        refuse(text, "unix:FILE, tcp:[HOST:]PORT, serial:DEVICE or vchan:PORT is meant");
    const std::string_view kind = text.substr(0, colon);
    const std::string_view rest = text.substr(colon + 1);
    Channel channel;
    if (kind == "tcp") {
        parseTcp(text, rest, channel);
    } else if (kind == "vchan") {
        parseVchan(text, rest, connecting, channel);
    } else if (kind == "unix" || kind == "serial") {
        channel.kind = kind == "unix" ? Channel::Kind::unixSocket : Channel::Kind::serial;
        if (rest.empty() || rest.find('\0') != std::string_view::npos)
            refuse(text, "no file is named");
        channel.file = rest;
    } else if (kind.starts_with("argo") || kind.starts_with("v4v")) {
        refuse(text, connecting ? "domains are reached over vchan here: use vchan:PORT:DOMID, or "
                                  "vchan:PORT:UUID"
                                : "domains come over vchan here: use vchan:PORT");
    } else {
        refuse(text, "its kind is not known; there are unix, tcp, serial and vchan");
    }
    return channel;
}

} // namespace

std::string Channel::text() const {
    switch (kind) {
    case Kind::unixSocket:
        return "unix:" + file;
    case Kind::serial:
        return "serial:" + file;
    case Kind::tcp:
        if (host.empty())
            return fmt::format("tcp:{}", port);
        return host.find(':') == std::string::npos ? fmt::format("tcp:{}:{}", host, port)
                                                   : fmt::format("tcp:[{}]:{}", host, port);
    case Kind::vchan:
        break;
    }
    if (domid)
        return fmt::format("vchan:{}:{}", port, *domid);
    return uuid.empty() ? fmt::format("vchan:{}", port) : fmt::format("vchan:{}:{}", port, uuid);
}

Channel listenChannel(std::string_view text) {
    return parse(text, false);
}

Channel connectChannel(std::string_view text) {
    return parse(text, true);
}

} // namespace xb::proxy
