// SPDX-License-Identifier: Apache-2.0
// Connects to one channel, whatever its transport is, once for each client.
#pragma once

#include "rpc-proxy/channels/channel.hpp"
#include "rpc-proxy/channels/stream.hpp"
#include "toolstack/libs/task.hpp"
#include "xen/vchan.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace xb::proxy {

/// Throws xb::Error naming the channel.
using Connect = std::function<Task<std::unique_ptr<Stream>>()>;

/// How Connect connects to `channel`. A domain is given `limit` to answer; which one is meant by a UUID is
/// found out each time. `over` is called when nobody can be connected any more, since the one conversation
/// of a serial line has ended. Throws xb::xen::NotOnXen, and xb::Error for what cannot work later either.
Connect makeConnect(const Executor& executor, const Channel& channel, const xen::VchanOptions& vchan,
                    std::chrono::milliseconds limit, std::function<void()> over);

} // namespace xb::proxy
