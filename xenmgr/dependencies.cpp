// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/dependencies.hpp"

#include "xenmgr/db.hpp"
#include "xenmgr/networks.hpp"

#include <algorithm>

namespace xb::xenmgr {

namespace {

std::string vmNamed(const Db& db, const std::string& name) {
    for (const auto& uuid : db.list("/vm"))
        if (db.read(vmNode(uuid) + "/name") == name)
            return uuid;
    return "";
}

std::string defaultProvider(const Db& db) {
    for (const auto& uuid : db.list("/vm"))
        if (db.readBool(vmNode(uuid) + "/provides-default-network-backend", false))
            return uuid;
    return "";
}

} // namespace

NicBackend backendOf(const Db& db, const std::string& uuid, const Nic& nic) {
    if (!nic.backendUuid.empty())
        return {nic.backendUuid, "VM " + nic.backendUuid};
    if (!nic.backendName.empty())
        return {vmNamed(db, nic.backendName), "VM \"" + nic.backendName + "\""};
    if (!nic.network.starts_with('/')) // a bridge of ours
        return {};
    const std::string entry = networkNode(nic.network);
    if (const std::string configured = db.read(entry + "/backend-uuid"); !configured.empty())
        return {configured, "VM " + configured + ", which serves network " + nic.network};
    if (db.exists(entry))
        return {};
    const std::string provider = defaultProvider(db);
    return {provider == uuid ? "" : provider, ""};
}

std::vector<std::string> dependenciesOf(const Db& db, const std::string& uuid) {
    std::vector<std::string> found;
    std::vector<std::string> open{uuid};
    while (!open.empty()) {
        const std::string current = open.front();
        open.erase(open.begin());
        for (const auto& nic : nicsOf(db, current)) {
            const std::string backend = nic.enabled ? backendOf(db, current, nic).uuid : "";
            if (backend.empty() || backend == uuid || std::ranges::find(found, backend) != found.end())
                continue;
            found.push_back(backend);
            open.push_back(backend);
        }
    }
    return found;
}

} // namespace xb::xenmgr
