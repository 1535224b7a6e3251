// SPDX-License-Identifier: Apache-2.0
#include "websocket_client.hpp"

#include "tests/support/process.hpp"
#include "toolstack/libs/error.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace xb::test {

namespace {

constexpr std::chrono::milliseconds turn{5}; // of the loop, while the socket is watched beside it
constexpr int closing = 8;

} // namespace

WebSocketClient::WebSocketClient(Loop& loop, const std::string& file)
    : loop_(loop), socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, file.data(), file.size());
    const auto end = std::chrono::steady_clock::now() + patience;
    while (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno != EAGAIN || std::chrono::steady_clock::now() > end) // EAGAIN: many wait to be accepted
            throw systemError("cannot connect to " + file, errno);
        goOn();
    }
}

void WebSocketClient::goOn() {
    loop_.context().restart();
    loop_.context().run_one_for(turn);
}

std::string WebSocketClient::frame(int opcode, std::string_view payload, bool last) {
    constexpr std::array<char, 4> key{'\x12', '\x34', '\x56', '\x78'};
    std::string out{static_cast<char>((last ? 0x80 : 0) | opcode)};
    const std::size_t size = payload.size();
    const int bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
    out += static_cast<char>(0x80 | (bytes == 0 ? static_cast<int>(size) : bytes == 2 ? 126 : 127));
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        out += static_cast<char>((size >> shift) & 0xff);
    out.append(key.data(), key.size());
    for (std::size_t i = 0; i < size; ++i)
        out += static_cast<char>(payload[i] ^ key[i % key.size()]);
    return out;
}

std::size_t WebSocketClient::trySend(std::string_view bytes) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        throw systemError("cannot send", errno);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

bool WebSocketClient::send(std::string_view bytes) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent > 0)
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        else
            goOn();
        if (std::chrono::steady_clock::now() > end)
            throw Error("the browser's message is not taken");
    }
    return true;
}

// False: the end.
bool WebSocketClient::more() {
    const auto end = std::chrono::steady_clock::now() + patience;
    std::array<char, 65536> bytes{};
    while (std::chrono::steady_clock::now() < end) {
        const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (got > 0) {
            buffer_.append(bytes.data(), static_cast<std::size_t>(got));
            return true;
        }
        if (got == 0 || errno != EAGAIN)
            return false;
        goOn();
    }
    throw Error("the browser waits in vain");
}

std::string WebSocketClient::upgrade(std::string_view origin, std::string_view host) {
    std::string request = fmt::format("GET / HTTP/1.1\r\nHost: {}\r\n", host);
    if (!origin.empty())
        request += fmt::format("Origin: {}\r\n", origin);
    request += "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
               "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    send(request);
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
        if (!more())
            return "ended after: " + buffer_;
    }
    const std::string answer = buffer_.substr(0, end);
    buffer_.erase(0, end + 4);
    return answer.substr(0, answer.find('\r'));
}

std::optional<WebSocketClient::Frame> WebSocketClient::next() {
    for (;;) {
        const auto byte = [this](std::size_t at) { return static_cast<unsigned char>(buffer_[at]); };
        if (buffer_.size() >= 2) {
            const std::size_t code = byte(1) & 0x7fU;
            const std::size_t bytes = code == 126 ? 2 : code == 127 ? 8 : 0;
            if (buffer_.size() >= 2 + bytes) {
                std::size_t size = bytes == 0 ? code : 0;
                for (std::size_t i = 0; i < bytes; ++i)
                    size = size << 8 | byte(2 + i);
                if (buffer_.size() >= 2 + bytes + size) {
                    Frame frame{byte(0) & 0x0f, buffer_.substr(2 + bytes, size)};
                    buffer_.erase(0, 2 + bytes + size);
                    return frame;
                }
            }
        }
        if (!more())
            return std::nullopt;
    }
}

std::string WebSocketClient::control(int opcode) {
    while (const auto frame = next()) {
        if (frame->opcode == opcode)
            return frame->payload;
    }
    throw Error("the connection ended");
}

std::string WebSocketClient::text() {
    return control(1);
}

std::string WebSocketClient::replyTo(std::uint32_t id) {
    const std::string mark = fmt::format("\"response-to\":\"{}\"", id);
    for (;;) {
        std::string answer = text();
        if (answer.find(mark) != std::string::npos)
            return answer;
    }
}

std::string WebSocketClient::call(std::uint32_t id, std::string_view rest) {
    sendText(fmt::format("{{\"id\":{},{}}}", id, rest));
    return replyTo(id);
}

std::string WebSocketClient::hello() {
    upgrade();
    return call(1, R"("destination":"org.freedesktop.DBus","method":"Hello","path":"/org/freedesktop/DBus",)"
                   R"("interface":"org.freedesktop.DBus","args":[])");
}

int WebSocketClient::closeCode() {
    while (const auto frame = next()) {
        if (frame->opcode != closing)
            continue;
        if (frame->payload.size() < 2)
            return 0;
        return static_cast<unsigned char>(frame->payload[0]) << 8 |
               static_cast<unsigned char>(frame->payload[1]);
    }
    return 0;
}

bool WebSocketClient::ended() {
    while (more()) {
    }
    return true;
}

} // namespace xb::test
