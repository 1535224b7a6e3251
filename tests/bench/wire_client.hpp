// SPDX-License-Identifier: Apache-2.0
// A client of the echo service that speaks the wire protocol itself, line by line while it authenticates: it
// costs next to nothing, and it gets through proxies that no sd-bus client gets through, since sd-bus sends
// its whole handshake at once.
#pragma once

#include "calling_client.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace xb::bench {

class WireClient final : public CallingClient {
public:
    /// Connects to the unix socket `file` of a bus or proxy, authenticates and says Hello. Its calls are
    /// bareEchoService's `echo` with `text`.
    explicit WireClient(const std::string& file, std::string_view text = "com.citrix.xenclient.xenmgr.vm");

private:
    void authenticate();
    std::string receiveLine();
    void appendCall(std::string& out) override;
    unsigned takeReplies() override;

    std::string call_; // without its serial
    std::uint32_t serial_ = 0;
};

} // namespace xb::bench
