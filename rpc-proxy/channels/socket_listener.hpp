// SPDX-License-Identifier: Apache-2.0
// Listens on a unix or tcp socket. The file of a unix socket is made anew, also where one was left behind by
// a process that is gone, and goes away at the end; one that somebody listens on, or that is no socket, is an
// error.
//
// Running out of descriptors or memory must neither end the service nor let it spin: it pauses a moment.
#pragma once

#include "rpc-proxy/channels/channel.hpp"
#include "rpc-proxy/channels/listener.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/timer.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>

#include <sys/types.h>

namespace xb::proxy {

struct SocketListenerOptions {
    int backlog = 128;
    /// Of the file of a unix socket.
    mode_t mode = 0600;
    /// After an accept that failed for want of something.
    std::chrono::milliseconds pause{200};
    /// Accepted in one turn of the loop, so that those who are there get their turn.
    unsigned batch = 16;
};

class SocketListener final : public Listener {
public:
    /// Listens. Throws xb::Error naming the channel.
    SocketListener(const Executor& executor, const Channel& channel,
                   const SocketListenerOptions& options = SocketListenerOptions());
    ~SocketListener() override;

    void start(Handler handler) override;

private:
    void await();
    void acceptSome();
    void pause(int error);
    Arrival arrival(UniqueFd socket) const;

    Executor executor_;
    Channel channel_;
    SocketListenerOptions options_;
    asio::posix::stream_descriptor descriptor_;
    Timer timer_;
    Handler handler_;
    bool short_ = false; // of descriptors or memory, and said so
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace xb::proxy
