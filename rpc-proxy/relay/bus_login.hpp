// SPDX-License-Identifier: Apache-2.0
// What the proxy says on a connection to the bus before its client may say anything: it authenticates, says
// Hello, and owns the name that tells services which guest the connection belongs to. All of it is sent at
// once. Pure: bytes and messages in, state out.
#pragma once

#include "rpc-proxy/sasl/client.hpp"
#include "rpc-proxy/wire/message_view.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace xb::proxy {

class BusLogin {
public:
    /// `guestName`: to be owned; empty: none.
    explicit BusLogin(std::string guestName) : sasl_(false), guestName_(std::move(guestName)) {}

    enum class State : std::uint8_t {
        authenticating, ///< give it bytes
        registering,    ///< give it messages
        done,
        failed,
    };

    std::string opening(uid_t uid) const;
    /// While authenticating; returns the beginning of the messages.
    std::string_view feed(std::string_view bytes);
    /// While registering. What does not belong to it is nobody's yet and is ignored.
    void message(const wire::MessageView& message);

    State state() const { return state_; }
    const std::string& failure() const { return failure_; }
    /// The connection's name on the bus.
    const std::string& uniqueName() const { return uniqueName_; }
    const std::string& guestName() const { return guestName_; }

private:
    void fail(std::string why);

    sasl::Client sasl_;
    std::string guestName_;
    State state_ = State::authenticating;
    std::string failure_;
    std::string uniqueName_;
};

} // namespace xb::proxy
