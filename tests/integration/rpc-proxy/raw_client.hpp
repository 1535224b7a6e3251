// SPDX-License-Identifier: Apache-2.0
// A client that says exactly what a test wants, byte by byte, and nothing by itself. Blocking, with a
// deadline.
#pragma once

#include "rpc-proxy/wire/message_view.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace xb::test {

/// A message that was received, with its bytes.
struct Received {
    explicit Received(std::string text);
    Received(Received&& other) noexcept
        : Received(std::move(other.bytes)) {} // the view borrows from the bytes
    Received& operator=(Received&&) = delete;

    std::string bytes;
    proxy::wire::MessageView view;
    std::string text() const { return std::string(view.firstString().value_or("")); }
    std::string error() const { return std::string(view.errorName.value_or("")); }
};

class RawClient {
public:
    /// Connects to a unix socket.
    explicit RawClient(const std::string& file);
    /// Talks over this, which does not block.
    explicit RawClient(UniqueFd descriptor) : socket_(std::move(descriptor)) {}

    void send(std::string_view bytes);
    /// As much of it as is taken at once; how much that was.
    std::size_t trySend(std::string_view bytes);
    /// Says what comes before messages, all at once.
    void authenticate();
    /// The same, and Hello behind it.
    void sendHello();
    /// The same, and reads the answer.
    void hello();
    /// A call without arguments or with one string; its serial.
    std::uint32_t call(std::string_view destination, std::string_view path, std::string_view interface,
                       std::string_view member, std::optional<std::string_view> argument = std::nullopt);
    /// Any message with this header, which gets the next serial.
    std::uint32_t sendMessage(proxy::wire::Header header,
                              std::optional<std::string_view> argument = std::nullopt);

    /// The next message. Throws when none comes in time or the connection ends.
    Received receive();
    /// The reply to that call; other messages are dropped.
    Received replyTo(std::uint32_t serial);
    /// Whether the other side ends it in time, whatever it sends before.
    bool ended();
    /// What comes of text before messages, up to `end`.
    std::string receiveText(std::string_view end);

    const std::string& uniqueName() const { return uniqueName_; }

private:
    bool receiveSome();

    UniqueFd socket_;
    std::string buffer_;
    std::uint32_t serial_ = 0;
    std::string uniqueName_;
};

} // namespace xb::test
