// SPDX-License-Identifier: Apache-2.0
// A connection as the relay sees it: bytes both ways, without waiting, whatever the transport is. Owned by
// who talks over it; everything happens on the loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace xb::proxy {

/// What came of one attempt to receive or send.
struct Transfer {
    enum class State : std::uint8_t {
        moved,   ///< `bytes` of them, at least one
        blocked, ///< nothing now: wait
        closed,  ///< the other side ended it
        failed,  ///< `error` (of errno) says why
    };
    State state = State::blocked;
    std::size_t bytes = 0;
    int error = 0;

    bool ended() const { return state == State::closed || state == State::failed; }
    /// Why it ended, for the log.
    std::string reason() const;
};

/// What is called by a stream, from the loop; it may destroy the stream meanwhile.
class StreamUser {
public:
    virtual ~StreamUser() = default;
    /// There is something to receive, or the end. Asked for with Stream::awaitReadable(), once each time.
    virtual void readable() = 0;
    /// There is room to send. Asked for with Stream::awaitWritable(), once each time.
    virtual void writable() = 0;
};

class Stream {
public:
    Stream() = default;
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    /// Closes it. Nothing is called any more.
    virtual ~Stream() = default;

    virtual Transfer receive(std::span<char> into) = 0;
    virtual Transfer send(std::span<const char> bytes) = 0;
    /// Nothing more is sent; the other side sees the end, where the transport has such a thing.
    virtual void endSending() {}

    /// Calls user.readable() or user.writable() once; `user` must outlive the stream. Asking again while it
    /// is awaited changes nothing.
    virtual void awaitReadable(StreamUser& user) = 0;
    virtual void awaitWritable(StreamUser& user) = 0;
};

} // namespace xb::proxy
