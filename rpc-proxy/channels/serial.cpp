// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/channels/serial.hpp"

#include "toolstack/libs/error.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

namespace xb::proxy {

namespace {

std::string nameOf(const Channel& channel) {
    return fmt::format("channel {}", channel.text());
}

UniqueFd openLine(const Channel& channel) {
    UniqueFd line(::open(channel.file.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    if (!line)
        throw systemError(nameOf(channel) + ": cannot open it", errno);
    if (::flock(line.get(), LOCK_EX | LOCK_NB) != 0)
        throw systemError(nameOf(channel) + ": another process uses it", errno);
    return line;
}

// Bytes as they are, whatever the modem says. Returns how it was before.
termios makeRaw(int line, const Channel& channel) {
    termios before{};
    if (::tcgetattr(line, &before) != 0)
        throw systemError(nameOf(channel) + ": it is no serial line", errno);
    termios raw = before;
    ::cfmakeraw(&raw);
    raw.c_cflag |= CLOCAL | CREAD;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (::tcsetattr(line, TCSANOW, &raw) != 0)
        throw systemError(nameOf(channel) + ": it cannot be made raw", errno);
    return before;
}

// EIO is what a terminal says whose other end is gone.
Transfer transferOf(ssize_t result) {
    if (result > 0)
        return {Transfer::State::moved, static_cast<std::size_t>(result), 0};
    if (result == 0 || errno == EIO)
        return {Transfer::State::closed, 0, 0};
    if (errno == EAGAIN || errno == EINTR)
        return {Transfer::State::blocked, 0, 0};
    return {Transfer::State::failed, 0, errno};
}

} // namespace

SerialStream::SerialStream(const Executor& executor, const Channel& channel, std::function<void()> over)
    : DescriptorStream(executor, openLine(channel)), before_(makeRaw(fd(), channel)), over_(std::move(over)) {
}

SerialStream::~SerialStream() {
    ::tcsetattr(fd(), TCSANOW, &before_); // of one that is gone nothing is left to restore
    over_();
}

Transfer SerialStream::receive(std::span<char> into) {
    return transferOf(::read(fd(), into.data(), into.size()));
}

Transfer SerialStream::send(std::span<const char> bytes) {
    return transferOf(::write(fd(), bytes.data(), bytes.size()));
}

// A conversation may outlive the listener, for as long as everything ends.
SerialListener::SerialListener(const Executor& executor, const Channel& channel, std::function<void()> over)
    : over_(std::make_shared<std::function<void()>>(std::move(over))),
      stream_(std::make_unique<SerialStream>(executor, channel,
                                             [weak = std::weak_ptr(over_)] {
                                                 if (const auto there = weak.lock())
                                                     (*there)();
                                             })),
      device_(channel.file) {}

void SerialListener::start(Handler handler) {
    handler_ = std::move(handler);
    stream_->awaitReadable(*this);
}

void SerialListener::readable() {
    Arrival arrival;
    arrival.peer = device_;
    arrival.stream = std::move(stream_);
    handler_(std::move(arrival));
}

} // namespace xb::proxy
