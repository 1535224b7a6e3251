// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/websocket/access.hpp"

#include "toolstack/libs/utf8.hpp"

#include <algorithm>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace xb::proxy {

namespace {

constexpr std::size_t shown = 100; // of what a client says, in the log

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool sameText(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

bool isIn(const std::vector<std::string>& list, std::string_view text) {
    return std::any_of(list.begin(), list.end(), [&](const auto& entry) { return sameText(entry, text); });
}

// The host of HOST or HOST:PORT, an IPv6 address in its brackets; empty if it is neither.
std::string_view hostOf(std::string_view authority) {
    const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
    if (bracket == std::string_view::npos)
        return {};
    const std::size_t colon = authority.find(':', bracket);
    const std::string_view host = authority.substr(0, colon);
    const std::string_view port = colon == std::string_view::npos ? "" : authority.substr(colon + 1);
    const bool goodPort = port.size() <= 5 && port.find_first_not_of("0123456789") == std::string_view::npos;
    const bool goodHost = host.find_first_of("/@?#\\ \t") == std::string_view::npos &&
                          (bracket == 0 || bracket + 1 == host.size());
    return goodPort && goodHost ? host : std::string_view();
}

bool isThisMachine(std::string_view host) {
    return sameText(host, "localhost") || host == "127.0.0.1" || host == "[::1]";
}

bool isAddress(std::string_view host) {
    in6_addr address;
    if (host.starts_with('[') && host.ends_with(']'))
        return ::inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), &address) == 1;
    return ::inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
}

} // namespace

std::optional<std::string> refusalOf(const WebSocketAccess& access, std::string_view host,
                                     std::optional<std::string_view> origin) {
    const std::string_view name = hostOf(host);
    if (name.empty() || !(isThisMachine(name) || isAddress(name) || isIn(access.hosts, name)))
        return fmt::format("this service is not known as \"{}\"", printable(host, shown));
    if (!origin || isIn(access.origins, *origin))
        return std::nullopt;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!sameText(origin->substr(0, scheme.size()), scheme))
            continue;
        const std::string_view page = hostOf(origin->substr(scheme.size()));
        if (!page.empty() && (sameText(page, name) || isThisMachine(page)))
            return std::nullopt;
    }
    return fmt::format("pages of \"{}\" may not connect", printable(*origin, shown));
}

} // namespace xb::proxy
