// SPDX-License-Identifier: Apache-2.0
// Makes a client of the relay of a connection that is to be a WebSocket, or carries JSON by itself. Must be
// there before the relay and go after it; what is left of browsers ends with it.
#pragma once

#include "rpc-proxy/browser/browser_options.hpp"
#include "rpc-proxy/channels/listener.hpp"
#include "toolstack/libs/task.hpp"

#include <memory>
#include <vector>

namespace xb::proxy {

class Conversation;
struct BrowserContext;

class BrowserChannel {
public:
    /// `ask` may be null: types are guessed then.
    BrowserChannel(const Executor& executor, BrowserOptions options, AskTypes ask);
    BrowserChannel(const BrowserChannel&) = delete;
    BrowserChannel& operator=(const BrowserChannel&) = delete;
    ~BrowserChannel();

    /// The same client, speaking D-Bus.
    Arrival take(Arrival browser);
    /// Returns when all browsers are gone: those that the relay has ended are told so, and have
    /// WebSocketOptions::farewell to take what is left for them. No more may come.
    Task<> allGone();

private:
    std::shared_ptr<BrowserContext> context_;
    std::vector<std::weak_ptr<Conversation>> conversations_;
};

} // namespace xb::proxy
