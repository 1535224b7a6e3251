// SPDX-License-Identifier: Apache-2.0
// Which pages may connect: a browser lets any page of the world open a WebSocket to this machine, and says
// only which page it was (RFC 6455, section 10.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xb::proxy {

struct WebSocketAccess {
    /// Names of this service besides localhost and addresses in digits. Others are refused, since a page can
    /// make a name of its own point here.
    std::vector<std::string> hosts;
    /// Pages, as browsers name them ("https://ui.example", "null"), besides those of the same host and of
    /// this machine.
    std::vector<std::string> origins;
};

/// Why the connection is refused, for the log; nothing: it may be made. `origin` is missing in what is no
/// browser: whoever can make such a connection could claim anything.
std::optional<std::string> refusalOf(const WebSocketAccess& access, std::string_view host,
                                     std::optional<std::string_view> origin);

} // namespace xb::proxy
