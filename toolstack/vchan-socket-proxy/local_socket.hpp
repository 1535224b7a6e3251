// SPDX-License-Identifier: Apache-2.0
// Local sockets that the proxy listens on or connects to, by file or as a descriptor that it was started
// with.
#pragma once

#include "toolstack/libs/task.hpp"
#include "toolstack/vchan-socket-proxy/relay.hpp"

#include <string>

namespace xb::vchan_proxy {

using Acceptor = asio::local::stream_protocol::acceptor;

/// Listens at `file`, for this user alone; one that a process left which is gone is made anew. Throws
/// xb::Error: somebody listens there, it is no socket.
Acceptor listenAt(const Executor& executor, const std::string& file);
/// `descriptor` is a local stream socket that listens; throws xb::Error when it is none.
Acceptor adoptListening(const Executor& executor, int descriptor);
/// `descriptor` is a connected local stream socket; throws xb::Error when it is none.
Socket adoptConnected(const Executor& executor, int descriptor);
/// Throws xb::Error naming the file.
Task<Socket> connectTo(Executor executor, std::string file);

} // namespace xb::vchan_proxy
