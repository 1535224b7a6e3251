// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/channels/socket_stream.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>

namespace xb::proxy {

namespace {

Transfer transferOf(ssize_t result) {
    if (result > 0)
        return {Transfer::State::moved, static_cast<std::size_t>(result), 0};
    if (result == 0 || errno == EPIPE || errno == ECONNRESET)
        return {Transfer::State::closed, 0, 0};
    if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)
        return {Transfer::State::blocked, 0, 0};
    return {Transfer::State::failed, 0, errno};
}

} // namespace

std::string Transfer::reason() const {
    return state == State::failed ? std::strerror(error) : "the other side closed it";
}

SocketStream::SocketStream(const Executor& executor, UniqueFd socket)
    : descriptor_(executor, socket.release()) {}

Transfer SocketStream::receive(std::span<char> into) {
    return transferOf(::recv(descriptor_.native_handle(), into.data(), into.size(), 0));
}

Transfer SocketStream::send(std::span<const char> bytes) {
    return transferOf(::send(descriptor_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

void SocketStream::endSending() {
    ::shutdown(descriptor_.native_handle(), SHUT_WR); // a socket that is not connected any more has no end
}

void SocketStream::awaitReadable(StreamUser& user) {
    if (waits_->reading)
        return;
    waits_->reading = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [&user, waits = std::weak_ptr(waits_)](const boost::system::error_code& error) {
                               const auto there = waits.lock();
                               if (error || !there)
                                   return;
                               there->reading = false;
                               user.readable();
                           });
}

void SocketStream::awaitWritable(StreamUser& user) {
    if (waits_->writing)
        return;
    waits_->writing = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                           [&user, waits = std::weak_ptr(waits_)](const boost::system::error_code& error) {
                               const auto there = waits.lock();
                               if (error || !there)
                                   return;
                               there->writing = false;
                               user.writable();
                           });
}

} // namespace xb::proxy
