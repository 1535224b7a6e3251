// SPDX-License-Identifier: Apache-2.0
// Hostile: a stream of D-Bus messages, and how it is cut into reads. The messages, and what is wrong with the
// stream, do not depend on the cuts, and no more is kept than the limit. The first byte says how to cut.
#include "rpc-proxy/wire/framer.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>
#include <cstdint>

namespace xb::fuzz {

namespace {

using namespace xb::proxy::wire;

/// Small, so that inputs of a few bytes reach it.
constexpr Limits limits{512};

struct Result {
    std::vector<std::string> messages;
    std::optional<Fault> fault;
    bool operator==(const Result&) const = default;
};

/// Cuts of 1 to `longest` bytes, from `seed`.
Result framed(std::string_view stream, std::size_t longest, std::uint32_t seed) {
    Framer framer(limits);
    Result result;
    while (!stream.empty()) {
        seed = seed * 1664525 + 1013904223;
        const std::size_t size = std::min(stream.size(), 1 + (seed >> 8) % longest);
        std::vector<char> piece(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
        stream.remove_prefix(size);
        framer.feed(piece);
        while (const auto message = framer.next()) {
            expect(message->size() <= limits.messageBytes, "no message beyond the limit");
            result.messages.emplace_back(asText(*message));
            std::fill(message->begin(), message->end(), 'x'); // it is ours now
        }
        expect(framer.held() < limits.messageBytes, "no more is kept than a message");
    }
    if (framer.flaw())
        result.fault = framer.flaw()->fault;
    return result;
}

void run(std::string_view input) {
    if (input.empty())
        return;
    const auto cut = static_cast<unsigned char>(input[0]);
    input.remove_prefix(1);
    const Result whole = framed(input, std::max<std::size_t>(input.size(), 1) * 1000, 1);
    expect(framed(input, 1, 1) == whole, "byte by byte is the same");
    expect(framed(input, 1 + cut % 64, cut) == whole, "cut otherwise is the same");
    std::string joined;
    for (const std::string& message : whole.messages)
        joined += message;
    expect(input.starts_with(joined), "the messages are the stream");
}

const Target target("proxy_framer", run);

} // namespace

} // namespace xb::fuzz
