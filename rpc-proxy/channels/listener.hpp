// SPDX-License-Identifier: Apache-2.0
// Where clients come from, whatever the transport is.
#pragma once

#include "rpc-proxy/channels/stream.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace xb::proxy {

namespace wire {
struct Header;
}

/// What a stream that makes messages itself may ask of the session that it belongs to, which fills it in.
struct Advice {
    /// Whether a call of the client with this header would pass now; null while there is no answer. Decides
    /// nothing: the call is judged when it comes.
    std::function<bool(const wire::Header& call)> passes;
};

/// A client that connected, and what its transport vouches for.
struct Arrival {
    std::unique_ptr<Stream> stream;
    /// Who it is, for the log: "uid 0, pid 17" or "127.0.0.1:4711".
    std::string peer;
    /// Only where the transport knows.
    std::optional<std::uint32_t> domid;
    /// Only where `stream` wants it.
    std::shared_ptr<Advice> advice;
};

/// Ends listening when it is destroyed; connections that were made stay.
class Listener {
public:
    using Handler = std::function<void(Arrival)>;

    Listener() = default;
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    virtual ~Listener() = default;

    /// Calls `handler` on the loop for each client, from now on. Once.
    virtual void start(Handler handler) = 0;
};

} // namespace xb::proxy
