// SPDX-License-Identifier: Apache-2.0
// Listens on a channel, whatever its transport is.
#pragma once

#include "rpc-proxy/channels/channel.hpp"
#include "rpc-proxy/channels/listener.hpp"
#include "rpc-proxy/channels/socket_listener.hpp"
#include "xen/vchan.hpp"

#include <functional>
#include <memory>
#include <string>

namespace xb::proxy {

struct ListenOptions {
    SocketListenerOptions socket;
    xen::VchanOptions vchan;
    xen::VchanLimits vchanLimits;
};

/// Called on the loop, with what went wrong, or nothing: it ended as it should.
using Over = std::function<void(const std::string& why)>;

/// Throws xb::Error naming the channel, and xb::xen::NotOnXen. `over` is called when nobody can come any
/// more.
std::unique_ptr<Listener> listen(const Executor& executor, const Channel& channel,
                                 const ListenOptions& options, Over over);

} // namespace xb::proxy
