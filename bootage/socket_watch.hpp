// SPDX-License-Identifier: Apache-2.0
// Waits until a unix socket takes connections: inotify tells when it appears. Between bind() and listen(),
// for which the kernel has no event, the connection is refused; only then it is tried again after a short,
// growing pause.
#pragma once

#include "toolstack/libs/timer.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace xb::bootage {

/// What a unix socket does with a connection.
enum class SocketState { absent, refusing, open };

/// Tries it, for a stream, sequenced packet or datagram socket. Never blocks; a full backlog counts as open.
SocketState socketState(const std::string& path);

class SocketWatch {
public:
    /// Calls `onOpen` once, from the loop, when `path` takes connections. Throws xb::Error when inotify
    /// cannot be used. Destroying the watch ends it.
    SocketWatch(const Executor& executor, std::string path, std::function<void()> onOpen);
    SocketWatch(const SocketWatch&) = delete;
    SocketWatch& operator=(const SocketWatch&) = delete;

private:
    void check();
    void watchNearestDirectory();
    void waitForChange();
    void retryLater();

    std::string path_;
    std::function<void()> onOpen_;
    asio::posix::stream_descriptor inotify_;
    Timer retry_;
    std::chrono::milliseconds pause_;
    std::filesystem::path watched_;
    int watch_ = -1;
    // Handlers that are queued when the watch is destroyed find this gone.
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

} // namespace xb::bootage
