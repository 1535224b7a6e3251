// SPDX-License-Identifier: Apache-2.0
// A browser of the measurements: JSON calls of the echo service in a WebSocket.
#pragma once

#include "calling_client.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace xb::bench {

class BrowserClient final : public CallingClient {
public:
    /// Connects to the unix socket `file` of a proxy for browsers, and says Hello. The calls are those of a
    /// WireClient.
    explicit BrowserClient(const std::string& file);

    /// Begins a text that does not go on.
    void sendHalfAText();

private:
    void upgrade();
    void appendText(std::string& out, std::string_view text) const;
    void appendCall(std::string& out) override;
    unsigned takeReplies() override;

    std::uint32_t id_ = 0;
};

} // namespace xb::bench
