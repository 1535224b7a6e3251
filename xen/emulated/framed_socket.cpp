// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/framed_socket.hpp"

#include "toolstack/libs/log.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace xb::xen::emulated {

namespace {

union ControlBuffer { // aligned as a cmsghdr must be
    cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

// As recv(); what descriptor comes along is put into `descriptor`.
ssize_t receiveSome(int socket, char* to, std::size_t size, UniqueFd& descriptor) {
    iovec part{to, size};
    ControlBuffer control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    const ssize_t n = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const cmsghdr* first = n > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    if (first && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS &&
        first->cmsg_len == CMSG_LEN(sizeof(int))) {
        int received = -1;
        std::memcpy(&received, CMSG_DATA(first), sizeof received);
        descriptor.reset(received);
    }
    return n;
}

} // namespace

// A descriptor comes with the first byte of its frame.
Task<bool> FramedSocket::receiveLength(std::uint32_t& length) {
    received_.reset();
    char bytes[sizeof length];
    std::size_t have = 0;
    while (have < sizeof length) {
        boost::system::error_code error;
        co_await socket_.async_wait(asio::local::stream_protocol::socket::wait_read,
                                    asio::redirect_error(asio::use_awaitable, error));
        if (error)
            co_return false;
        const ssize_t n = receiveSome(socket_.native_handle(), bytes + have, sizeof length - have, received_);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            co_return false;
        have += static_cast<std::size_t>(n);
    }
    std::memcpy(&length, bytes, sizeof length);
    co_return true;
}

Task<std::optional<std::string>> FramedSocket::receive() {
    const auto self = shared_from_this();
    std::uint32_t length = 0;
    boost::system::error_code error;
    const bool there = co_await receiveLength(length);
    if (!there)
        co_return std::nullopt;
    if (length > maxControlMessage) {
        log::error("control socket: a message of {} bytes (limit {}): peer dropped", length,
                   maxControlMessage);
        close();
        co_return std::nullopt;
    }
    std::string message(length, '\0');
    co_await asio::async_read(socket_, asio::buffer(message),
                              asio::redirect_error(asio::use_awaitable, error));
    if (error)
        co_return std::nullopt;
    co_return message;
}

void FramedSocket::send(const std::string& message, UniqueFd descriptor) {
    if (!socket_.is_open())
        return;
    const auto length = static_cast<std::uint32_t>(message.size());
    std::string frame(sizeof length, '\0');
    std::memcpy(frame.data(), &length, sizeof length);
    frame += message;
    queued_ += frame.size();
    if (message.size() > maxControlMessage || queued_ > maxControlQueue) {
        log::error("control socket: a peer with {} bytes queued (limit {}) is dropped", queued_,
                   maxControlQueue);
        close();
        return;
    }
    queue_.push_back({std::move(frame), std::move(descriptor)});
    if (!writing_)
        writeNext();
}

void FramedSocket::writeNext() {
    writing_ = true;
    if (queue_.front().descriptor)
        return sendWithDescriptor();
    auto written = [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
        self->writing_ = false;
        if (error)
            return self->close();
        self->queued_ -= self->queue_.front().bytes.size();
        self->queue_.pop_front();
        if (!self->queue_.empty())
            self->writeNext();
    };
    asio::async_write(socket_, asio::buffer(queue_.front().bytes), std::move(written));
}

// The first byte carries the descriptor; the rest goes as usual.
void FramedSocket::sendWithDescriptor() {
    auto writable = [self = shared_from_this()](const boost::system::error_code& error) {
        if (error)
            return self->close();
        Frame& frame = self->queue_.front();
        iovec part{frame.bytes.data(), 1};
        ControlBuffer control{};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        cmsghdr* first = CMSG_FIRSTHDR(&message);
        first->cmsg_level = SOL_SOCKET;
        first->cmsg_type = SCM_RIGHTS;
        first->cmsg_len = CMSG_LEN(sizeof(int));
        const int descriptor = frame.descriptor.get();
        std::memcpy(CMSG_DATA(first), &descriptor, sizeof descriptor);
        const ssize_t n = ::sendmsg(self->socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return self->close();
        if (n == 1) {
            frame.bytes.erase(0, 1);
            --self->queued_;
            frame.descriptor.reset();
        }
        self->writeNext();
    };
    socket_.async_wait(asio::local::stream_protocol::socket::wait_write, std::move(writable));
}

void FramedSocket::close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
}

} // namespace xb::xen::emulated
