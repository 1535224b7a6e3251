// SPDX-License-Identifier: Apache-2.0
// Texts in a WebSocket.
#pragma once

#include "rpc-proxy/browser/text_connection.hpp"
#include "rpc-proxy/websocket/websocket.hpp"

#include <memory>
#include <utility>

namespace xb::proxy {

class WebSocketTexts final : public TextConnection {
public:
    WebSocketTexts(const Executor& executor, std::unique_ptr<Stream> stream, const WebSocketOptions& options)
        : socket_(executor, std::move(stream), options) {}

    Task<> accept() override { return socket_.accept(); }
    Task<std::optional<std::string>> read() override { return socket_.read(); }
    Task<> write(std::string text) override { return socket_.write(std::move(text)); }
    Task<> close() override { return socket_.close(WebSocket::CloseCode::goingAway, ""); }
    bool canAsk() const override { return true; }
    Task<> ask() override { return socket_.ping(); }
    std::uint64_t received() const override { return socket_.received(); }
    void stop() override { socket_.stop(); }

private:
    WebSocket socket_;
};

} // namespace xb::proxy
