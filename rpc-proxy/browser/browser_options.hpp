// SPDX-License-Identifier: Apache-2.0
// What an instance for browsers, and for other clients that speak JSON, is told to be, and its limits.
#pragma once

#include "rpc-proxy/json/limits.hpp"
#include "rpc-proxy/json/signatures.hpp"
#include "rpc-proxy/websocket/websocket.hpp"
#include "toolstack/libs/task.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace xb::proxy {

struct BrowserOptions {
    /// Texts come in a WebSocket; otherwise each ends with NUL.
    bool webSockets = true;
    /// Clients authenticate before their texts, which only those without WebSocket can.
    bool authenticates = false;
    WebSocketOptions socket;
    /// Of texts that wait for a browser, and of messages that wait for the relay; then no more are taken.
    std::size_t queueBytes = std::size_t{256} << 10;
    /// Of a D-Bus message that becomes of a text.
    std::uint32_t messageBytes = 4U << 20;
    /// After which a browser that is silent is asked whether it is there; after as long again without an
    /// answer, or without having taken anything of what is for it, it is dropped.
    std::chrono::milliseconds idle{30'000};
};

/// What the methods of an object take; null: that cannot be found out.
using AskTypes = std::function<Task<std::shared_ptr<const json::MethodSignatures>>(std::string destination,
                                                                                   std::string path)>;

} // namespace xb::proxy
