// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/guest/net_frontend.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <poll.h>
#include <sys/socket.h>

namespace xb::xen::emulated {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds answerLimit{1000};

// No DHCP: 10.9.x.y, unique per domid and card.
Ip addressOf(std::uint32_t domid, unsigned card) {
    return 0x0a090000u + ((domid / 250 % 30 + 1 + card * 32) % 256) * 256 + domid % 250 + 2;
}

} // namespace

NetFrontend::NetFrontend(FrontendContext& context, std::string path) : Frontend(context, std::move(path)) {
    const std::string devid = this->path().substr(this->path().rfind('/') + 1);
    name_ = "eth" + devid;
    station_.mac = parseMac(context_.store.read(this->path() + "/mac").value_or("")).value_or(Mac{});
    station_.ip = addressOf(context_.domid, static_cast<unsigned>(numberIn(devid)));
}

void NetFrontend::describe(const std::string& ref) {
    context_.store.write(path() + "/tx-ring-ref", ref);
    context_.store.write(path() + "/rx-ring-ref", ref);
    context_.store.write(path() + "/request-rx-copy", "1");
}

void NetFrontend::report() {
    const auto bridge = context_.store.read(backend() + "/bridge").value_or("?");
    context_.print(name_ + ": " + toText(station_.mac) + ", " + ipToText(station_.ip) + " on " + bridge +
                   ", " + ping(hostStationIp));
}

std::optional<std::string> NetFrontend::receive() {
    std::string frame(maxFrame, '\0');
    const ssize_t size = ::recv(channel(), frame.data(), frame.size(), MSG_DONTWAIT);
    if (size <= 0)
        return std::nullopt;
    frame.resize(static_cast<std::size_t>(size));
    if (const auto answer = answerTo(frame, station_))
        send(*answer);
    return frame;
}

// A full channel loses the frame, as a full ring of a card does.
void NetFrontend::send(const std::string& frame) {
    ::send(channel(), frame.data(), frame.size(), MSG_NOSIGNAL);
}

void NetFrontend::onReadable() {
    while (receive()) {
    }
}

template <class Accept>
bool NetFrontend::waitFor(Accept accept) {
    const auto deadline = Clock::now() + answerLimit;
    for (;;) {
        while (const auto frame = receive())
            if (accept(*frame))
                return true;
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd entry{channel(), POLLIN, 0};
        if (left <= 0 || (::poll(&entry, 1, static_cast<int>(left)) < 0 && errno != EINTR) ||
            (entry.revents & (POLLHUP | POLLERR)) != 0)
            return false;
    }
}

std::string NetFrontend::ping(Ip address) {
    if (!connected())
        return name_ + " is not connected";
    const auto started = Clock::now();
    const std::string what = "ping " + ipToText(address) + ": ";
    Station target{Mac{}, address};
    send(arpRequest(station_, address));
    const auto isReply = [&](const std::string& frame) {
        const auto mac = macFromArpReply(frame, address);
        if (mac)
            target.mac = *mac;
        return mac.has_value();
    };
    if (!waitFor(isReply))
        return what + "no such host";
    const auto id = static_cast<std::uint16_t>(context_.domid);
    const auto sequence = ++sequence_;
    send(echoRequest(station_, target, id, sequence));
    if (!waitFor(
            [&](const std::string& frame) { return isEchoReply(frame, station_, address, id, sequence); }))
        return what + "no answer";
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - started).count();
    return what + "answer from " + toText(target.mac) + " in " + std::to_string(micros) + " us";
}

} // namespace xb::xen::emulated
