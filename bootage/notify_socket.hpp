// SPDX-License-Identifier: Apache-2.0
// The receiving side of sd_notify(3): a datagram socket in the abstract namespace, so that nothing is left
// behind in a directory. Whoever may reach it may send anything, so a message counts for what the kernel says
// about its sender (SCM_CREDENTIALS), and descriptors that come along are closed.
#pragma once

#include "bootage/notification.hpp"
#include "toolstack/libs/task.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <string>

#include <sys/types.h>

namespace xb::bootage {

/// Longest message that is read; longer ones are dropped and logged.
inline constexpr std::size_t maxNotificationSize = 4096;
/// Messages taken in one go, so that a flood cannot keep the loop from its other work.
inline constexpr std::size_t maxNotificationsAtOnce = 64;

class NotifySocket {
public:
    /// Called with the sender's process id.
    using Handler = std::function<void(pid_t, const Notification&)>;

    /// Binds and begins to receive. Throws xb::Error.
    NotifySocket(const Executor& executor, Handler handler);
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    /// The value for NOTIFY_SOCKET.
    const std::string& address() const { return address_; }
    /// Hands over what has arrived up to now. For the moment of a death: what was said before it counts.
    void drain();

private:
    void waitForMessage();
    bool receiveOne();

    asio::posix::stream_descriptor socket_;
    Handler handler_;
    std::string address_;
};

} // namespace xb::bootage
