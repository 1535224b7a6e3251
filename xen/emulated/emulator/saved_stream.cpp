// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/saved_stream.hpp"

#include "toolstack/libs/error.hpp"
#include "xen/emulated/guest_state.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>
#include <unistd.h>

namespace xb::xen::emulated {

namespace {

constexpr std::string_view magic = "XBEMUDOM";
constexpr std::uint32_t version = 1;
constexpr std::size_t headerSize = 20;
// A pipe that can be written to takes as much without waiting (PIPE_BUF).
constexpr std::size_t chunk = 4096;

std::uint32_t crc32(std::string_view data) {
    std::uint32_t crc = 0xffffffff;
    for (const char c : data) {
        crc ^= static_cast<unsigned char>(c);
        for (int bit = 0; bit < 8; ++bit)
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
    }
    return ~crc;
}

void putNumber(std::string& text, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8)
        text += static_cast<char>((value >> shift) & 0xff);
}

std::uint32_t numberAt(std::string_view text, std::size_t offset) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value |= static_cast<std::uint32_t>(static_cast<unsigned char>(text[offset + i])) << (8 * i);
    return value;
}

void waitFor(int stream, short what, const Interrupt& interrupt) {
    for (;;) {
        pollfd entries[]{{stream, what, 0}, {interrupt.descriptor(), POLLIN, 0}};
        if (::poll(entries, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            throw systemError("waiting for the stream", errno);
        }
        if (entries[1].revents != 0)
            throw Error("the transfer of the domain was broken off");
        if (entries[0].revents != 0)
            return;
    }
}

std::string readExactly(int stream, std::size_t size, const Interrupt& interrupt) {
    std::string data(size, '\0');
    std::size_t have = 0;
    while (have < size) {
        waitFor(stream, POLLIN, interrupt);
        const ssize_t n = ::read(stream, data.data() + have, size - have);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            throw systemError("reading the saved domain", errno);
        if (n == 0)
            throw Error("the saved domain is cut off: its stream ends after " + std::to_string(have) +
                        " of " + std::to_string(size) + " bytes");
        have += static_cast<std::size_t>(n);
    }
    return data;
}

} // namespace

Interrupt::Interrupt() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_)
        throw systemError("cannot make an eventfd", errno);
}

void Interrupt::raise() {
    const std::uint64_t one = 1;
    static_cast<void>(::write(event_.get(), &one, sizeof one)); // fails only when it is raised already
}

void writeSavedStream(int stream, const std::string& state, const Interrupt& interrupt) {
    std::string data(magic);
    putNumber(data, version);
    putNumber(data, static_cast<std::uint32_t>(state.size()));
    putNumber(data, crc32(state));
    data += state;
    std::string_view rest = data;
    while (!rest.empty()) {
        waitFor(stream, POLLOUT, interrupt);
        const ssize_t n = ::write(stream, rest.data(), std::min(rest.size(), chunk));
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            throw systemError("writing the saved domain", errno);
        rest.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
    }
}

std::string readSavedStream(int stream, const Interrupt& interrupt) {
    const auto header = readExactly(stream, headerSize, interrupt);
    if (!header.starts_with(magic))
        throw Error("this is no saved domain of the emulated hypervisor");
    if (numberAt(header, magic.size()) != version)
        throw Error("the saved domain is of version " + std::to_string(numberAt(header, magic.size())) +
                    ", which this emulator does not know");
    const std::size_t size = numberAt(header, magic.size() + 4);
    if (size > maxGuestState)
        throw Error("the saved domain claims " + std::to_string(size) + " bytes of state (limit " +
                    std::to_string(maxGuestState) + ")");
    auto state = readExactly(stream, size, interrupt);
    if (crc32(state) != numberAt(header, magic.size() + 8))
        throw Error("the saved domain is damaged: its checksum is wrong");
    try {
        parseGuestState(state);
    } catch (const std::runtime_error& e) {
        throw Error(e.what());
    }
    return state;
}

} // namespace xb::xen::emulated
