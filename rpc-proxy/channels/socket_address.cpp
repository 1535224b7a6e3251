// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/channels/socket_address.hpp"

#include "toolstack/libs/error.hpp"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

namespace xb::proxy {

namespace {

template <class Address>
SocketAddress store(const Address& address) {
    SocketAddress result;
    std::memcpy(&result.storage, &address, sizeof address);
    result.size = sizeof address;
    return result;
}

} // namespace

const sockaddr* SocketAddress::raw() const {
    return reinterpret_cast<const sockaddr*>(&storage);
}

SocketAddress socketAddress(const Channel& channel) {
    if (channel.kind == Channel::Kind::unixSocket) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (channel.file.size() >= sizeof address.sun_path)
            throw Error(errors::invalidArgs,
                        fmt::format("channel {}: the path has {} bytes, a socket's may have {}",
                                    channel.text(), channel.file.size(), sizeof address.sun_path - 1));
        std::memcpy(address.sun_path, channel.file.data(), channel.file.size());
        return store(address);
    }
    const std::string host = channel.host.empty() ? "127.0.0.1" : channel.host;
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(channel.port);
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1)
        return store(v4);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(channel.port);
    if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1)
        return store(v6);
    throw Error(errors::invalidArgs,
                fmt::format("channel {}: {} is no address in digits", channel.text(), host));
}

UniqueFd openSocket(const SocketAddress& address, const Channel& channel) {
    UniqueFd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        throw systemError(fmt::format("channel {}: no socket", channel.text()), errno);
    return fd;
}

} // namespace xb::proxy
