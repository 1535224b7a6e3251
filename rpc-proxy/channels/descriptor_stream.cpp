// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/channels/descriptor_stream.hpp"

namespace xb::proxy {

DescriptorStream::DescriptorStream(const Executor& executor, UniqueFd fd)
    : descriptor_(executor, fd.release()) {}

void DescriptorStream::awaitReadable(StreamUser& user) {
    if (waits_->reading)
        return;
    waits_->reading = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [&user, waits = std::weak_ptr(waits_)](const boost::system::error_code& error) {
                               const auto there = waits.lock();
                               if (error || !there)
                                   return;
                               there->reading = false;
                               user.readable();
                           });
}

void DescriptorStream::awaitWritable(StreamUser& user) {
    if (waits_->writing)
        return;
    waits_->writing = true;
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                           [&user, waits = std::weak_ptr(waits_)](const boost::system::error_code& error) {
                               const auto there = waits.lock();
                               if (error || !there)
                                   return;
                               there->writing = false;
                               user.writable();
                           });
}

} // namespace xb::proxy
