// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/saved_stream.hpp"

#include "toolstack/libs/error.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdint>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace xb::xen {

namespace {

constexpr std::string_view ident = "LibxlFmt";
constexpr std::uint32_t version = 2;
constexpr unsigned char bigEndianOption = 1;
constexpr std::uint32_t helperRecord = 1; // LIBXC_CONTEXT

std::uint32_t byteAt(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}
std::uint32_t bigEndian(std::string_view text, std::size_t at) {
    return byteAt(text, at) << 24 | byteAt(text, at + 1) << 16 | byteAt(text, at + 2) << 8 |
           byteAt(text, at + 3);
}
std::uint32_t littleEndian(std::string_view text, std::size_t at) {
    return byteAt(text, at + 3) << 24 | byteAt(text, at + 2) << 16 | byteAt(text, at + 1) << 8 |
           byteAt(text, at);
}

void makePipe(UniqueFd& out, UniqueFd& in) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        throw systemError("cannot make a pipe for libxl", errno);
    out.reset(ends[0]);
    in.reset(ends[1]);
}

// What is at an offset of its own can be tried and done again.
bool hasOffset(int stream) {
    const int flags = ::fcntl(stream, F_GETFL);
    if (flags < 0)
        throw systemError("the stream of a saved domain", errno);
    return (flags & O_APPEND) == 0 && ::lseek(stream, 0, SEEK_CUR) >= 0;
}

// Waits for a stream that is not to block, as libxl does.
bool mayRetry(int stream, short events) {
    if (errno == EINTR)
        return true;
    if (errno != EAGAIN)
        return false;
    pollfd one{stream, events, 0};
    return ::poll(&one, 1, -1) >= 0 || errno == EINTR;
}

// `at`: the offset, or -1 for that of the stream. Less at its end.
std::string readStart(int stream, off_t at) {
    std::string start(streamStart, '\0');
    std::size_t size = 0;
    while (size < start.size()) {
        auto* const here = start.data() + size;
        const auto wanted = start.size() - size;
        const auto got = at < 0 ? ::read(stream, here, wanted)
                                : ::pread(stream, here, wanted, at + static_cast<off_t>(size));
        if (got == 0)
            break;
        if (got > 0)
            size += static_cast<std::size_t>(got);
        else if (!mayRetry(stream, POLLIN))
            throw systemError("cannot read the saved domain", errno);
    }
    start.resize(size);
    return start;
}

} // namespace

std::string whyNotStream(std::string_view start) {
    constexpr std::size_t versionAt = 8;
    constexpr std::size_t optionsAt = 12;
    constexpr std::size_t recordAt = 16;
    constexpr std::size_t recordLengthAt = 20;
    if (start.size() < streamStart)
        return fmt::format("it ends after {} bytes", start.size());
    if (!start.starts_with(ident))
        return fmt::format("it does not begin with {}: it is no saved domain", ident);
    if (const auto found = bigEndian(start, versionAt); found != version)
        return fmt::format("it is of version {}, libxl reads {}", found, version);
    if (bigEndian(start, optionsAt) & bigEndianOption)
        return "a machine of the other byte order wrote it";
    if (littleEndian(start, recordAt) != helperRecord || littleEndian(start, recordLengthAt) != 0)
        return "its first record is not the domain's memory";
    return "";
}

StreamRelay::StreamRelay(int source, int target, UniqueFd own, std::size_t keepReading)
    : source_(source), target_(target), own_(std::move(own)), keepReading_(keepReading),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
    if (!stop_)
        throw systemError("eventfd", errno);
    thread_ = std::thread([this] { run(); });
}

StreamRelay::~StreamRelay() {
    if (!thread_.joinable())
        return;
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
}

int StreamRelay::wait() {
    if (thread_.joinable())
        thread_.join();
    return failure_;
}

// False: it is to stop.
bool StreamRelay::ready(int descriptor, short events) const {
    std::array<pollfd, 2> both{{{descriptor, events, 0}, {stop_.get(), POLLIN, 0}}};
    while (::poll(both.data(), both.size(), -1) < 0)
        if (errno != EINTR)
            return false;
    return both[1].revents == 0;
}

bool StreamRelay::write(std::string_view data) {
    while (!data.empty()) {
        if (!ready(target_, POLLOUT)) {
            failure_ = ECANCELED;
            return false;
        }
        const auto written = ::write(target_, data.data(), data.size());
        if (written >= 0) {
            data.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR && errno != EAGAIN) {
            failure_ = errno;
            return false;
        }
    }
    return true;
}

void StreamRelay::run() {
    // A reader that goes away is an error (EPIPE), not our end.
    sigset_t pipeSignal;
    ::sigemptyset(&pipeSignal);
    ::sigaddset(&pipeSignal, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipeSignal, nullptr);
    copy();
    own_.reset();
}

// No more than a pipe takes at once when poll() says that it is ready.
void StreamRelay::copy() {
    std::array<char, PIPE_BUF> buffer;
    std::size_t seen = 0;
    while (failure_ == 0 || seen < keepReading_) {
        if (!ready(source_, POLLIN))
            return;
        const auto got = ::read(source_, buffer.data(), buffer.size());
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return; // whoever reads sees that it ends too early, if it does
        seen += static_cast<std::size_t>(got);
        if (failure_ == 0)
            write({buffer.data(), static_cast<std::size_t>(got)});
    }
}

SaveStream::SaveStream(int stream) : stream_(stream) {
    if (hasOffset(stream)) {
        // In a file this takes the place that libxl's first bytes need. The offset stays.
        const std::array<char, streamStart> nothing{};
        const auto written = ::pwrite(stream, nothing.data(), nothing.size(), ::lseek(stream, 0, SEEK_CUR));
        if (written != static_cast<ssize_t>(nothing.size()))
            throw systemError("cannot write the saved domain", written < 0 ? errno : ENOSPC);
        return;
    }
    UniqueFd pipeOut;
    makePipe(pipeOut, pipeIn_);
    const int source = pipeOut.get();
    relay_ = std::make_unique<StreamRelay>(source, stream, std::move(pipeOut), streamStart + 1);
}

void SaveStream::finish() {
    pipeIn_.reset();
    if (!relay_)
        return;
    if (const int failure = relay_->wait())
        throw systemError("cannot write the saved domain", failure);
}

RestoreStream::RestoreStream(int stream) : stream_(stream) {
    const bool file = hasOffset(stream);
    const auto start = readStart(stream, file ? ::lseek(stream, 0, SEEK_CUR) : -1);
    if (const auto wrong = whyNotStream(start); !wrong.empty())
        throw Error("the saved domain cannot be restored: " + wrong);
    if (file)
        return;
    UniqueFd pipeIn;
    makePipe(pipeOut_, pipeIn);
    if (::write(pipeIn.get(), start.data(), start.size()) != static_cast<ssize_t>(start.size()))
        throw systemError("cannot write to the pipe to libxl", errno);
    const int target = pipeIn.get();
    relay_ = std::make_unique<StreamRelay>(stream, target, std::move(pipeIn), 0);
}

// libxl's end first: the relay may wait for it.
RestoreStream::~RestoreStream() {
    pipeOut_.reset();
}

} // namespace xb::xen
