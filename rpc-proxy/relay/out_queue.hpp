// SPDX-License-Identifier: Apache-2.0
// What is to be sent to one side. Messages that pass are sent from where they were received, many at once;
// only what the other side does not take is kept. A queue with nothing in it has no memory.
#pragma once

#include "rpc-proxy/channels/stream.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace xb::proxy {

class OutQueue {
public:
    /// Adds bytes that stay where they are until flush() or keep().
    void lend(std::span<const char> bytes);
    /// Adds a copy.
    void append(std::string_view bytes) { owned() += bytes; }
    /// For what appends to a string; to be used at once.
    std::string& owned();

    /// Sends what it can; what is left is owned. The result is that of the last attempt: `moved` if the queue
    /// is empty now.
    Transfer flush(Stream& stream);
    /// Copies what was lent.
    void keep();

    std::size_t size() const { return kept_.size() - sent_ + lent_.size(); }
    bool empty() const { return size() == 0; }

private:
    std::string kept_;
    std::size_t sent_ = 0;       // of kept_
    std::span<const char> lent_; // follows kept_
};

} // namespace xb::proxy
