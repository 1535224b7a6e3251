// SPDX-License-Identifier: Apache-2.0
// A client of one WebSocket that sends whatever bytes it likes.
#pragma once

#include "rpc-proxy/channels/socket_stream.hpp"
#include "rpc-proxy/websocket/websocket.hpp"
#include "tests/support/loop_runner.hpp"
#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace xb::proxy {

/// The bytes of a frame; masked with a key that is not all the same.
inline std::string frame(int opcode, std::string_view payload, bool last = true, bool masked = true) {
    std::string out;
    out += static_cast<char>((last ? 0x80 : 0) | opcode);
    const char mask = masked ? '\x80' : '\0';
    const std::size_t size = payload.size();
    const auto number = [&](int bytes) {
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
            out += static_cast<char>((size >> shift) & 0xff);
    };
    if (size < 126) {
        out += static_cast<char>(mask | static_cast<char>(size));
    } else {
        out += static_cast<char>(mask | (size < 65536 ? 126 : 127));
        number(size < 65536 ? 2 : 8);
    }
    if (!masked)
        return out + std::string(payload);
    constexpr std::array<char, 4> key{'\x12', '\x34', '\x56', '\x78'};
    out.append(key.data(), key.size());
    for (std::size_t i = 0; i < size; ++i)
        out += static_cast<char>(payload[i] ^ key[i % key.size()]);
    return out;
}

inline constexpr int continuation = 0, text = 1, binary = 2, closing = 8, ping = 9, pong = 10;

/// The payload of a closing frame.
inline std::string closeCode(int code, std::string_view reason = "") {
    return std::string{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)} + std::string(reason);
}

/// With all that a browser says; a test changes one thing.
inline std::string handshake(std::string_view more = "", std::string_view host = "localhost:8080",
                             std::string_view origin = "http://localhost") {
    std::string request = "GET /any HTTP/1.1\r\n";
    if (!host.empty())
        request += "Host: " + std::string(host) + "\r\n";
    if (!origin.empty())
        request += "Origin: " + std::string(origin) + "\r\n";
    return request +
           "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
           "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" +
           std::string(more) + "\r\n";
}

class RawClient : public testing::Test {
protected:
    void connect() {
        std::array<int, 2> ends{};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
        client_.reset(ends[0]);
        server_.emplace(loop_.executor(), std::make_unique<SocketStream>(loop_.executor(), UniqueFd(ends[1])),
                        options_);
    }
    /// Through with the handshake.
    void open() {
        connect();
        send(handshake());
        runner_.await(server_->accept());
        const std::string answer = received();
        ASSERT_TRUE(answer.starts_with("HTTP/1.1 101 ")) << answer;
    }

    void send(std::string_view bytes) {
        ASSERT_EQ(::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    /// Nothing more comes from the client.
    void finish() { ::shutdown(client_.get(), SHUT_WR); }
    /// What is there now.
    std::string received() {
        std::string all;
        std::array<char, 65536> part;
        for (ssize_t size; (size = ::recv(client_.get(), part.data(), part.size(), 0)) > 0;)
            all.append(part.data(), static_cast<std::size_t>(size));
        return all;
    }

    /// The next text; "closed", or "ERROR: text".
    std::string next() {
        try {
            return runner_.await(server_->read()).value_or("closed");
        } catch (const Error& e) {
            return e.name().substr(e.name().rfind('.') + 1) + ": " + e.what();
        }
    }
    /// What accept() says about a request.
    std::string accepted(std::string_view request) {
        connect();
        send(request);
        try {
            runner_.await(server_->accept());
            return "ok";
        } catch (const Error& e) {
            return e.name().substr(e.name().rfind('.') + 1) + ": " + e.what();
        }
    }

    WebSocketOptions options_;
    Loop loop_;
    test::LoopRunner runner_{loop_};
    UniqueFd client_;
    std::optional<WebSocket> server_;
};

} // namespace xb::proxy
