// SPDX-License-Identifier: Apache-2.0
// Connects to a socket.
#pragma once

#include "rpc-proxy/channels/channel.hpp"
#include "rpc-proxy/channels/stream.hpp"
#include "toolstack/libs/task.hpp"

#include <memory>

namespace xb::proxy {

/// To a unix or tcp channel. Throws xb::Error naming it. Who waits no longer destroys the coroutine by its
/// own means: a connection attempt over tcp ends by itself, with the system's time-out at the latest.
Task<std::unique_ptr<Stream>> connect(Executor executor, Channel channel);

} // namespace xb::proxy
