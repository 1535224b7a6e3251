// SPDX-License-Identifier: Apache-2.0
// Addresses of sockets, for those that listen and those that connect.
#pragma once

#include "rpc-proxy/channels/channel.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <sys/socket.h>

namespace xb::proxy {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    const sockaddr* raw() const;
};

/// Of a unix or tcp channel. A host must be an address in digits: nothing here may wait for a name server.
/// Throws xb::Error (InvalidArgs).
SocketAddress socketAddress(const Channel& channel);
/// A socket for it that does not block. Throws xb::Error.
UniqueFd openSocket(const SocketAddress& address, const Channel& channel);

} // namespace xb::proxy
