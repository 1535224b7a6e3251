// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/notify_socket.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/timer.hpp"
#include "toolstack/libs/unique_fd.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <sys/socket.h>

namespace xb::xenvm {

namespace {

using Protocol = asio::generic::stream_protocol;
using ErrorCode = boost::system::error_code;

Protocol::socket openSocket(const Executor& executor, const Protocol::endpoint& endpoint) {
    const int family = endpoint.protocol().family();
    UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        throw systemError("cannot make a socket", errno);
    return {executor, Protocol(family, endpoint.protocol().protocol()), fd.release()};
}

} // namespace

NotifySocket::NotifySocket(Executor executor, std::string target)
    : executor_(executor), target_(std::move(target)), idle_(std::move(executor)) {
    idle_.set();
}

void NotifySocket::send(std::string line) {
    if (queue_.size() >= maxQueued) {
        failed(fmt::format("{} notifications wait already, further ones are dropped", maxQueued));
        return;
    }
    queue_.push_back(std::move(line));
    if (pumping_)
        return;
    pumping_ = true;
    idle_.clear();
    spawn(executor_, "notifications to " + target_, pump(shared_from_this()));
}

Task<> NotifySocket::pump(std::shared_ptr<NotifySocket> self) {
    while (!self->queue_.empty()) {
        std::string line = std::move(self->queue_.front());
        self->queue_.pop_front();
        try {
            co_await self->deliver(std::move(line));
            self->failing_ = false;
        } catch (const std::exception& e) {
            self->failed(e.what());
        }
    }
    self->pumping_ = false;
    self->idle_.set();
}

Task<> NotifySocket::flush() {
    const auto self = shared_from_this();
    co_await idle_.wait();
}

Task<> NotifySocket::deliver(std::string line) {
    const std::vector<Endpoint> places = co_await endpoints();
    std::string reason = "it has no address";
    bool late = false;
    for (const Endpoint& place : places) {
        Protocol::socket socket = openSocket(executor_, place);
        Timer limit(executor_);
        limit.callAfter(deliveryLimit, [&socket, &late] {
            late = true;
            ErrorCode ignored;
            socket.close(ignored); // ends what is under way
        });
        ErrorCode error;
        co_await socket.async_connect(place, asio::redirect_error(asio::use_awaitable, error));
        if (!error)
            co_await asio::async_write(socket, asio::buffer(line),
                                       asio::redirect_error(asio::use_awaitable, error));
        if (!error)
            co_return;
        reason = late ? fmt::format("not done after {} ms", deliveryLimit.count()) : error.message();
        if (late)
            break;
    }
    throw Error(reason);
}

void NotifySocket::failed(const std::string& reason) {
    if (!std::exchange(failing_, true))
        log::warn("a notification to {} is lost: {}", target_, reason);
}

// ---- the kinds

namespace {

class UnixNotifySocket : public NotifySocket {
public:
    UnixNotifySocket(Executor executor, const std::string& path)
        : NotifySocket(std::move(executor), path), path_(path) {}

private:
    Task<std::vector<Endpoint>> endpoints() override {
        const asio::local::stream_protocol::endpoint place(path_); // throws for a path that is too long
        std::vector<Endpoint> places{Endpoint(place)};
        co_return places;
    }

    std::string path_;
};

class TcpNotifySocket : public NotifySocket {
public:
    TcpNotifySocket(Executor executor, const std::string& hostAndPort)
        : NotifySocket(executor, hostAndPort), resolver_(executor) {
        const auto colon = hostAndPort.rfind(':');
        host_ = hostAndPort.substr(0, colon);
        port_ = hostAndPort.substr(colon + 1);
        if (host_.size() > 2 && host_.front() == '[' && host_.back() == ']')
            host_ = host_.substr(1, host_.size() - 2);
    }

private:
    // On a thread of Asio.
    Task<std::vector<Endpoint>> endpoints() override {
        const auto results = co_await resolver_.async_resolve(host_, port_, asio::use_awaitable);
        std::vector<Endpoint> places;
        for (const auto& result : results)
            places.emplace_back(result.endpoint());
        co_return places;
    }

    asio::ip::tcp::resolver resolver_;
    std::string host_;
    std::string port_;
};

} // namespace

std::shared_ptr<NotifySocket> NotifySocket::toUnix(Executor executor, const std::string& path) {
    return std::make_shared<UnixNotifySocket>(std::move(executor), path);
}

std::shared_ptr<NotifySocket> NotifySocket::toTcp(Executor executor, const std::string& hostAndPort) {
    return std::make_shared<TcpNotifySocket>(std::move(executor), hostAndPort);
}

} // namespace xb::xenvm
