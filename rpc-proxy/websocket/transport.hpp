// SPDX-License-Identifier: Apache-2.0
// A Stream as Boost.Beast wants its lowest layer: reads and writes that complete later, one of each at a
// time, and an end to the time that a client has for its handshake or its farewell. For websocket.cpp alone.
//
// What is under way refers to this object: stop() completes it, and must be called before this goes while
// anything is.
#pragma once

#include "rpc-proxy/channels/stream.hpp"
#include "toolstack/libs/task.hpp"
#include "toolstack/libs/timer.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace xb::proxy {

// Not final: Asio derives from it, to see what it has.
class Transport : public StreamUser {
public:
    using executor_type = Executor;
    using Error = boost::system::error_code;

    Transport(const Executor& executor, std::unique_ptr<Stream> stream, std::chrono::milliseconds farewell)
        : executor_(executor), stream_(std::move(stream)), timer_(executor), farewell_(farewell) {}

    executor_type get_executor() { return executor_; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(Error, std::size_t)>(
            [this](auto handler, const Buffers& into) {
                reading_ = completion(std::move(handler));
                readInto_ = {};
                for (auto at = asio::buffer_sequence_begin(into); at != asio::buffer_sequence_end(into);
                     ++at) {
                    const asio::mutable_buffer part(*at);
                    if (part.size() == 0)
                        continue;
                    readInto_ = {static_cast<char*>(part.data()), part.size()};
                    break;
                }
                readable();
            },
            token, buffers);
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(Error, std::size_t)>(
            [this](auto handler, const Buffers& from) {
                writing_ = completion(std::move(handler));
                gather(from);
                writable();
            },
            token, buffers);
    }

    /// StreamUser's.
    void readable() override;
    void writable() override;

    void endAfter(std::chrono::milliseconds time);
    void sayFarewell() { endAfter(farewell_); }
    void keep() { timer_.cancel(); }
    bool expired() const { return expired_; }
    /// Nothing more is sent.
    void endSending();
    void stop();
    /// Bytes, to see whether the client is there.
    std::uint64_t received() const { return received_; }

private:
    using Completion = std::function<void(Error, std::size_t)>;

    static constexpr std::size_t gatheredBytes = std::size_t{16} << 10;

    // Completes through the loop, never from within the call that began it.
    template <class Handler>
    Completion completion(Handler handler) {
        auto executor = asio::get_associated_executor(handler, executor_);
        auto work = asio::make_work_guard(executor_);
        auto shared = std::make_shared<Handler>(std::move(handler)); // a function must be copyable
        return [executor, work = std::move(work), shared](Error error, std::size_t bytes) {
            asio::post(executor, [shared, error, bytes] { std::move (*shared)(error, bytes); });
        };
    }

    // A frame is a head and a content: one packet where they are small.
    template <class Buffers>
    void gather(const Buffers& from) {
        gathered_.clear();
        writeFrom_ = {};
        for (auto at = asio::buffer_sequence_begin(from); at != asio::buffer_sequence_end(from); ++at) {
            const asio::const_buffer part(*at);
            if (part.size() == 0)
                continue;
            const std::span<const char> bytes(static_cast<const char*>(part.data()), part.size());
            if (writeFrom_.empty()) {
                writeFrom_ = bytes;
            } else {
                if (gathered_.empty())
                    gathered_.assign(writeFrom_.begin(), writeFrom_.end());
                const std::size_t room = gatheredBytes - std::min(gatheredBytes, gathered_.size());
                gathered_.append(bytes.data(), std::min(room, bytes.size()));
                writeFrom_ = gathered_;
            }
            if (writeFrom_.size() >= gatheredBytes)
                break;
        }
    }

    static Error errorOf(const Transfer& transfer);
    void complete(Completion& which, Error error, std::size_t bytes);

    Executor executor_;
    std::unique_ptr<Stream> stream_; // gone once it was stopped
    Timer timer_;
    std::chrono::milliseconds farewell_;
    bool expired_ = false;
    std::uint64_t received_ = 0;
    Completion reading_;
    Completion writing_;
    std::span<char> readInto_;
    std::span<const char> writeFrom_;
    std::string gathered_;
};

} // namespace xb::proxy
