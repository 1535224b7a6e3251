// SPDX-License-Identifier: Apache-2.0
// Calls that were let through and are not answered yet, in one direction: what a reply must answer, once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xb::proxy {

class PendingCalls {
public:
    explicit PendingCalls(std::size_t limit) : limit_(limit) {}

    bool full() const { return calls_.size() >= limit_; }
    std::size_t size() const { return calls_.size(); }
    /// Whether a call with this serial is under way, whoever is called.
    bool has(std::uint32_t serial) const;
    /// The same, of a call by `peer`.
    bool has(std::uint32_t serial, std::string_view peer) const;
    /// Not when full(). `peer`: the other end of the call, as the message names it.
    void add(std::uint32_t serial, std::string_view peer);

    /// Takes off the call to `peer` with this serial that `sender` answers. A call to a unique name is
    /// answered by it, one to a well-known name by its owner, whom only the bus knows; errors also come from
    /// the bus itself. False: there is none.
    bool takeAnsweredBy(std::uint32_t serial, std::string_view sender);
    /// Takes off the call by `caller` with this serial.
    bool takeOf(std::uint32_t serial, std::string_view caller);

private:
    struct Call {
        std::uint32_t serial;
        std::string peer;
    };

    void take(std::vector<Call>::iterator call);

    std::size_t limit_;
    std::vector<Call> calls_; // few, and answers come mostly in order
};

} // namespace xb::proxy
