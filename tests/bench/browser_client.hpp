// SPDX-License-Identifier: Apache-2.0
// A browser of the measurements: JSON calls of the echo service in a WebSocket. Blocking; every failed call
// is thrown.
#pragma once

#include "toolstack/libs/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xb::bench {

class BrowserClient {
public:
    /// Connects to the unix socket `file` of a proxy for browsers, and says Hello.
    explicit BrowserClient(const std::string& file);

    /// `count` calls, one after the other; adds the microseconds that each took.
    void oneByOne(unsigned count, std::vector<double>& times);
    /// Sends calls and reads nothing, until nothing more is taken or the connection is ended.
    void callUntilFull();
    /// Begins a text that does not go on.
    void sendHalfAText();
    /// Calls per second with `window` of them under way at any time; the calls are those of a WireClient.
    double inFlight(unsigned window, unsigned count);

private:
    void upgrade();
    void appendText(std::string& out, std::string_view text) const;
    void appendCall(std::string& out);
    unsigned takeReplies();

    UniqueFd socket_;
    std::string in_;
    std::uint32_t id_ = 0;
};

} // namespace xb::bench
