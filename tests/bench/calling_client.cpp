// SPDX-License-Identifier: Apache-2.0
#include "calling_client.hpp"

#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace xb::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr timeval patience{60, 0};
constexpr std::size_t receiveBytes = 262144;

double microsecondsSince(Clock::time_point begin) {
    return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
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

void CallingClient::receive() {
    const std::size_t before = in_.size();
    in_.resize(before + receiveBytes);
    const ssize_t got = ::recv(socket_.get(), in_.data() + before, receiveBytes, 0);
    const int error = errno;
    in_.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got < 0)
        throw systemError("cannot receive", error);
    if (got == 0)
        throw Error("the other side ended the connection");
}

void CallingClient::waitForReply() {
    while (takeReplies() == 0)
        receive();
}

void CallingClient::oneByOne(unsigned count, std::vector<double>& times) {
    std::string out;
    for (unsigned i = 0; i < count; ++i) {
        out.clear();
        appendCall(out);
        const auto begin = Clock::now();
        send(out);
        waitForReply();
        times.push_back(microsecondsSince(begin));
    }
}

void CallingClient::callUntilFull() {
    constexpr unsigned most = 1'000'000; // whoever takes so much has no bound
    constexpr int stillMs = 200;
    std::string out;
    for (unsigned i = 0; i < most; ++i) {
        if (out.empty())
            appendCall(out);
        const ssize_t sent = ::send(socket_.get(), out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0) {
            out.erase(0, static_cast<std::size_t>(sent));
            continue;
        }
        pollfd entry{socket_.get(), POLLOUT, 0};
        if (errno != EAGAIN || ::poll(&entry, 1, stillMs) <= 0 || (entry.revents & POLLHUP) != 0)
            return;
    }
    throw Error("a client that does not read was never stopped");
}

double CallingClient::inFlight(unsigned window, unsigned count) {
    unsigned sent = 0;
    unsigned answered = 0;
    std::string out;
    const auto begin = Clock::now();
    while (answered < count) {
        out.clear();
        for (; sent < std::min(count, answered + window); ++sent)
            appendCall(out);
        send(out);
        receive();
        answered += takeReplies();
    }
    return count / (microsecondsSince(begin) / 1e6);
}

} // namespace xb::bench
