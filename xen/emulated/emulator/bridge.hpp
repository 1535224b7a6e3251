// SPDX-License-Identifier: Apache-2.0
// The emulated network: learning switches by name, each with a "host" station at 10.9.0.1 that answers ARP
// and echo requests. A frame is delivered at once; ports drop what their guest does not take.
#pragma once

#include "xen/emulated/packets.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xen::emulated {

/// MAC addresses that a bridge remembers; more are flooded.
inline constexpr std::size_t maxLearnedAddresses = 1024;

class BridgePort {
public:
    virtual ~BridgePort() = default;
    virtual void deliver(std::string_view frame) = 0;
};

class Bridge {
public:
    explicit Bridge(std::string name) : name_(std::move(name)) {}

    const std::string& name() const { return name_; }
    void attach(BridgePort& port) { ports_.insert(&port); }
    void detach(BridgePort& port);
    /// A frame came in at `from`.
    void forward(BridgePort& from, std::string_view frame);

private:
    std::string name_;
    Station host_{{0x0a, 0x09, 0, 0, 0, 1}, hostStationIp};
    std::set<BridgePort*> ports_;
    std::map<Mac, BridgePort*> learned_;
};

class Bridges {
public:
    explicit Bridges(const std::vector<std::string>& names);
    /// Throws xb::Error when there is no such bridge.
    std::shared_ptr<Bridge> find(const std::string& name) const;

private:
    std::map<std::string, std::shared_ptr<Bridge>> bridges_;
};

} // namespace xb::xen::emulated
