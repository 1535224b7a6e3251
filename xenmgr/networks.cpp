// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/networks.hpp"

#include "xenmgr/db.hpp"
#include "xenmgr/devices.hpp"

#include <algorithm>
#include <filesystem>

namespace xb::xenmgr {

std::string firstBridge() {
    std::vector<std::string> bridges;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/class/net", error))
        if (std::filesystem::exists(entry.path() / "bridge", error))
            bridges.push_back(entry.path().filename());
    return bridges.empty() ? "" : *std::ranges::min_element(bridges);
}

std::string networkNode(const std::string& network) {
    std::string key = network;
    std::ranges::replace(key, '/', '_');
    return "/networks/" + key;
}

std::string bridgeOf(const Db& db, const std::string& network) {
    if (!network.starts_with('/'))
        return network;
    const std::string entry = networkNode(network) + "/bridge";
    std::string bridge = db.read(entry);
    if (bridge.empty() && network == defaultNetwork)
        bridge = firstBridge();
    if (bridge.empty())
        throw Error("network " + network +
                    " is on no bridge: create a bridge on this machine and enter its name at " + entry +
                    " in the database");
    return bridge;
}

} // namespace xb::xenmgr
