// SPDX-License-Identifier: Apache-2.0
#include "raw_client.hpp"

#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "tests/support/process.hpp"
#include "toolstack/libs/error.hpp"

#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace xb::test {

namespace wire = proxy::wire;

namespace {

constexpr int patienceMs = static_cast<int>(std::chrono::milliseconds(patience).count());

void wait(int fd, short events) {
    pollfd one{fd, events, 0};
    if (::poll(&one, 1, patienceMs) != 1)
        throw Error("the raw client waits in vain");
}

} // namespace

Received::Received(std::string text) : bytes(std::move(text)) {
    if (const auto flaw = wire::read(bytes, {}, view))
        throw Error("the proxy sent what is no message: " + flaw->text());
}

RawClient::RawClient(const std::string& file)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, file.data(), file.size());
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw systemError("cannot connect to " + file, errno);
}

std::size_t RawClient::trySend(std::string_view bytes) {
    ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == ENOTSOCK)
        sent = ::write(socket_.get(), bytes.data(), bytes.size());
    if (sent < 0 && errno != EAGAIN)
        throw systemError("cannot send", errno);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

void RawClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t sent = trySend(bytes);
        bytes.remove_prefix(sent);
        if (sent == 0)
            wait(socket_.get(), POLLOUT);
    }
}

bool RawClient::receiveSome() {
    wait(socket_.get(), POLLIN);
    char bytes[65536];
    const ssize_t got = ::read(socket_.get(), bytes, sizeof bytes);
    if (got > 0)
        buffer_.append(bytes, static_cast<std::size_t>(got));
    return got > 0;
}

bool RawClient::ended() {
    while (receiveSome()) {
    }
    return true;
}

std::string RawClient::receiveText(std::string_view end) {
    while (buffer_.find(end) == std::string::npos) {
        if (!receiveSome())
            throw Error("the connection ended after: " + buffer_);
    }
    const std::size_t size = buffer_.find(end) + end.size();
    std::string text = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return text;
}

Received RawClient::receive() {
    for (;;) {
        if (buffer_.size() >= wire::prologueBytes) {
            wire::Header header;
            wire::Extent extent{};
            if (const auto flaw = wire::readPrologue(buffer_, wire::maxMessageBytes, header, extent))
                throw Error("the proxy sent what is no message: " + flaw->text());
            if (buffer_.size() >= extent.end) {
                Received message(buffer_.substr(0, extent.end));
                buffer_.erase(0, extent.end);
                return message;
            }
        }
        if (!receiveSome())
            throw Error("the connection ended");
    }
}

Received RawClient::replyTo(std::uint32_t serial) {
    for (;;) {
        Received message = receive();
        if (message.view.replySerial == serial)
            return message;
    }
}

std::uint32_t RawClient::sendMessage(wire::Header header, std::optional<std::string_view> argument) {
    header.serial = ++serial_;
    std::string body;
    if (argument) {
        wire::BodyWriter writer("s");
        writer.string(*argument);
        body = writer.take();
        header.signature = "s";
    }
    std::string bytes;
    if (const auto flaw = wire::appendMessage(bytes, header, body))
        throw Error("the test's message is none: " + flaw->text());
    send(bytes);
    return serial_;
}

std::uint32_t RawClient::call(std::string_view destination, std::string_view path, std::string_view interface,
                              std::string_view member, std::optional<std::string_view> argument) {
    wire::Header header = wire::methodCall(1, path, interface, member);
    if (!destination.empty())
        header.destination = destination;
    return sendMessage(header, argument);
}

void RawClient::authenticate() {
    using namespace std::string_literals;
    send("\0AUTH EXTERNAL 30\r\nBEGIN\r\n"s);
}

void RawClient::sendHello() {
    authenticate();
    call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello");
}

void RawClient::hello() {
    sendHello();
    receiveText("\r\n");
    uniqueName_ = replyTo(1).text();
}

} // namespace xb::test
