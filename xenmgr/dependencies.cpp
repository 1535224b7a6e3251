// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/dependencies.hpp"

#include "xenmgr/db.hpp"
#include "xenmgr/devices.hpp"

#include <algorithm>

namespace xb::xenmgr {

namespace {

std::string backendOfNic(const Db& db, const Nic& nic) {
    if (!nic.backendUuid.empty())
        return nic.backendUuid;
    if (!nic.backendName.empty())
        for (const auto& uuid : db.list("/vm"))
            if (db.read(vmNode(uuid) + "/name") == nic.backendName)
                return uuid;
    return "";
}

} // namespace

std::string backendOf(const Db& db, const std::string& uuid, int nicId) {
    const auto nic = findNic(db, uuid, nicId);
    return nic ? backendOfNic(db, *nic) : "";
}

std::vector<std::string> dependenciesOf(const Db& db, const std::string& uuid) {
    std::vector<std::string> found;
    std::vector<std::string> open{uuid};
    while (!open.empty()) {
        const std::string current = open.front();
        open.erase(open.begin());
        for (const auto& nic : nicsOf(db, current)) {
            const std::string backend = nic.enabled ? backendOfNic(db, nic) : "";
            if (backend.empty() || backend == uuid || std::ranges::find(found, backend) != found.end())
                continue;
            found.push_back(backend);
            open.push_back(backend);
        }
    }
    return found;
}

} // namespace xb::xenmgr
