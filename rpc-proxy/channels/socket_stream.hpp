// SPDX-License-Identifier: Apache-2.0
// A connected socket as a Stream.
#pragma once

#include "rpc-proxy/channels/stream.hpp"
#include "toolstack/libs/task.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>

namespace xb::proxy {

class SocketStream final : public Stream {
public:
    /// `socket` does not block.
    SocketStream(const Executor& executor, UniqueFd socket);

    Transfer receive(std::span<char> into) override;
    Transfer send(std::span<const char> bytes) override;
    void endSending() override;
    void awaitReadable(StreamUser& user) override;
    void awaitWritable(StreamUser& user) override;

private:
    /// Shared with the waits under way, which may outlive the stream for a turn of the loop.
    struct Waits {
        bool reading = false;
        bool writing = false;
    };

    asio::posix::stream_descriptor descriptor_;
    std::shared_ptr<Waits> waits_ = std::make_shared<Waits>();
};

} // namespace xb::proxy
