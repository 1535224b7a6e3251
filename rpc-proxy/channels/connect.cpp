// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/channels/connect.hpp"

#include "rpc-proxy/channels/socket_address.hpp"
#include "rpc-proxy/channels/socket_stream.hpp"
#include "toolstack/libs/error.hpp"

#include <cerrno>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace xb::proxy {

namespace {

class Connected : public StreamUser {
public:
    explicit Connected(const Executor& executor) : event(executor) {}
    void readable() override {}
    void writable() override { event.set(); }

    Event event;
};

} // namespace

Task<std::unique_ptr<Stream>> connect(Executor executor, Channel channel) {
    const SocketAddress address = socketAddress(channel);
    UniqueFd socket = openSocket(address, channel);
    const int fd = socket.get();
    const std::string what = fmt::format("cannot connect to {}", channel.text());
    const int result = ::connect(fd, address.raw(), address.size);
    if (result != 0 && errno != EINPROGRESS)
        throw systemError(what, errno);
    Connected connected(executor); // outlives the stream
    auto stream = std::make_unique<SocketStream>(executor, std::move(socket));
    if (result != 0) {
        stream->awaitWritable(connected);
        co_await connected.event.wait();
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0)
            throw systemError(what, error);
    }
    if (channel.kind == Channel::Kind::tcp) {
        const int yes = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    co_return std::unique_ptr<Stream>(std::move(stream));
}

} // namespace xb::proxy
