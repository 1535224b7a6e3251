// SPDX-License-Identifier: Apache-2.0
// What a vchan is to the protocol above it, whatever it is made of: a ring each way that one domain offers to
// another one, for one client. Both implementations give these; listener, connector and streams are made of
// them.
#pragma once

#include "toolstack/libs/task.hpp"
#include "xen/domain_config.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace xb::xen::vchan {

/// Where listeners are.
inline constexpr DomId controlDomain = 0;

/// How things stand with the other side.
enum class RingState {
    waiting, ///< offered, and nobody has opened it yet
    open,
    closed, ///< the other side has closed, crashed or died; what it wrote can still be read
};

/// Shared between its user and coroutines that wait; close() or the last owner's end gives everything back.
class Ring {
public:
    explicit Ring(const Executor& executor) : executor_(executor), changed_(executor) {}
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    virtual ~Ring() = default;

    virtual DomId peer() const = 0;
    /// Closed as well after close().
    virtual RingState state() const = 0;
    /// Bytes read or written, 0 when nothing is there, there is no room, or it is closed here.
    virtual std::size_t read(std::span<char> buffer) = 0;
    virtual std::size_t write(std::span<const char> data) = 0;
    /// The peer's domain is gone: as if it had closed.
    virtual void peerIsGone() = 0;
    virtual void close() = 0;

    /// Waits until something may have changed that matters to a reader (or to who waits for the other side
    /// to come), or to a writer. With a limit: false when it passed first.
    Task<> readable();
    Task<> writable();
    Task<bool> readableWithin(std::chrono::milliseconds limit);

protected:
    /// To see to it that wake() is called when reading or writing is worth another try.
    virtual void watchReading() = 0;
    virtual void watchWriting() = 0;
    /// All who wait try again.
    void wake();
    const Executor& executor() const { return executor_; }

private:
    Executor executor_;
    Event changed_;
};

using RingPtr = std::shared_ptr<Ring>;

/// Makes rings. Failures are xb::Error.
class Rings {
public:
    virtual ~Rings() = default;

    /// The domain that we are in.
    virtual Task<DomId> ownDomid() = 0;
    /// A new ring that only `client` can open, at `path` below the control domain's tree.
    virtual Task<RingPtr> offer(DomId client, std::string path, std::size_t size) = 0;
    /// Opens what `server` offers at `path`; waits until there is something, `limit` at most, and returns
    /// nothing then.
    virtual Task<RingPtr> open(DomId server, std::string path, std::chrono::milliseconds limit) = 0;
};

} // namespace xb::xen::vchan
