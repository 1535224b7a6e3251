// SPDX-License-Identifier: Apache-2.0
// Messages with a length in front, over a local stream socket: what the emulator's control socket speaks. A
// descriptor may come with one (SCM_RIGHTS).
// Owns the socket and what is queued to be sent; a peer that does not read is dropped once too much is queued
// for it.
#pragma once

#include "toolstack/libs/task.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

namespace xb::xen::emulated {

/// Longest message, and most that may be queued for a peer, in bytes.
inline constexpr std::size_t maxControlMessage = 1024 * 1024;
inline constexpr std::size_t maxControlQueue = 4 * 1024 * 1024;

class FramedSocket : public std::enable_shared_from_this<FramedSocket> {
public:
    explicit FramedSocket(asio::local::stream_protocol::socket socket) : socket_(std::move(socket)) {}

    /// The next message; nothing when the peer is gone or sent one that is too long.
    Task<std::optional<std::string>> receive();
    /// The descriptor that came with the last message, if any.
    UniqueFd takeDescriptor() { return std::move(received_); }
    /// Queues a message, with a descriptor if there is one. A peer with too much queued is disconnected.
    void send(const std::string& message, UniqueFd descriptor = {});
    void close();

private:
    struct Frame {
        std::string bytes;
        UniqueFd descriptor;
    };

    Task<bool> receiveLength(std::uint32_t& length);
    void writeNext();
    void sendWithDescriptor();

    asio::local::stream_protocol::socket socket_;
    std::deque<Frame> queue_;
    UniqueFd received_;
    std::size_t queued_ = 0;
    bool writing_ = false;
};

} // namespace xb::xen::emulated
