// SPDX-License-Identifier: Apache-2.0
#include "toolstack/vchan-socket-proxy/relay.hpp"

#include "toolstack/libs/error.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <array>

namespace xb::vchan_proxy {

namespace {

std::string_view through(const Passage& passage, std::string_view bytes, std::string& passed) {
    if (!passage)
        return bytes;
    passed.clear();
    passage(bytes, passed);
    return passed;
}

} // namespace

Relay::Relay(const Executor& executor, Socket socket, std::unique_ptr<xen::VchanStream> vchan,
             Passage fromSocket, Passage fromVchan)
    : executor_(executor), socket_(std::move(socket)), vchan_(std::move(vchan)),
      fromSocket_(std::move(fromSocket)), fromVchan_(std::move(fromVchan)), ended_(executor) {}

void Relay::close(const std::string& why) {
    if (reason_.empty())
        reason_ = why;
    boost::system::error_code ignored;
    socket_.close(ignored);
    vchan_->close();
}

Task<std::string> Relay::run(Self self) {
    self->running_ = 2;
    spawn(self->executor_, "socket to vchan", pass(self, &Relay::fromSocket));
    spawn(self->executor_, "vchan to socket", pass(self, &Relay::fromVchan));
    co_await self->ended_.wait();
    co_return self->reason_;
}

Task<> Relay::pass(Self self, Task<> (*direction)(Self)) {
    try {
        co_await direction(self);
    } catch (const std::exception& e) {
        self->close(e.what());
    }
    if (--self->running_ == 0)
        self->ended_.set();
}

Task<> Relay::fromSocket(Self self) {
    std::array<char, relayChunk> buffer;
    std::string passed;
    for (;;) {
        boost::system::error_code error;
        const std::size_t size = co_await self->socket_.async_read_some(
            asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
        if (error)
            break;
        const std::string_view bytes(buffer.data(), size);
        std::span<const char> left(through(self->fromSocket_, bytes, passed));
        while (!left.empty()) {
            const std::size_t written = co_await self->vchan_->writeSome(left);
            left = left.subspan(written);
        }
    }
    self->close("the socket was closed");
}

Task<> Relay::fromVchan(Self self) {
    std::array<char, relayChunk> buffer;
    std::string passed;
    for (;;) {
        const std::size_t size = co_await self->vchan_->readSome(buffer);
        if (size == 0)
            break;
        const std::string_view bytes(buffer.data(), size);
        const auto data = through(self->fromVchan_, bytes, passed);
        boost::system::error_code error;
        co_await asio::async_write(self->socket_, asio::buffer(data),
                                   asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            self->close("the socket was closed");
            co_return;
        }
    }
    self->close("the vchan was closed");
}

} // namespace xb::vchan_proxy
