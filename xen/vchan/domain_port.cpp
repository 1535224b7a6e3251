// SPDX-License-Identifier: Apache-2.0
#include "xen/vchan/domain_port.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "xen/vchan/stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>

namespace xb::xen::vchan {

namespace {

std::chrono::milliseconds until(std::chrono::steady_clock::time_point deadline) {
    return std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
}

// False when the time is over first.
Task<bool> readableBefore(RingPtr ring, std::chrono::steady_clock::time_point deadline) {
    const auto left = until(deadline);
    if (left.count() <= 0)
        co_return false;
    co_return co_await ring->readableWithin(left);
}

} // namespace

// A name is not used again soon, not even by the next process: a client may still have it from this one.
DomainPort::DomainPort(std::shared_ptr<PortSettings> settings, DomId domid)
    : settings_(std::move(settings)), domid_(domid), stop_(settings_->executor),
      nextName_(std::random_device()()) {}

void DomainPort::start() {
    spawn(settings_->executor, fmt::format("vchan port {} for domain {}", settings_->port, domid_),
          listen(shared_from_this()));
}

void DomainPort::stop() {
    stop_.set();
    if (const auto ring = std::exchange(listening_, nullptr))
        ring->close();
    for (const auto& ring : std::exchange(pending_, {}))
        ring->close();
}

void DomainPort::domainIsGone() {
    stop();
    for (const auto& weak : std::exchange(connections_, {}))
        if (const auto ring = weak.lock())
            ring->peerIsGone();
}

// A domain must not be able to fill the log.
void DomainPort::complain(const std::string& what) {
    const auto now = Clock::now();
    if (lastComplaint_ != Clock::time_point() && now - lastComplaint_ < complaintInterval) {
        ++unsaid_;
        return;
    }
    lastComplaint_ = now;
    const auto unsaid = std::exchange(unsaid_, 0);
    log::warn("vchan port {}: domain {} {}{}", settings_->port, domid_, what,
              unsaid == 0 ? "" : fmt::format(" ({} earlier complaints were not logged)", unsaid));
}

std::string DomainPort::nextPath() {
    return fmt::format("{}{:08x}", portPath(controlDomain, domid_, settings_->port), nextName_++);
}

Task<> DomainPort::listen(Self self) {
    const auto& limits = self->settings_->limits;
    const auto path = listenPath(controlDomain, self->domid_, self->settings_->port);
    auto backOff = limits.firstBackOff;
    while (!self->stop_.isSet()) {
        auto use = Use::bad;
        RingPtr ring;
        try {
            ring = co_await self->settings_->rings->offer(self->domid_, path, listenerRingSize);
            if (!self->stop_.isSet()) {
                self->listening_ = ring;
                use = co_await serve(self, ring);
            }
        } catch (const std::exception& e) {
            self->complain(std::string("cannot be listened to: ") + e.what());
        }
        self->listening_.reset();
        if (ring) // before the next one is published in its place
            ring->close();
        if (use == Use::good) {
            backOff = limits.firstBackOff;
            continue;
        }
        const auto pause = use == Use::refused ? limits.firstBackOff : backOff;
        if (use == Use::bad)
            backOff = std::min(backOff * 2, limits.maxBackOff);
        co_await self->stop_.waitFor(pause);
    }
}

// However long it takes.
Task<> DomainPort::awaitClient(Self self, RingPtr ring) {
    while (ring->state() == RingState::waiting && !self->stop_.isSet())
        co_await ring->readable();
}

Task<DomainPort::Use> DomainPort::serve(Self self, RingPtr ring) {
    co_await awaitClient(self, ring);
    const auto limit = self->settings_->limits.handshakeTime;
    auto deadline = Clock::now() + limit;
    auto use = Use::bad; // until it has asked
    std::array<char, 4 * headerSize> buffer;
    std::string received;
    while (!self->stop_.isSet()) {
        const bool closed = ring->state() == RingState::closed; // asked first: what it sent before is read
        const std::size_t size = ring->read(buffer);
        if (size == 0 && closed)
            co_return use;
        if (size == 0) {
            const bool more = co_await readableBefore(ring, deadline);
            if (more || self->stop_.isSet())
                continue;
            self->complain(fmt::format("held its listener ring for {} ms without asking (limit {} ms)",
                                       limit.count(), limit.count()));
            co_return use;
        }
        received.append(buffer.data(), size);
        for (;;) {
            Request request;
            std::size_t used = 0;
            const auto parsed = parseRequest(received, request, used);
            if (parsed == Parsed::garbage) {
                self->complain("sent garbage on its listener ring: it is closed for a while");
                co_return Use::bad;
            }
            if (parsed == Parsed::incomplete)
                break;
            received.erase(0, used);
            use = co_await answer(self, ring, request);
            if (use == Use::bad || self->stop_.isSet())
                co_return use;
            deadline = Clock::now() + limit;
        }
    }
    co_return Use::good;
}

Task<DomainPort::Use> DomainPort::answer(Self self, RingPtr ring, Request request) {
    Answer reply;
    reply.nonce = request.nonce;
    RingPtr fresh;
    auto lease = self->settings_->quota.take(self->domid_, reply.text);
    if (!lease) {
        reply.status = Status::refused;
        self->complain("is refused a connection: " + reply.text);
    } else {
        try {
            reply.text = self->nextPath();
            fresh = co_await self->settings_->rings->offer(self->domid_, reply.text,
                                                           self->settings_->limits.ringSize);
            reply.status = Status::ring;
        } catch (const std::exception& e) {
            reply.status = Status::failed; // the reason is nothing that a domain should know
            reply.text = "no ring could be made: the control domain's log has the reason";
            self->complain(std::string("gets no ring: ") + e.what());
        }
    }
    if (fresh && self->stop_.isSet()) {
        fresh->close();
        co_return Use::good;
    }
    if (fresh) {
        self->pending_.insert(fresh);
        std::erase_if(self->connections_, [](const auto& weak) { return weak.expired(); });
        self->connections_.push_back(fresh);
        spawn(self->settings_->executor, "vchan connection",
              awaitOpening(self, std::move(fresh), std::move(lease)));
    }
    const auto bytes = toBytes(reply);
    if (ring->write(bytes) != bytes.size() && ring->state() != RingState::closed) {
        self->complain("does not read what its listener ring answers");
        co_return Use::bad;
    }
    co_return reply.status == Status::ring ? Use::good : Use::refused;
}

Task<> DomainPort::awaitOpening(Self self, RingPtr ring, std::shared_ptr<void> lease) {
    const auto limit = self->settings_->limits.handshakeTime;
    const auto deadline = Clock::now() + limit;
    while (ring->state() == RingState::waiting) {
        const bool changed = co_await readableBefore(ring, deadline);
        if (!changed && ring->state() == RingState::waiting) {
            self->complain(
                fmt::format("asked for a connection and did not open it (limit {} ms)", limit.count()));
            break;
        }
    }
    const bool opened = self->pending_.erase(ring) != 0 && ring->state() != RingState::waiting;
    if (!opened) {
        ring->close();
        co_return;
    }
    auto stream = std::make_unique<RingStream>(std::move(ring), std::move(lease));
    self->settings_->onStream(std::move(stream));
}

} // namespace xb::xen::vchan
