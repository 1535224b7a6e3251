// SPDX-License-Identifier: Apache-2.0
// One whole message as it was received: looked through completely before anything is said of it, and not
// copied.
//
// What is accepted is what the D-Bus specification 0.38 allows, and what its reference implementation lets
// through; the few differences are listed in tests/unit/rpc-proxy/wire/reference_test.cpp.
#pragma once

#include "rpc-proxy/wire/flaw.hpp"
#include "rpc-proxy/wire/header.hpp"
#include "rpc-proxy/wire/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace xb::proxy::wire {

/// Borrows the bytes it was read from.
struct MessageView : Header {
    std::string_view bytes; ///< the message
    std::string_view body;  ///< its end, checked against `signature`

    /// The first argument, if it is a string (`s`, not a path).
    std::optional<std::string_view> firstString() const;

    /// Where the value of REPLY_SERIAL is; 0: there is none.
    std::uint32_t replySerialAt = 0;
};

/// Reads `bytes`, which must be one message, into `view`; nothing of `view` may be used if there is a flaw.
/// No allocation.
std::optional<Flaw> read(std::string_view bytes, const Limits& limits, MessageView& view);

/// Walks over the header fields of a message that read() accepted.
class FieldCursor {
public:
    explicit FieldCursor(const MessageView& message);
    /// To the first or next field; false behind the last.
    bool next();
    std::uint8_t code() const { return static_cast<std::uint8_t>(bytes_[begin_]); }
    /// The whole field without padding; its beginning is at a multiple of 8.
    std::string_view field() const { return bytes_.substr(begin_, end_ - begin_); }

private:
    std::string_view bytes_; // up to the end of the fields
    Endian endian_;
    std::size_t begin_ = 0;
    std::size_t end_ = prologueBytes;
};

} // namespace xb::proxy::wire
