// SPDX-License-Identifier: Apache-2.0
#include "rpc-proxy/wire/framer.hpp"

#include "rpc-proxy/wire/header.hpp"

#include <algorithm>

namespace xb::proxy::wire {

std::optional<std::size_t> Framer::sizeOf(std::span<const char> bytes) {
    Header header;
    Extent extent{};
    flaw_ = readPrologue({bytes.data(), bytes.size()}, limits_.messageBytes, header, extent);
    return flaw_ ? std::nullopt : std::optional(extent.end);
}

// Moves fed bytes to the kept ones until those are `upTo`; whether there were enough.
bool Framer::take(std::size_t upTo) {
    const std::size_t missing = upTo - std::min(upTo, kept_.size());
    const std::size_t now = std::min(missing, fed_.size());
    // Doubling, but not beyond the message.
    if (kept_.capacity() < kept_.size() + now)
        kept_.reserve(std::max(kept_.size() + now, std::min(upTo, 2 * kept_.capacity())));
    kept_.append(fed_.data(), now);
    fed_ = fed_.subspan(now);
    return now == missing;
}

std::optional<std::span<char>> Framer::next() {
    if (handedOut_) {
        std::string().swap(kept_); // also its memory: most connections are idle most of the time
        handedOut_ = false;
    }
    if (flaw_)
        return std::nullopt;
    if (kept_.empty() && fed_.size() >= prologueBytes) {
        const auto size = sizeOf(fed_);
        if (!size)
            return std::nullopt;
        if (*size <= fed_.size()) {
            const std::span<char> message = fed_.first(*size);
            fed_ = fed_.subspan(*size);
            return message;
        }
    }
    if (!take(prologueBytes))
        return std::nullopt;
    const auto size = sizeOf(kept_);
    if (!size || !take(*size))
        return std::nullopt;
    handedOut_ = true;
    return std::span<char>(kept_);
}

} // namespace xb::proxy::wire
