// SPDX-License-Identifier: Apache-2.0
// The VchanStream on a ring. Owns the ring; coroutines that wait keep it until they have ended.
#pragma once

#include "xen/vchan.hpp"
#include "xen/vchan/ring.hpp"

#include <memory>

namespace xb::xen::vchan {

class RingStream final : public VchanStream {
public:
    /// `lease` is what the connection takes of its domain's quota: let go when this side closes.
    RingStream(RingPtr ring, std::shared_ptr<void> lease)
        : ring_(std::move(ring)), lease_(std::move(lease)) {}
    RingStream(const RingStream&) = delete;
    RingStream& operator=(const RingStream&) = delete;
    ~RingStream() override { close(); }

    DomId peer() const override { return ring_->peer(); }
    std::optional<std::size_t> tryRead(std::span<char> buffer) override;
    std::size_t tryWrite(std::span<const char> data) override;
    Task<> readable() override;
    Task<> writable() override;
    Task<std::size_t> readSome(std::span<char> buffer) override;
    Task<std::size_t> writeSome(std::span<const char> data) override;
    void close() override;

private:
    RingPtr ring_;
    std::shared_ptr<void> lease_;
};

} // namespace xb::xen::vchan
