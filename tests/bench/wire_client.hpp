// SPDX-License-Identifier: Apache-2.0
// A client of the echo service that speaks the wire protocol itself, line by line while it authenticates: it
// costs next to nothing, and it gets through proxies that no sd-bus client gets through, since sd-bus sends
// its whole handshake at once. Blocking. Every failed call is thrown.
#pragma once

#include "toolstack/libs/unique_fd.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace xb::bench {

/// Connects a blocking stream to the unix socket `file`, on which nobody waits longer than a minute.
UniqueFd connectTo(const std::string& file);
/// Sends all of it.
void sendAll(int socket, std::string_view bytes);
/// Sends what `append` makes, time and again, and reads nothing, until nothing more is taken or the
/// connection is ended.
void sendUntilFull(int socket, const std::function<void(std::string&)>& append);
/// Appends what has arrived, waiting for at least a byte; throws when the connection ends.
void receiveInto(int socket, std::string& buffer);

class WireClient {
public:
    /// Connects to the unix socket `file` of a bus or proxy, authenticates and says Hello. Its calls are
    /// bareEchoService's `echo` with `text`.
    explicit WireClient(const std::string& file, std::string_view text = "com.citrix.xenclient.xenmgr.vm");

    /// `count` calls, one after the other; adds the microseconds that each took.
    void oneByOne(unsigned count, std::vector<double>& times);
    /// Calls per second with `window` of them under way at any time.
    double inFlight(unsigned window, unsigned count);
    /// Sends calls and reads nothing, until nothing more is taken or the connection is ended.
    void callUntilFull();

private:
    void authenticate();
    std::string receiveLine();
    void appendCall(std::string& out);
    unsigned takeReplies();
    void waitForReply();

    UniqueFd socket_;
    std::string in_;
    std::string call_; // without its serial
    std::uint32_t serial_ = 0;
};

} // namespace xb::bench
