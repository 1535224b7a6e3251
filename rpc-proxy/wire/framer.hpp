// SPDX-License-Identifier: Apache-2.0
// Cuts a stream of bytes into messages. A message that arrived whole is handed out where it lies, so an idle
// connection holds no buffer and all of them can receive into one; only the beginning of a message that is
// not all there yet is kept. That is never more than the message says it has, nor than the limit, and grows
// with what arrives: announcing much costs the proxy nothing.
#pragma once

#include "rpc-proxy/wire/flaw.hpp"
#include "rpc-proxy/wire/limits.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace xb::proxy::wire {

/// A message as read() takes it.
inline std::string_view asText(std::span<const char> message) {
    return {message.data(), message.size()};
}

class Framer {
public:
    explicit Framer(const Limits& limits) : limits_(limits) {}

    /// Takes over `bytes` as what was received next, to be used until next() returned nothing. Only then may
    /// there be another feed().
    void feed(std::span<char> bytes) { fed_ = bytes; }

    /// The next whole message, to be read() (only its length is checked so far); usable and writable until
    /// the next call of next(). Nothing: more bytes are needed, or flaw() says that no message can follow any
    /// more.
    std::optional<std::span<char>> next();

    const std::optional<Flaw>& flaw() const { return flaw_; }
    /// What is kept of a message that is not whole, in bytes.
    std::size_t held() const { return kept_.size(); }

private:
    bool take(std::size_t upTo);
    std::optional<std::size_t> sizeOf(std::span<const char> bytes);

    Limits limits_;
    std::span<char> fed_;
    std::string kept_;
    bool handedOut_ = false; // kept_ is the message that the last next() returned
    std::optional<Flaw> flaw_;
};

} // namespace xb::proxy::wire
