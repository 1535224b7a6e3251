// SPDX-License-Identifier: Apache-2.0
// The server's side of one WebSocket (RFC 6455): texts in, texts out. No extension and no subprotocol is ever
// selected; pings are answered and closing is done within read(). Boost.Beast does it, in websocket.cpp
// alone.
//
// One coroutine may read while another one writes. Whoever gave a task must wait for it before this object
// goes; stop() ends all of them.
#pragma once

#include "rpc-proxy/channels/stream.hpp"
#include "rpc-proxy/websocket/access.hpp"
#include "toolstack/libs/task.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace xb::proxy {

struct WebSocketOptions {
    WebSocketAccess access;
    /// Of one message from the client; a larger one closes the connection with code 1009.
    std::size_t messageBytes = std::size_t{1} << 20;
    /// Of the request that begins the connection.
    std::uint32_t requestBytes = 8U << 10;
    /// From connecting to the end of the handshake.
    std::chrono::milliseconds handshake{10'000};
    /// That a client has to end the connection too, when it was told that it ends.
    std::chrono::milliseconds farewell{2'000};
};

class WebSocket {
public:
    /// Codes of RFC 6455, section 7.4.1.
    enum class CloseCode : std::uint16_t {
        normal = 1000,
        goingAway = 1001,
        unacceptable = 1003,
        policy = 1008
    };

    WebSocket(const Executor& executor, std::unique_ptr<Stream> stream, const WebSocketOptions& options);
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;
    /// Closes the stream, without a farewell.
    ~WebSocket();

    /// The handshake, once. Who may not connect, asks for something else or takes too long is told so in HTTP
    /// and is an xb::Error (AccessDenied, InvalidArgs, Timeout); so is a connection that breaks.
    Task<> accept();
    /// The next text; nothing: the client ended the connection in order. Everything else that ends it is an
    /// xb::Error: LimitsExceeded, or Failed that says why. The client has been told the code then.
    Task<std::optional<std::string>> read();
    /// One message, one at a time. Throws xb::Error when the connection is over.
    Task<> write(std::string text);
    /// Says that the connection ends, and waits for the client to say so too. Not while somebody reads.
    Task<> close(CloseCode code, std::string reason);
    /// Asks whether the client is there; the answer is something received, while somebody reads. One at a
    /// time. Throws xb::Error when the connection is over.
    Task<> ping();
    /// Bytes that came from the client, control frames included.
    std::uint64_t received() const;
    /// Ends the connection at once; tasks end with an error.
    void stop();

private:
    class Connection;
    std::unique_ptr<Connection> connection_;
};

} // namespace xb::proxy
