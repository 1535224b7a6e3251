// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/devices.hpp"

#include "toolstack/libs/mac_address.hpp"
#include "xenmgr/db.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace xb::xenmgr {

std::string modernNetwork(const std::string& network) {
    if (network == "brbridged")
        return "/wired/0/bridged";
    if (network == "brshared")
        return "/wired/0/shared";
    if (network == "brwireless")
        return "/wireless/0/shared";
    if (network == "brinternal")
        return "/internal/0";
    return network;
}

bool Disk::isEmptyDrive() const {
    return isCdrom() && (path.empty() || std::filesystem::path(path).filename() == "null.iso");
}

std::string diskNode(const std::string& uuid, const std::string& id) {
    return vmNode(uuid) + "/config/disk/" + id;
}
std::string nicNode(const std::string& uuid, const std::string& key) {
    return vmNode(uuid) + "/config/nic/" + key;
}

std::optional<Disk> findDisk(const Db& db, const std::string& uuid, const std::string& id) {
    const std::string node = diskNode(uuid, id);
    if (id.empty() || id.find('/') != std::string::npos || !db.exists(node))
        return std::nullopt;
    Disk disk;
    disk.id = id;
    disk.path = db.read(node + "/path");
    disk.type = db.read(node + "/type", "vhd");
    disk.mode = db.read(node + "/mode", "w");
    disk.device = db.read(node + "/device");
    disk.devtype = db.read(node + "/devtype", "disk");
    disk.snapshot = db.read(node + "/snapshot");
    disk.enabled = db.readBool(node + "/enable", true);
    disk.shared = db.readBool(node + "/shared", false);
    return disk;
}

std::vector<Disk> disksOf(const Db& db, const std::string& uuid) {
    std::vector<Disk> disks;
    for (const auto& id : db.list(vmNode(uuid) + "/config/disk"))
        if (auto disk = findDisk(db, uuid, id))
            disks.push_back(std::move(*disk));
    return disks;
}

std::vector<Nic> nicsOf(const Db& db, const std::string& uuid) {
    std::vector<Nic> nics;
    for (const auto& key : db.list(vmNode(uuid) + "/config/nic")) {
        const std::string node = nicNode(uuid, key);
        Nic nic;
        nic.key = key;
        nic.id = db.readInt(node + "/id", 0);
        nic.network = modernNetwork(db.read(node + "/network", defaultNetwork));
        nic.mac = db.read(node + "/mac");
        if (nic.mac == "auto")
            nic.mac.clear();
        nic.model = db.read(node + "/model");
        nic.backendUuid = db.read(node + "/backend-uuid");
        nic.backendName = db.read(node + "/backend-name");
        // Both spellings are found in configurations.
        nic.enabled = db.readBool(node + "/enable", db.readBool(node + "/enabled", true));
        nic.wireless = db.readBool(node + "/wireless-driver", false);
        nics.push_back(std::move(nic));
    }
    std::ranges::stable_sort(nics, {}, &Nic::id);
    return nics;
}

std::optional<Nic> findNic(const Db& db, const std::string& uuid, int id) {
    for (auto& nic : nicsOf(db, uuid))
        if (nic.id == id)
            return std::move(nic);
    return std::nullopt;
}

bool isPathElement(const std::string& key) {
    return !key.empty() &&
           std::ranges::all_of(key, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
}

std::string macOf(const Nic& nic, const std::string& uuid) {
    return nic.mac.empty() ? deriveMacAddress(std::to_string(nic.id) + " " + uuid) : nic.mac;
}

int firstFreeId(const std::vector<std::string>& taken) {
    int id = 0;
    while (std::ranges::find(taken, std::to_string(id)) != taken.end())
        ++id;
    return id;
}

} // namespace xb::xenmgr
