// SPDX-License-Identifier: Apache-2.0
// How a saved domain travels: in frames of 4 bytes of length (big-endian) and so many bytes; one of length 0
// ends it, and only then it is whole. Behind that comes one more frame, the word that the receiver is to let
// the domain run. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace xb::xenops {

/// Most bytes in a frame.
inline constexpr std::size_t maxFrame = 256 * 1024;

/// The bytes in front of a frame of `size` bytes.
std::string frameHeader(std::size_t size);

/// Frames of bytes that come in pieces.
class FrameParser {
public:
    void feed(std::string_view bytes) { buffer_.append(bytes); }
    /// The next whole frame. Throws xb::Error for one that is too long.
    std::optional<std::string> next();

private:
    std::string buffer_;
};

} // namespace xb::xenops
