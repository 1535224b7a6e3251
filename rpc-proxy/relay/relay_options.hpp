// SPDX-License-Identifier: Apache-2.0
// What one instance of the proxy is told to be, and its limits.
#pragma once

#include "rpc-proxy/channels/channel.hpp"
#include "rpc-proxy/channels/connector.hpp"
#include "rpc-proxy/sasl/server.hpp"
#include "rpc-proxy/wire/limits.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace xb::proxy {

/// Each breach is logged with the peer, the limit and the value.
struct RelayLimits {
    /// Clients at once, and of them those of one domain. A bus lets one user have 256 connections.
    std::size_t clients = 200;
    std::size_t clientsPerDomain = 48;
    /// Of one message.
    std::uint32_t messageBytes = 4U << 20;
    /// That wait for one side to read; then nothing more is taken for it.
    std::size_t queueBytes = 256U << 10;
    /// Unanswered calls of one client, and of others to it: below the bus's 128, so that the proxy refuses
    /// first.
    std::size_t pendingCalls = 100;
    /// From connecting to the end of Hello, and for taking the rest when the other side is gone.
    std::chrono::milliseconds handshake{10'000};
};

struct RelayOptions {
    Channel outgoing;
    Connect connect; ///< to it
    bool firewall = true;
    bool verbose = false;
    /// Owned for a guest's connection, so that services know whose it is; false where the next thing is
    /// another proxy.
    bool guestNames = true;
    /// Names that guests may own, by the type of their VM ("" for all); `*` at the end stands for anything.
    std::multimap<std::string, std::string, std::less<>> ownNames;
    /// Clients of domains are told their VM's UUID while they authenticate.
    bool tellUuid = false;
    /// What clients get when they ask for a name; $UUID in it is their VM's. Empty: what they ask for.
    std::string clientName;
    /// GetNameOwner is answered with the name itself.
    bool answerNames = false;
    /// The well-known name to put in place of a unique one that a call is for; empty: none. May be null.
    std::function<std::string_view(std::string_view uniqueName)> translate;
    RelayLimits limits;
    sasl::ServerOptions sasl;
    uid_t uid = 0; ///< what the bus is told
};

} // namespace xb::proxy
