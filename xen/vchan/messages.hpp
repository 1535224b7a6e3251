// SPDX-License-Identifier: Apache-2.0
// What is said on a listener ring (docs/vchan.md): a domain asks for a connection, the listener answers with
// the path of a fresh ring, or refuses. Pure functions over bytes; both sides treat what they read as
// hostile.
//
//   request  "XBvc" | version 1 | type 1 | 0 0 | nonce (8)                              16 bytes
//   answer   "XBvc" | version 1 | status | length (2, little-endian) | nonce (8) | text   16 + length bytes
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xb::xen::vchan {

inline constexpr std::size_t headerSize = 16;
/// Longest text of an answer.
inline constexpr std::size_t maxAnswerText = 256;
/// Longest xenstore path of a ring: libxenvchan appends "/event-channel" in a buffer of 64 bytes, and cuts
/// off silently what does not fit.
inline constexpr std::size_t maxRingPath = 49;

/// Chosen at random by who asks, so that it knows the answer that is meant for it.
using Nonce = std::array<char, 8>;

enum class Status : std::uint8_t {
    ring = 0,    ///< text: xenstore path of the ring, which is open for the asking domain only
    refused = 1, ///< text: which limit is reached
    failed = 2,  ///< text: why no ring could be made
};

struct Request {
    Nonce nonce{};
};

struct Answer {
    Status status = Status::failed;
    Nonce nonce{};
    std::string text;
};

/// What the bytes that came so far are.
enum class Parsed {
    incomplete, ///< more bytes are needed
    message,    ///< one message; `used` bytes of the input are spent
    garbage,    ///< nothing that follows can be understood
};

Parsed parseRequest(std::string_view bytes, Request& request, std::size_t& used);
Parsed parseAnswer(std::string_view bytes, Answer& answer, std::size_t& used);

std::string toBytes(const Request& request);
/// Letters outside printable ASCII become '?', a text that is too long is cut off.
std::string toBytes(const Answer& answer);

/// Where the listener ring of `client` for `port` is:
/// /local/domain/<server>/data/vchan/<client>/<port>/listen.
std::string listenPath(std::uint32_t server, std::uint32_t client, unsigned port);
/// The directory above it, with a slash at its end: all rings of the client and port are in it.
std::string portPath(std::uint32_t server, std::uint32_t client, unsigned port);
/// Where the rings of all clients are, below `server`'s tree.
std::string clientsPath(std::uint32_t server);

} // namespace xb::xen::vchan
