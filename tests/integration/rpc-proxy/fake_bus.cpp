// SPDX-License-Identifier: Apache-2.0
#include "fake_bus.hpp"

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

FakeBus::FakeBus(const std::string& file) : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, file.data(), file.size());
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), SOMAXCONN) != 0)
        throw systemError("cannot listen on " + file, errno);
}

RawClient FakeBus::accept() {
    pollfd one{listener_.get(), POLLIN, 0};
    if (::poll(&one, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) != 1)
        throw Error("nobody connects to the fake bus");
    UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection)
        throw systemError("cannot accept", errno);
    return RawClient(std::move(connection));
}

void FakeBus::send(RawClient& proxy, wire::Header message, std::string_view body) {
    message.sender = message.sender ? message.sender : "org.freedesktop.DBus";
    message.destination = uniqueName;
    std::string bytes;
    if (const auto flaw = wire::appendMessage(bytes, message, body))
        throw Error("the fake bus's message is none: " + flaw->text());
    proxy.send(bytes);
}

void FakeBus::answer(RawClient& proxy, const wire::Header& call, std::string_view text) {
    wire::BodyWriter body("s");
    body.string(text);
    wire::Header reply = wire::methodReturn(call.serial, call);
    reply.signature = "s";
    send(proxy, reply, body.take());
}

RawClient FakeBus::welcome() {
    RawClient proxy = accept();
    proxy.receiveText("BEGIN\r\n");
    proxy.send("OK 0123456789abcdef0123456789abcdef\r\n");
    answer(proxy, proxy.receive().view, uniqueName);
    const Received request = proxy.receive();
    wire::BodyWriter body("u");
    body.uint32(1); // DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER
    wire::Header reply = wire::methodReturn(2, request.view);
    reply.signature = "u";
    send(proxy, reply, body.take());
    return proxy;
}

} // namespace xb::test
