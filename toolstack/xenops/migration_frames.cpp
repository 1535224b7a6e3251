// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/migration_frames.hpp"

#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

namespace xb::xenops {

namespace {

constexpr std::size_t headerSize = 4;

} // namespace

std::string frameHeader(std::size_t size) {
    std::string header;
    for (int shift = 24; shift >= 0; shift -= 8)
        header += static_cast<char>(size >> shift & 0xff);
    return header;
}

std::optional<std::string> FrameParser::next() {
    if (buffer_.size() < headerSize)
        return std::nullopt;
    std::size_t size = 0;
    for (std::size_t i = 0; i < headerSize; ++i)
        size = size << 8 | static_cast<unsigned char>(buffer_[i]);
    if (size > maxFrame)
        throw Error(
            errors::limitsExceeded,
            fmt::format("the stream of the migration has a frame of {} bytes (limit {})", size, maxFrame));
    if (buffer_.size() < headerSize + size)
        return std::nullopt;
    std::string frame = buffer_.substr(headerSize, size);
    buffer_.erase(0, headerSize + size);
    return frame;
}

} // namespace xb::xenops
