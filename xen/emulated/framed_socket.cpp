// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/framed_socket.hpp"

#include "toolstack/libs/log.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <cstdint>
#include <cstring>

namespace xb::xen::emulated {

Task<std::optional<std::string>> FramedSocket::receive() {
    const auto self = shared_from_this();
    std::uint32_t length = 0;
    boost::system::error_code error;
    co_await asio::async_read(socket_, asio::buffer(&length, sizeof length),
                              asio::redirect_error(asio::use_awaitable, error));
    if (error)
        co_return std::nullopt;
    if (length > maxControlMessage) {
        log::error("control socket: a message of {} bytes (limit {}): peer dropped", length,
                   maxControlMessage);
        close();
        co_return std::nullopt;
    }
    std::string message(length, '\0');
    co_await asio::async_read(socket_, asio::buffer(message),
                              asio::redirect_error(asio::use_awaitable, error));
    if (error)
        co_return std::nullopt;
    co_return message;
}

void FramedSocket::send(const std::string& message) {
    if (!socket_.is_open())
        return;
    const auto length = static_cast<std::uint32_t>(message.size());
    std::string frame(sizeof length, '\0');
    std::memcpy(frame.data(), &length, sizeof length);
    frame += message;
    queued_ += frame.size();
    if (message.size() > maxControlMessage || queued_ > maxControlQueue) {
        log::error("control socket: a peer with {} bytes queued (limit {}) is dropped", queued_,
                   maxControlQueue);
        close();
        return;
    }
    queue_.push_back(std::move(frame));
    if (!writing_)
        writeNext();
}

void FramedSocket::writeNext() {
    writing_ = true;
    auto written = [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
        self->writing_ = false;
        if (error)
            return self->close();
        self->queued_ -= self->queue_.front().size();
        self->queue_.pop_front();
        if (!self->queue_.empty())
            self->writeNext();
    };
    asio::async_write(socket_, asio::buffer(queue_.front()), std::move(written));
}

void FramedSocket::close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
}

} // namespace xb::xen::emulated
