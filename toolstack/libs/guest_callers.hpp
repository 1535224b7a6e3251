// SPDX-License-Identifier: Apache-2.0
// Telling the calls of guests from those of dom0. rpc-proxy makes a connection of its own for each client in
// a guest, and owns the name com.citrix.xenclient.guest.domid_<N>.c<pid>_<n> on it before it forwards
// anything: what comes from a connection that has such a name comes from domain N, until the connection ends.
// Where rpc-proxy runs as a user of its own, connections of that user without such a name are refused; with
// one of domain 0 they are dom0's: that is rpc-proxy itself, which asks about VMs.
//
// Whoever owns such a name is trusted to be rpc-proxy: the bus policy sees to that.
#pragma once

#include "toolstack/libs/bus.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <sys/types.h>

namespace xb {

/// The user as which rpc-proxy runs, where there is one.
inline constexpr auto defaultProxyUser = "xenbroker-proxy";

/// The domid in a name that rpc-proxy owns for a guest. Nothing for other names; `unknownDomain` for one that
/// begins like those but is none.
inline constexpr std::uint32_t unknownDomain = 0xFFFFFFFF;
std::optional<std::uint32_t> guestDomainOf(std::string_view busName);

/// The guest behind a connection.
struct GuestCaller {
    std::uint32_t domid = unknownDomain;
    std::string uuid;
};

class GuestCallers {
public:
    /// The uuid of a running domain. Throws xb::Error. Asked once for each connection: domids are used again.
    using FindUuid = std::function<Task<std::string>(std::uint32_t domid)>;

    /// Speaks with the bus synchronously. `proxyUser` is of no effect while there is no such user. Without
    /// `findUuid` it is enough that a caller is a guest: its uuid stays empty.
    GuestCallers(Bus& bus, const std::string& proxyUser, FindUuid findUuid);
    GuestCallers(const GuestCallers&) = delete;
    GuestCallers& operator=(const GuestCallers&) = delete;

    /// Whether a call that just arrived is known to be dom0's: one look-up. Otherwise ask of().
    bool isDom0(const std::string& uniqueName) const {
        if (known_.empty())
            return !proxyUid_;
        const auto found = known_.find(uniqueName);
        return found == known_.end() ? !proxyUid_ : found->second->isDom0();
    }
    /// The guest that a call that just arrived comes from, or nothing: it is dom0's. Calls of one connection
    /// go on in the order in which they asked. Throws xb::Error (AccessDenied) if nobody knows.
    Task<std::optional<GuestCaller>> of(std::string uniqueName);

    /// Connections that are told apart.
    std::size_t size() const { return known_.size(); }

private:
    struct Connection {
        explicit Connection(const Executor& executor) : turn(executor) {}
        bool isDom0() const { return !guest && checked && !turn.locked(); }

        std::optional<GuestCaller> guest;
        bool complained = false;
        bool checked = false; ///< not rpc-proxy's own, or the guest's uuid is known
        AsyncMutex turn;      ///< of those who wait to know more
    };
    using ConnectionPtr = std::shared_ptr<Connection>;

    void ownerChanged(const std::string& name, const std::string& before, const std::string& after);
    void adopt(std::uint32_t domid, const std::string& uniqueName);
    Task<> forgetIfGone(std::string uniqueName);
    ConnectionPtr connection(const std::string& uniqueName);
    Task<> check(ConnectionPtr connection, std::string uniqueName);

    Bus& bus_;
    FindUuid findUuid_;
    std::optional<uid_t> proxyUid_;
    std::string proxyUser_;
    Subscription owners_;
    std::unordered_map<std::string, ConnectionPtr> known_; ///< by unique name
};

} // namespace xb
