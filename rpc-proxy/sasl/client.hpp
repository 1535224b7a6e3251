// SPDX-License-Identifier: Apache-2.0
// The side of the dialogue that the bus sees: EXTERNAL with a uid, all of it sent at once, so that the first
// message may follow without waiting. What the bus answers is read afterwards; if it refuses, it closes on
// what it did not expect.
#pragma once

#include "rpc-proxy/sasl/line_reader.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace xb::proxy::sasl {

class Client {
public:
    explicit Client(bool wantUnixFds) : wantUnixFds_(wantUnixFds) {}

    enum class State : std::uint8_t { talking, done, failed };

    /// What is sent, before any message.
    std::string opening(uid_t uid) const;

    /// Takes what was received. Returns what is not part of the dialogue: once it is done(), the beginning of
    /// the messages.
    std::string_view feed(std::string_view bytes);

    State state() const { return state_; }
    bool done() const { return state_ == State::done; }
    /// Why it failed, with the bus's own words if they are text.
    const std::string& failure() const { return failure_; }

    /// The identity of the bus.
    const std::string& guid() const { return guid_; }
    /// Descriptors may be passed.
    bool unixFds() const { return unixFds_; }

private:
    void line(std::string_view line);
    void ok(std::string_view guid);
    void fail(std::string why);

    bool wantUnixFds_;
    LineReader lines_;
    State state_ = State::talking;
    std::string failure_;
    std::string guid_;
    bool unixFds_ = false;
    bool told_ = false; // which VM this is
};

} // namespace xb::proxy::sasl
