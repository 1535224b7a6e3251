// SPDX-License-Identifier: Apache-2.0
// What clients of the measurements have in common, whatever they speak: a blocking socket, and calls one by
// one, many at once, or without end. Every failed call is thrown.
#pragma once

#include "toolstack/libs/unique_fd.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace xb::bench {

/// Connects a blocking stream to the unix socket `file`, on which nobody waits longer than a minute.
UniqueFd connectTo(const std::string& file);
/// Sends all of it.
void sendAll(int socket, std::string_view bytes);

class CallingClient {
public:
    CallingClient(const CallingClient&) = delete;
    CallingClient& operator=(const CallingClient&) = delete;
    virtual ~CallingClient() = default;

    /// `count` calls, one after the other; adds the microseconds that each took.
    void oneByOne(unsigned count, std::vector<double>& times);
    /// Calls per second with `window` of them under way at any time.
    double inFlight(unsigned window, unsigned count);
    /// Sends calls and reads nothing, until nothing more is taken or the connection is ended.
    void callUntilFull();

protected:
    /// Connects to the unix socket `file`.
    explicit CallingClient(const std::string& file) : socket_(connectTo(file)) {}

    /// A call, each with a number of its own.
    virtual void appendCall(std::string& out) = 0;
    /// How many answers to calls have arrived whole, which it takes out of `in_`; signals are passed over.
    virtual unsigned takeReplies() = 0;

    void send(std::string_view bytes) { sendAll(socket_.get(), bytes); }
    /// Appends to `in_` what has arrived, waiting for at least a byte; throws when the connection ends.
    void receive();
    void waitForReply();

    std::string in_;

private:
    UniqueFd socket_;
};

} // namespace xb::bench
