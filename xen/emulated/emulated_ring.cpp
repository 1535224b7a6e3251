// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulated_ring.hpp"

#include "toolstack/libs/log.hpp"
#include "toolstack/libs/unique_fd.hpp"
#include "xen/emulated/emulated_rings.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace xb::xen::vchan {

namespace {

bool wouldBlock(int reason) {
    return reason == EAGAIN || reason == EWOULDBLOCK || reason == EINTR;
}

// One byte of the emulator and the descriptor that came with it. Nothing yet: EAGAIN.
ssize_t receiveByte(int socket, char& byte, UniqueFd& descriptor) {
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const cmsghdr* header = size > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
        descriptor.reset(fd);
    }
    return size;
}

class EmulatedRing final : public Ring, public std::enable_shared_from_this<EmulatedRing> {
public:
    EmulatedRing(const Executor& loop, HubSocket control, HubSocket data, DomId peer)
        : Ring(loop), peer_(peer), control_(std::move(control)), data_(std::move(data)) {}
    EmulatedRing(const EmulatedRing&) = delete;
    EmulatedRing& operator=(const EmulatedRing&) = delete;
    ~EmulatedRing() override { giveBack(); }

    DomId peer() const override { return peer_; }
    RingState state() const override {
        if (ended_ || (!control_.is_open() && !data_.is_open()))
            return RingState::closed;
        return data_.is_open() ? RingState::open : RingState::waiting;
    }
    std::size_t read(std::span<char> buffer) override;
    std::size_t write(std::span<const char> data) override;
    void peerIsGone() override {
        ended_ = true;
        wake();
    }
    void close() override {
        giveBack();
        wake();
    }

private:
    void watchReading() override { watch(data_.is_open() ? data_ : control_, watchingRead_, true); }
    void watchWriting() override {
        if (data_.is_open())
            watch(data_, watchingWrite_, false);
        else
            watchReading();
    }
    void watch(HubSocket& socket, bool& watching, bool reading);
    void takeOpened();
    void giveBack();

    DomId peer_;
    HubSocket control_; ///< to the emulator, of a ring that was offered
    HubSocket data_;    ///< not open yet: nobody has opened the ring
    bool watchingRead_ = false;
    bool watchingWrite_ = false;
    bool ended_ = false;
};

std::size_t EmulatedRing::read(std::span<char> buffer) {
    if (!data_.is_open() || buffer.empty())
        return 0;
    const ssize_t size = ::recv(data_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size == 0 || (size < 0 && !wouldBlock(errno)))
        ended_ = true;
    return size > 0 ? static_cast<std::size_t>(size) : 0;
}

std::size_t EmulatedRing::write(std::span<const char> data) {
    if (!data_.is_open() || data.empty())
        return 0;
    const ssize_t size = ::send(data_.native_handle(), data.data(), data.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0 && !wouldBlock(errno))
        ended_ = true;
    return size > 0 ? static_cast<std::size_t>(size) : 0;
}

void EmulatedRing::watch(HubSocket& socket, bool& watching, bool reading) {
    if (watching || !socket.is_open())
        return;
    watching = true;
    const bool forControl = &socket == &control_;
    auto onReady = [weak = weak_from_this(), forControl, reading](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!self)
            return;
        (reading ? self->watchingRead_ : self->watchingWrite_) = false;
        if (error)
            return;
        if (forControl && !self->data_.is_open())
            self->takeOpened();
        self->wake();
    };
    socket.async_wait(reading ? HubSocket::wait_read : HubSocket::wait_write, std::move(onReady));
}

void EmulatedRing::takeOpened() {
    if (!control_.is_open())
        return;
    char byte = 0;
    UniqueFd descriptor;
    const ssize_t size = receiveByte(control_.native_handle(), byte, descriptor);
    if (size < 0 && wouldBlock(errno))
        return;
    boost::system::error_code error;
    if (size == 1 && byte == ringOpened && descriptor) {
        data_.assign(asio::local::stream_protocol(), descriptor.get(), error);
        if (!error)
            descriptor.release();
    }
    ended_ = !data_.is_open(); // the emulator is gone, or we have no descriptors left
}

// Told before the descriptor is closed: the emulator has another one of this end.
void EmulatedRing::giveBack() {
    boost::system::error_code ignored;
    if (data_.is_open()) {
        data_.shutdown(HubSocket::shutdown_both, ignored);
        data_.close(ignored);
    }
    control_.close(ignored);
}

} // namespace

RingPtr makeOfferedRing(const Executor& executor, HubSocket control, DomId peer) {
    return std::make_shared<EmulatedRing>(executor, std::move(control), HubSocket(executor), peer);
}

RingPtr makeOpenedRing(const Executor& executor, HubSocket data, DomId peer) {
    return std::make_shared<EmulatedRing>(executor, HubSocket(executor), std::move(data), peer);
}

} // namespace xb::xen::vchan
