// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/domain_tree.hpp"

#include "toolstack/libs/error.hpp"
#include "xen/emulated/emulator/domain_checks.hpp"
#include "xen/emulated/shared_layout.h"

extern "C" {
#include <xenstore.h>
}

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>

namespace xb::xen::emulated {

namespace {

using Right = XenStorePermission::Right;
using Permissions = std::vector<XenStorePermission>;

// A node to write; one without permissions inherits its parent's.
struct Node {
    std::string path;
    std::string value;
    Permissions permissions;
};

Permissions guestReads(DomId domid) {
    return {{0, Right::none}, {domid, Right::read}};
}
Permissions guestOwns(DomId domid) {
    return {{domid, Right::none}};
}
Permissions controlDomainOnly() {
    return {{0, Right::none}};
}

void writeNodes(xs_handle* handle, const std::vector<Node>& nodes) {
    inTransaction(handle, "a domain's tree", [&](std::uint32_t transaction) {
        for (const auto& node : nodes) {
            if (!xs_write(handle, transaction, node.path.c_str(), node.value.data(),
                          static_cast<unsigned>(node.value.size())))
                throw systemError("xenstore: cannot write " + node.path, errno);
            if (!node.permissions.empty())
                setStorePermissions(handle, transaction, node.path, node.permissions);
        }
    });
}

std::vector<Node> homeNodes(DomId domid, const DomainConfig& config, const std::string& tty) {
    const std::string home = domainPath(domid);
    const std::string vm = "/vm/" + config.uuid;
    const std::string libxl = "/libxl/" + std::to_string(domid);
    const auto started =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
    std::vector<Node> nodes{
        {libxl, "", controlDomainOnly()},
        {libxl + "/type", typeName(config.type), {}},
        {libxl + "/dm-version", "qemu_xen", {}},
        {vm, "", guestReads(domid)},
        {vm + "/uuid", config.uuid, {}},
        {vm + "/name", config.name, {}},
        {vm + "/start_time", std::to_string(started.count()), {}},
        {home, "", guestReads(domid)},
        {home + "/vm", vm, {}},
        {home + "/name", config.name, {}},
        {home + "/domid", std::to_string(domid), {}},
        {home + "/cpu", "", {}},
        {home + "/memory", "", {}},
        {home + "/memory/static-max", std::to_string(std::max(config.memoryKib, config.maxMemoryKib)), {}},
        {home + "/memory/target", std::to_string(config.memoryKib), {}},
        {home + "/memory/videoram", std::to_string(config.videoMemoryKib), {}},
        {home + "/device", "", {}},
        {home + "/control", "", {}},
        {home + "/control/platform-feature-multiprocessor-suspend", "1", {}},
        {home + "/control/platform-feature-xs_reset_watches", "1", {}},
        {home + "/device/suspend/event-channel", "", guestOwns(domid)},
        {home + "/store/port", std::to_string(XB_STORE_PORT), {}},
        {home + "/store/ring-ref", std::to_string(XB_STORE_REF), {}},
        {home + "/console/backend", backendPath("console", domid, 0), {}},
        {home + "/console/backend-id", "0", {}},
        {home + "/console/limit", "1048576", {}},
        {home + "/console/type", "xenconsoled", {}},
        {home + "/console/output", "pty", {}},
        {home + "/console/tty", tty, {}},
        {home + "/console/port", std::to_string(XB_CONSOLE_PORT), {}},
        {home + "/console/ring-ref", std::to_string(XB_CONSOLE_REF), {}},
    };
    for (unsigned cpu = 0; cpu < config.vcpus; ++cpu)
        nodes.push_back({home + "/cpu/" + std::to_string(cpu) + "/availability", "online", {}});
    for (const char* leaf : {"shutdown", "feature-poweroff", "feature-reboot", "feature-suspend", "sysrq"})
        nodes.push_back({home + "/control/" + leaf, "", guestOwns(domid)});
    for (const char* leaf : {"data", "drivers", "feature", "attr", "error"})
        nodes.push_back({home + "/" + leaf, "", guestOwns(domid)});
    if (config.type == DomainType::hvm)
        nodes.push_back({vm + "/rtc/timeoffset", std::to_string(config.timeOffsetSeconds), {}});
    for (const auto& [name, value] : config.platform)
        nodes.push_back({home + "/platform/" + name, value, {}});
    return nodes;
}

using Values = std::vector<std::pair<std::string, std::string>>;

void addDevice(std::vector<Node>& nodes, DomId domid, const DeviceId& id, const Values& front,
               const Values& back) {
    const std::string frontend = frontendPath(id.kind, domid, id.devid);
    const std::string backend = backendPath(id.kind, domid, id.devid);
    const std::string libxl =
        "/libxl/" + std::to_string(domid) + "/device/" + id.kind + "/" + std::to_string(id.devid);
    nodes.push_back({libxl, "", controlDomainOnly()});
    nodes.push_back({libxl + "/frontend", frontend, {}});
    nodes.push_back({libxl + "/backend", backend, {}});
    nodes.push_back({frontend, "", {{domid, Right::none}, {0, Right::read}}});
    nodes.push_back({frontend + "/backend", backend, {}});
    nodes.push_back({frontend + "/backend-id", "0", {}});
    nodes.push_back({frontend + "/state", "1", {}});
    for (const auto& [name, value] : front)
        nodes.push_back({frontend + "/" + name, value, {}});
    nodes.push_back({backend, "", guestReads(domid)});
    nodes.push_back({backend + "/frontend", frontend, {}});
    nodes.push_back({backend + "/frontend-id", std::to_string(domid), {}});
    nodes.push_back({backend + "/online", "1", {}});
    for (const auto& [name, value] : back) {
        nodes.push_back({backend + "/" + name, value, {}});
        nodes.push_back({libxl + "/" + name, value, {}});
    }
    nodes.push_back({backend + "/state", "1", {}}); // last: this is what the backend waits for
}

void addDisk(std::vector<Node>& nodes, DomId domid, const DiskConfig& disk) {
    const DeviceId id = deviceIdOf(disk);
    const std::string type = disk.cdrom ? "cdrom" : "disk";
    addDevice(nodes, domid, id, {{"virtual-device", std::to_string(id.devid)}, {"device-type", type}},
              {{"params", disk.path},
               {"dev", disk.vdev},
               {"type", disk.backend == DiskBackend::phy ? "phy" : "qdisk"},
               {"mode", disk.writable ? "w" : "r"},
               {"device-type", type},
               {"removable", disk.cdrom ? "1" : "0"},
               {"bootable", "1"},
               {"discard-enable", "0"}});
}

void addNic(std::vector<Node>& nodes, DomId domid, DomainType domainType, const NicConfig& nic) {
    const std::string handle = std::to_string(nic.devid);
    Values back{{"script", nic.script.empty() ? "/etc/xen/scripts/vif-bridge" : nic.script},
                {"mac", nic.mac},
                {"bridge", nic.bridge},
                {"handle", handle},
                {"mtu", "1500"},
                {"type", domainType == DomainType::hvm ? "vif_ioemu" : "vif"},
                {"hotplug-status", ""}};
    if (!nic.ip.empty())
        back.emplace_back("ip", nic.ip);
    if (!nic.ifname.empty())
        back.emplace_back("vifname", nic.ifname);
    if (nic.rateBytes != 0)
        back.emplace_back("rate", std::to_string(nic.rateBytes) + "," + std::to_string(nic.rateIntervalUs));
    addDevice(nodes, domid, deviceIdOf(nic),
              {{"handle", handle}, {"mac", nic.mac}, {"mtu", "1500"}, {"trusted", "1"}}, back);
}

std::vector<Node> deviceNodes(DomId domid, const DomainConfig& config) {
    std::vector<Node> nodes;
    for (const auto& disk : config.disks)
        addDisk(nodes, domid, disk);
    for (const auto& nic : config.nics)
        addNic(nodes, domid, config.type, nic);
    return nodes;
}

Task<> write(XenStoreClient& store, std::vector<Node> nodes) {
    auto work = [nodes = std::move(nodes)](xs_handle* handle) { writeNodes(handle, nodes); };
    co_await store.run(std::move(work));
}

} // namespace

std::string domainPath(DomId domid) {
    return "/local/domain/" + std::to_string(domid);
}

std::string backendPath(const std::string& kind, DomId frontend, std::uint32_t devid) {
    return "/local/domain/0/backend/" + kind + "/" + std::to_string(frontend) + "/" + std::to_string(devid);
}

std::string frontendPath(const std::string& kind, DomId frontend, std::uint32_t devid) {
    return domainPath(frontend) + "/device/" + kind + "/" + std::to_string(devid);
}

DeviceId deviceIdOf(const DiskConfig& disk) {
    return {"vbd", diskDeviceNumber(disk.vdev)};
}

DeviceId deviceIdOf(const NicConfig& nic) {
    return {"vif", static_cast<std::uint32_t>(nic.devid)};
}

std::vector<DeviceId> devicesOf(const DomainConfig& config) {
    std::vector<DeviceId> ids;
    for (const auto& disk : config.disks)
        ids.push_back(deviceIdOf(disk));
    for (const auto& nic : config.nics)
        ids.push_back(deviceIdOf(nic));
    return ids;
}

Task<> writeControlDomain(XenStoreClient& store) {
    std::vector<Node> nodes{{"/local/domain/0/name", "Domain-0", {}},
                            {"/local/domain/0/domid", "0", {}},
                            {"/local/domain/0/backend", "", {}},
                            {"/vm", "", {}},
                            {"/libxl", "", {}}};
    auto work = [nodes = std::move(nodes)](xs_handle* handle) { writeNodes(handle, nodes); };
    co_await store.run(std::move(work));
}

Task<> writeDomain(XenStoreClient& store, DomId domid, DomainConfig config, std::string tty) {
    auto work = [domid, nodes = homeNodes(domid, config, tty)](xs_handle* handle) {
        writeNodes(handle, nodes);
        if (!xs_introduce_domain(handle, domid, XB_STORE_REF, XB_STORE_PORT))
            throw systemError("xenstore: cannot introduce domain " + std::to_string(domid), errno);
    };
    co_await store.run(std::move(work));
}

Task<> writeDevices(XenStoreClient& store, DomId domid, DomainConfig config) {
    auto nodes = deviceNodes(domid, config);
    if (!nodes.empty())
        co_await write(store, std::move(nodes));
}

Task<> writeDisk(XenStoreClient& store, DomId domid, DiskConfig disk) {
    std::vector<Node> nodes;
    addDisk(nodes, domid, disk);
    co_await write(store, std::move(nodes));
}

Task<> writeNic(XenStoreClient& store, DomId domid, DomainType type, NicConfig nic) {
    std::vector<Node> nodes;
    addNic(nodes, domid, type, nic);
    co_await write(store, std::move(nodes));
}

Task<> removeDevice(XenStoreClient& store, DomId domid, DeviceId id) {
    XenStore::Changes changes{
        {frontendPath(id.kind, domid, id.devid), std::nullopt},
        {backendPath(id.kind, domid, id.devid), std::nullopt},
        {"/libxl/" + std::to_string(domid) + "/device/" + id.kind + "/" + std::to_string(id.devid),
         std::nullopt}};
    co_await store.apply(std::move(changes));
}

Task<> removeDomain(XenStoreClient& store, DomId domid, std::string uuid) {
    auto work = [domid, uuid](xs_handle* handle) {
        const std::string number = std::to_string(domid);
        std::vector<std::string> paths{"/local/domain/" + number, "/libxl/" + number, "/vm/" + uuid};
        for (const char* kind : {"vbd", "vif", "console"})
            paths.push_back(std::string("/local/domain/0/backend/") + kind + "/" + number);
        for (const auto& path : paths)
            if (!xs_rm(handle, XBT_NULL, path.c_str()) && errno != ENOENT)
                throw systemError("xenstore: cannot remove " + path, errno);
    };
    co_await store.run(std::move(work));
}

} // namespace xb::xen::emulated
