// SPDX-License-Identifier: Apache-2.0
// Changes single things of a message that was read. A serial is changed in place. Another destination, sender
// or first argument needs a new header or body; the fields that stay, unknown ones too, keep their bytes and
// order, and a body that stays is not copied: it lies at a multiple of 8 before and after.
#pragma once

#include "rpc-proxy/wire/message_view.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace xb::proxy::wire {

/// Sets the serial of `view`, in it and in `bytes`, which it was read from. Not 0.
void setSerial(std::span<char> bytes, MessageView& view, std::uint32_t serial);
/// The same for the reply serial, which the message must have (std::logic_error).
void setReplySerial(std::span<char> bytes, MessageView& view, std::uint32_t serial);

/// What is to become of a field that is a bus name.
class NameChange {
public:
    static NameChange keep() { return {Kind::keep, {}}; }
    static NameChange remove() { return {Kind::remove, {}}; }
    /// Adds it if it is not there. `name` must be a bus name.
    static NameChange set(std::string_view name) { return {Kind::set, name}; }

    bool isKeep() const { return kind_ == Kind::keep; }
    bool isSet() const { return kind_ == Kind::set; }
    std::string_view name() const { return name_; }

private:
    enum class Kind : std::uint8_t { keep, remove, set };
    NameChange(Kind kind, std::string_view name) : kind_(kind), name_(name) {}
    Kind kind_;
    std::string_view name_;
};

struct Rewrite {
    std::optional<std::uint32_t> serial;
    std::optional<std::uint32_t> replySerial; ///< only if the message has one
    NameChange destination = NameChange::keep();
    NameChange sender = NameChange::keep();
    /// For a message whose first argument is a string (`s`, `su`, ...): that string becomes this text.
    std::optional<std::string_view> firstString;
};

/// The new header, padded, for a body of `bodyBytes`: to be sent before it. Throws std::logic_error for what
/// the message has not or `rewrite` may not say, xb::Error (LimitsExceeded) if the message would be too long.
std::string rewriteHeader(const MessageView& view, const Rewrite& rewrite, std::size_t bodyBytes);
/// The body with another first string.
std::string rewriteFirstString(const MessageView& view, std::string_view text);
/// Header and body.
std::string rewriteMessage(const MessageView& view, const Rewrite& rewrite);

} // namespace xb::proxy::wire
