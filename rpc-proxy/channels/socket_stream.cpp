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
    : DescriptorStream(executor, std::move(socket)) {}

Transfer SocketStream::receive(std::span<char> into) {
    return transferOf(::recv(fd(), into.data(), into.size(), 0));
}

Transfer SocketStream::send(std::span<const char> bytes) {
    return transferOf(::send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
}

void SocketStream::endSending() {
    ::shutdown(fd(), SHUT_WR); // a socket that is not connected any more has no end
}

} // namespace xb::proxy
