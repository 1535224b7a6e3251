// SPDX-License-Identifier: Apache-2.0
#include "xen/vchan/stream.hpp"

#include "toolstack/libs/error.hpp"

namespace xb::xen::vchan {

namespace {

// The coroutines hold the ring and not the stream, which may be destroyed while they wait.

std::optional<std::size_t> readNow(Ring& ring, std::span<char> buffer) {
    if (const std::size_t size = ring.read(buffer); size > 0)
        return size;
    if (ring.state() != RingState::closed)
        return std::nullopt;
    return ring.read(buffer); // what came before the end
}

std::size_t writeNow(Ring& ring, std::span<const char> data) {
    if (ring.state() == RingState::closed)
        throw Error(errors::disconnected,
                    "vchan to domain " + std::to_string(ring.peer()) + ": the connection is closed");
    return ring.write(data);
}

Task<std::size_t> readFrom(RingPtr ring, std::span<char> buffer) {
    for (;;) {
        if (const auto size = readNow(*ring, buffer))
            co_return *size;
        co_await ring->readable();
    }
}

Task<std::size_t> writeTo(RingPtr ring, std::span<const char> data) {
    for (;;) {
        if (const std::size_t size = writeNow(*ring, data); size > 0 || data.empty())
            co_return size;
        co_await ring->writable();
    }
}

Task<> waitToRead(RingPtr ring) {
    co_await ring->readable();
}

Task<> waitToWrite(RingPtr ring) {
    co_await ring->writable();
}

} // namespace

std::optional<std::size_t> RingStream::tryRead(std::span<char> buffer) {
    return readNow(*ring_, buffer);
}

std::size_t RingStream::tryWrite(std::span<const char> data) {
    return writeNow(*ring_, data);
}

Task<> RingStream::readable() {
    return waitToRead(ring_);
}

Task<> RingStream::writable() {
    return waitToWrite(ring_);
}

Task<std::size_t> RingStream::readSome(std::span<char> buffer) {
    return readFrom(ring_, buffer);
}

Task<std::size_t> RingStream::writeSome(std::span<const char> data) {
    return writeTo(ring_, data);
}

void RingStream::close() {
    ring_->close();
    lease_.reset();
}

} // namespace xb::xen::vchan
