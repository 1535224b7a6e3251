// SPDX-License-Identifier: Apache-2.0
#include "wire_client.hpp"

#include "programs.hpp"
#include "rpc-proxy/wire/body_writer.hpp"
#include "rpc-proxy/wire/builder.hpp"
#include "rpc-proxy/wire/message_view.hpp"
#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace xb::bench {

namespace wire = proxy::wire;

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto driver = "org.freedesktop.DBus";
constexpr timeval patience{60, 0};
constexpr std::size_t receiveBytes = 262144;

double microsecondsSince(Clock::time_point begin) {
    return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

std::string message(const wire::Header& header, std::string_view body) {
    std::string bytes;
    if (const auto flaw = wire::appendMessage(bytes, header, body))
        throw Error("a call of the measurement is no message: " + flaw->text());
    return bytes;
}

[[noreturn]] void throwError(std::string_view bytes) {
    wire::MessageView view;
    if (const auto flaw = wire::read(bytes, {}, view))
        throw Error("an error reply is no message: " + flaw->text());
    throw Error(std::string(view.errorName.value_or("")),
                "a call failed: " + std::string(view.firstString().value_or("")));
}

} // namespace

UniqueFd connectTo(const std::string& file) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (file.size() >= sizeof address.sun_path)
        throw Error("the name of the socket " + file + " is too long");
    std::memcpy(address.sun_path, file.data(), file.size());
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket)
        throw systemError("cannot make a socket", errno);
    for (const int direction : {SO_RCVTIMEO, SO_SNDTIMEO})
        ::setsockopt(socket.get(), SOL_SOCKET, direction, &patience, sizeof patience);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw systemError("cannot connect to " + file, errno);
    return socket;
}

void sendAll(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0)
            throw systemError("cannot send", errno);
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void sendUntilFull(int socket, const std::function<void(std::string&)>& append) {
    constexpr unsigned most = 1'000'000; // whoever takes so much has no bound
    constexpr int stillMs = 200;
    std::string out;
    for (unsigned i = 0; i < most; ++i) {
        if (out.empty())
            append(out);
        const ssize_t sent = ::send(socket, out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            out.erase(0, static_cast<std::size_t>(sent));
            continue;
        }
        pollfd entry{socket, POLLOUT, 0};
        if (errno != EAGAIN || ::poll(&entry, 1, stillMs) <= 0 || (entry.revents & POLLHUP) != 0)
            return;
    }
    throw Error("a client that does not read was never stopped");
}

void receiveInto(int socket, std::string& buffer) {
    const std::size_t before = buffer.size();
    buffer.resize(before + receiveBytes);
    const ssize_t got = ::recv(socket, buffer.data() + before, receiveBytes, 0);
    const int error = errno;
    buffer.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got < 0)
        throw systemError("cannot receive", error);
    if (got == 0)
        throw Error("the other side ended the connection");
}

WireClient::WireClient(const std::string& file, std::string_view text) : socket_(connectTo(file)) {
    wire::Header header = wire::methodCall(1, "/", "org.xenbroker.bench", "echo");
    header.destination = bareEchoService;
    header.signature = "s";
    wire::BodyWriter arguments("s");
    arguments.string(text);
    call_ = message(header, arguments.take());
    authenticate();
}

void WireClient::authenticate() {
    using namespace std::string_literals;
    std::string user;
    for (const char c : std::to_string(::geteuid()))
        user += fmt::format("{:02x}", static_cast<unsigned>(c));
    sendAll(socket_.get(), "\0"s);
    sendAll(socket_.get(), "AUTH EXTERNAL " + user + "\r\n");
    if (const std::string answer = receiveLine(); !answer.starts_with("OK "))
        throw Error("authentication was answered with: " + answer);
    sendAll(socket_.get(), "BEGIN\r\n");
    wire::Header hello = wire::methodCall(++serial_, "/org/freedesktop/DBus", driver, "Hello");
    hello.destination = driver;
    sendAll(socket_.get(), message(hello, ""));
    waitForReply();
}

std::string WireClient::receiveLine() {
    std::size_t end = 0;
    while ((end = in_.find("\r\n")) == std::string::npos)
        receiveInto(socket_.get(), in_);
    std::string line = in_.substr(0, end);
    in_.erase(0, end + 2);
    return line;
}

void WireClient::appendCall(std::string& out) {
    const std::size_t begin = out.size();
    out += call_;
    wire::store(out.data() + begin + wire::serialAt, ++serial_, wire::ownEndian);
}

// How many replies have arrived whole; signals are passed over.
unsigned WireClient::takeReplies() {
    unsigned replies = 0;
    std::string_view left = in_;
    while (left.size() >= wire::prologueBytes) {
        wire::Header header;
        wire::Extent extent{};
        if (const auto flaw = wire::readPrologue(left, wire::maxMessageBytes, header, extent))
            throw Error("what was received is no message: " + flaw->text());
        if (left.size() < extent.end)
            break;
        if (header.type == wire::MessageType::error)
            throwError(left.substr(0, extent.end));
        replies += header.type == wire::MessageType::methodReturn ? 1U : 0U;
        left.remove_prefix(extent.end);
    }
    in_.erase(0, in_.size() - left.size());
    return replies;
}

void WireClient::waitForReply() {
    while (takeReplies() == 0)
        receiveInto(socket_.get(), in_);
}

void WireClient::oneByOne(unsigned count, std::vector<double>& times) {
    std::string out;
    for (unsigned i = 0; i < count; ++i) {
        out.clear();
        appendCall(out);
        const auto begin = Clock::now();
        sendAll(socket_.get(), out);
        waitForReply();
        times.push_back(microsecondsSince(begin));
    }
}

void WireClient::callUntilFull() {
    sendUntilFull(socket_.get(), [this](std::string& out) { appendCall(out); });
}

double WireClient::inFlight(unsigned window, unsigned count) {
    unsigned sent = 0;
    unsigned answered = 0;
    std::string out;
    const auto begin = Clock::now();
    while (answered < count) {
        out.clear();
        for (; sent < std::min(count, answered + window); ++sent)
            appendCall(out);
        sendAll(socket_.get(), out);
        receiveInto(socket_.get(), in_);
        answered += takeReplies();
    }
    return count / (microsecondsSince(begin) / 1e6);
}

} // namespace xb::bench
