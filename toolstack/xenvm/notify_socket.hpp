// SPDX-License-Identifier: Apache-2.0
// A socket that takes notifications (key notify = unix,PATH or tcp,HOST:PORT): for each line it connects,
// writes and closes, one after the other. Whoever listens may be slow, deaf or gone: a delivery has a time
// limit, the queue a length, and failures are logged, the first of a row.
#pragma once

#include "toolstack/libs/task.hpp"

#include <boost/asio/generic/stream_protocol.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace xb::xenvm {

class NotifySocket : public std::enable_shared_from_this<NotifySocket> {
public:
    /// Most that one delivery may take, the look-up of a host name not included.
    static constexpr std::chrono::milliseconds deliveryLimit{5000};
    /// Most lines that wait; what comes then is dropped.
    static constexpr std::size_t maxQueued = 256;

    /// To the socket at `path`.
    static std::shared_ptr<NotifySocket> toUnix(Executor executor, const std::string& path);
    /// To "HOST:PORT"; an IPv6 address is in brackets.
    static std::shared_ptr<NotifySocket> toTcp(Executor executor, const std::string& hostAndPort);
    virtual ~NotifySocket() = default;

    /// Queues a line, which ends with a line feed.
    void send(std::string line);
    bool busy() const { return pumping_; }
    /// Done when nothing is queued.
    Task<> flush();

protected:
    using Endpoint = asio::generic::stream_protocol::endpoint;

    NotifySocket(Executor executor, std::string target);
    /// Where to connect to, in order of preference. Throws when that cannot be found out.
    virtual Task<std::vector<Endpoint>> endpoints() = 0;
    const Executor& executor() const { return executor_; }

private:
    static Task<> pump(std::shared_ptr<NotifySocket> self);
    Task<> deliver(std::string line);
    void failed(const std::string& reason);

    Executor executor_;
    std::string target_; ///< as it is called in the log
    std::deque<std::string> queue_;
    bool pumping_ = false;
    bool failing_ = false; ///< and the log says so
    Event idle_;
};

} // namespace xb::xenvm
