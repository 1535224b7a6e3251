// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/dependencies.hpp"

#include "xenmgr/db.hpp"
#include "xenmgr/networks.hpp"

#include <algorithm>

namespace xb::xenmgr {

namespace {

/// The first VM with this child of its node that is as wanted. A GetAll asks of all VMs: no paths are made.
template <class Wanted>
std::string vmWith(const Db& db, std::string_view child, Wanted wanted) {
    const dbd::Node* const vms = db.find("/vm");
    for (const dbd::Node* vm = vms != nullptr ? vms->firstChild() : nullptr; vm != nullptr; vm = vm->next()) {
        const dbd::Node* const node = vm->child(child);
        if (node != nullptr && wanted(*vm, *node))
            return std::string(vm->name());
    }
    return "";
}

std::string vmNamed(const Db& db, const std::string& name) {
    return vmWith(db, "name",
                  [&](const auto&, const dbd::Node& node) { return dbd::Tree::valueOf(node) == name; });
}

std::string defaultProvider(const Db& db) {
    constexpr auto key = "provides-default-network-backend";
    return vmWith(db, key, [&](const dbd::Node& vm, const auto&) {
        return db.readBool(vmNode(std::string(vm.name())) + "/" + key, false);
    });
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
