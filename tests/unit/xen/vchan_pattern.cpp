// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/xen/vchan_pattern.hpp"

#include "toolstack/libs/error.hpp"

#include <algorithm>
#include <array>

namespace xb::xen::test {

namespace {

constexpr std::size_t period = 8191;
constexpr std::size_t pieceSize = 16384;

} // namespace

char patternByte(std::size_t index) {
    const std::size_t place = index % period;
    return static_cast<char>((place * 7 + place / 256) & 0xff);
}

Task<> sendPattern(VchanStream& stream, std::size_t size) {
    std::array<char, pieceSize> buffer;
    for (std::size_t done = 0; done < size;) {
        const std::size_t piece = std::min(size - done, buffer.size());
        for (std::size_t i = 0; i < piece; ++i)
            buffer[i] = patternByte(done + i);
        const std::span<const char> bytes(buffer.data(), piece);
        done += co_await stream.writeSome(bytes);
    }
}

Task<> receivePattern(VchanStream& stream, std::size_t size) {
    std::array<char, pieceSize> buffer;
    for (std::size_t done = 0; done < size;) {
        const std::span<char> room(buffer.data(), std::min(size - done, buffer.size()));
        const std::size_t got = co_await stream.readSome(room);
        if (got == 0)
            throw Error("the stream ends after " + std::to_string(done) + " bytes");
        for (std::size_t i = 0; i < got; ++i)
            if (buffer[i] != patternByte(done + i))
                throw Error("byte " + std::to_string(done + i) + " is wrong");
        done += got;
    }
}

Task<std::size_t> readToEnd(VchanStream& stream) {
    std::array<char, pieceSize> buffer;
    std::size_t sum = 0;
    while (const std::size_t got = co_await stream.readSome(buffer))
        sum += got;
    co_return sum;
}

} // namespace xb::xen::test
