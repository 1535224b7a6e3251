// SPDX-License-Identifier: Apache-2.0
// What streams on a descriptor that epoll knows have in common: waiting.
#pragma once

#include "rpc-proxy/channels/stream.hpp"
#include "toolstack/libs/task.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>

#include <memory>

namespace xb::proxy {

class DescriptorStream : public Stream {
public:
    void awaitReadable(StreamUser& user) override;
    void awaitWritable(StreamUser& user) override;

protected:
    /// `fd` does not block.
    DescriptorStream(const Executor& executor, UniqueFd fd);
    int fd() { return descriptor_.native_handle(); }

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
