// SPDX-License-Identifier: Apache-2.0
// What all clients of one domain share.
#pragma once

#include "rpc-proxy/relay/log_limit.hpp"
#include "toolstack/libs/log.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace xb::proxy {

struct Peer {
    std::uint32_t domid = 0;
    std::size_t clients = 0;
    LogLimit logLimit;

    /// A warning that the peer itself causes, as often as it likes.
    template <class... T>
    void warn(fmt::format_string<T...> format, T&&... values) {
        const auto leftOut = logLimit.take();
        if (!leftOut)
            return;
        if (*leftOut > 0)
            log::warn("domain {}: {} lines about it were left out", domid, *leftOut);
        log::write(log::Level::warning, format, fmt::make_format_args(values...));
    }
};

} // namespace xb::proxy
