// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/channels/socket_listener.hpp"

#include "rpc-proxy/channels/socket_address.hpp"
#include "rpc-proxy/channels/socket_stream.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace xb::proxy {

namespace {

// Removes what a listener that is gone left behind.
void removeStale(const Channel& channel, const SocketAddress& address) {
    struct stat found {};
    if (::lstat(channel.file.c_str(), &found) != 0)
        return; // bind() will say what is wrong, if anything is
    if (!S_ISSOCK(found.st_mode))
        throw Error(fmt::format("channel {}: the file is there and is no socket", channel.text()));
    const UniqueFd probe = openSocket(address, channel);
    if (::connect(probe.get(), address.raw(), address.size) == 0 || errno == EAGAIN)
        throw Error(fmt::format("channel {}: somebody listens there already", channel.text()));
    if (errno != ECONNREFUSED)
        throw systemError(fmt::format("channel {}: cannot tell whether somebody listens", channel.text()),
                          errno);
    ::unlink(channel.file.c_str());
}

UniqueFd listenOn(const Channel& channel, const SocketListenerOptions& options) {
    const SocketAddress address = socketAddress(channel);
    UniqueFd fd = openSocket(address, channel);
    const bool isFile = channel.kind == Channel::Kind::unixSocket;
    if (isFile) {
        removeStale(channel, address);
        ::fchmod(fd.get(), options.mode); // what the file gets, less the umask: nobody is let in before
    } else {
        const int yes = 1;
        ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    }
    if (::bind(fd.get(), address.raw(), address.size) != 0)
        throw systemError(fmt::format("channel {}: cannot listen", channel.text()), errno);
    if ((isFile && ::chmod(channel.file.c_str(), options.mode) != 0) ||
        ::listen(fd.get(), options.backlog) != 0) {
        const int error = errno;
        if (isFile)
            ::unlink(channel.file.c_str());
        throw systemError(fmt::format("channel {}: cannot listen", channel.text()), error);
    }
    return fd;
}

std::string peerText(const sockaddr_storage& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return fmt::format("{}:{}", text.data(), ntohs(v4.sin_port));
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), ntohs(v6.sin6_port));
}

} // namespace

SocketListener::SocketListener(const Executor& executor, const Channel& channel,
                               const SocketListenerOptions& options)
    : executor_(executor), channel_(channel), options_(options),
      descriptor_(executor, listenOn(channel, options).release()), timer_(executor) {}

SocketListener::~SocketListener() {
    if (channel_.kind == Channel::Kind::unixSocket)
        ::unlink(channel_.file.c_str());
}

void SocketListener::start(Handler handler) {
    handler_ = std::move(handler);
    await();
}

void SocketListener::await() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
                               if (!error && !alive.expired())
                                   acceptSome();
                           });
}

void SocketListener::acceptSome() {
    for (unsigned i = 0; i < options_.batch; ++i) {
        UniqueFd socket(
            ::accept4(descriptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (socket) {
            short_ = false;
            handler_(arrival(std::move(socket)));
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
            return pause(errno);
        } else {
            break; // nobody is there, or is no more (accept(2) reports errors of the connection here)
        }
    }
    await();
}

void SocketListener::pause(int error) {
    if (!std::exchange(short_, true))
        log::error("channel {}: cannot take another client: {}; trying again every {} ms", channel_.text(),
                   std::strerror(error), options_.pause.count());
    timer_.callAfter(options_.pause, [this] { acceptSome(); });
}

Arrival SocketListener::arrival(UniqueFd socket) const {
    Arrival result;
    if (channel_.kind == Channel::Kind::unixSocket) {
        ucred credentials{};
        socklen_t size = sizeof credentials;
        ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size);
        result.peer = fmt::format("uid {}, pid {}", credentials.uid, credentials.pid);
    } else {
        const int yes = 1;
        ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        ::setsockopt(socket.get(), SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        ::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
        result.peer = peerText(address);
    }
    result.stream = std::make_unique<SocketStream>(executor_, std::move(socket));
    return result;
}

} // namespace xb::proxy
