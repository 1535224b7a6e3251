// SPDX-License-Identifier: Apache-2.0
// All clients of one instance: takes them in, within limits, and tells them when rules or properties change.
#pragma once

#include "rpc-proxy/channels/listener.hpp"
#include "rpc-proxy/relay/deadlines.hpp"
#include "rpc-proxy/relay/peer.hpp"
#include "rpc-proxy/relay/relay_options.hpp"
#include "rpc-proxy/relay/statistics.hpp"
#include "rpc-proxy/relay/vm_properties.hpp"
#include "rpc-proxy/rules/rule_set.hpp"

#include <functional>
#include <map>
#include <memory>
#include <unordered_set>
#include <vector>

namespace xb::proxy {

class Session;

/// UUID and stub domain flag of a domain; what cannot be found out is left out.
using Identify = std::function<Task<rules::Subject>(std::uint32_t domid)>;

class Relay {
public:
    /// `options` are kept; `properties` may be null and must outlive it.
    Relay(Executor executor, RelayOptions options, Identify identify, VmProperties* properties);
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    ~Relay();

    /// A client of domain `domid`.
    void accept(Arrival arrival, std::uint32_t domid);
    /// Ends every connection.
    void endAll();
    /// The rules in force from now on, for those who are connected too.
    void setRules(std::shared_ptr<const rules::RuleSet> rules);

    const Statistics& statistics() const { return statistics_; }
    std::size_t clients() const { return clients_; }

private:
    friend class Session;

    void remove(std::shared_ptr<Session> session);

    Executor executor_;
    RelayOptions options_;
    Identify identify_;
    VmProperties* properties_;
    std::shared_ptr<const rules::RuleSet> rules_ = std::make_shared<rules::RuleSet>();
    Deadlines deadlines_;
    std::vector<char> buffer_; // everybody receives into it
    Statistics statistics_;
    std::map<std::uint32_t, std::weak_ptr<Peer>> peers_;
    std::unordered_set<std::shared_ptr<Session>> sessions_;
    std::size_t clients_ = 0; // of those, without the ones that have ended
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

} // namespace xb::proxy
