// SPDX-License-Identifier: Apache-2.0
// A stream whose other end is a test: what it puts into `in` is received, what was sent is in `out`.
#pragma once

#include "rpc-proxy/channels/stream.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

namespace xb::test {

/// Shared between the test and the stream.
struct Wire {
    std::string in;
    std::string out;
    std::size_t room = 1U << 30; ///< for `out`
    bool ended = false;          ///< behind `in`
    proxy::StreamUser* reader = nullptr;
    proxy::StreamUser* writer = nullptr;

    /// Tells who waits.
    void changed() {
        if (proxy::StreamUser* const user = std::exchange(reader, nullptr))
            user->readable();
        if (proxy::StreamUser* const user = std::exchange(writer, nullptr))
            user->writable();
    }
};

class MemoryStream final : public proxy::Stream {
public:
    explicit MemoryStream(std::shared_ptr<Wire> wire) : wire_(std::move(wire)) {}
    MemoryStream(const MemoryStream&) = delete;
    MemoryStream& operator=(const MemoryStream&) = delete;
    ~MemoryStream() override { wire_->reader = wire_->writer = nullptr; }

    proxy::Transfer receive(std::span<char> into) override {
        const std::size_t size = std::min(into.size(), wire_->in.size());
        if (size == 0)
            return {wire_->ended ? proxy::Transfer::State::closed : proxy::Transfer::State::blocked, 0, 0};
        std::memcpy(into.data(), wire_->in.data(), size);
        wire_->in.erase(0, size);
        return {proxy::Transfer::State::moved, size, 0};
    }
    proxy::Transfer send(std::span<const char> bytes) override {
        const std::size_t size = std::min(bytes.size(), wire_->room);
        if (size == 0)
            return {proxy::Transfer::State::blocked, 0, 0};
        wire_->out.append(bytes.data(), size);
        wire_->room -= size;
        return {proxy::Transfer::State::moved, size, 0};
    }
    void awaitReadable(proxy::StreamUser& user) override { wire_->reader = &user; }
    void awaitWritable(proxy::StreamUser& user) override { wire_->writer = &user; }

private:
    std::shared_ptr<Wire> wire_;
};

} // namespace xb::test
