// SPDX-License-Identifier: Apache-2.0
// Devices that come and go: in the domain while there is one, and in the configuration of the next start.
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/utf8.hpp"
#include "toolstack/xenvm/device_entries.hpp"
#include "toolstack/xenvm/disk_sharing.hpp"
#include "toolstack/xenvm/errors.hpp"
#include "toolstack/xenvm/start_checks.hpp"
#include "toolstack/xenvm/text.hpp"
#include "toolstack/xenvm/vm.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xb::xenvm {

namespace {

// The words of a configuration for what the hypervisor tells.
DiskEntry entryOf(const xen::DiskConfig& disk) {
    DiskEntry entry;
    entry.path = disk.path;
    entry.device = disk.vdev;
    entry.type = disk.backend == xen::DiskBackend::phy     ? "phy"
                 : disk.backend == xen::DiskBackend::qcow2 ? "qcow"
                 : disk.backend == xen::DiskBackend::vhd   ? "vhd"
                                                           : "file";
    entry.writable = disk.writable;
    entry.cdrom = disk.cdrom;
    entry.backendDomid = static_cast<int>(disk.backendDomid);
    return entry;
}

// Whether one with this device name is there.
bool hasDisk(const std::vector<DiskEntry>& disks, const std::string& device) {
    return std::ranges::find(disks, device, &DiskEntry::device) != disks.end();
}

bool hasNic(const std::vector<NicEntry>& nics, int id) {
    return std::ranges::find(nics, id, &NicEntry::id) != nics.end();
}

} // namespace

MachineFacts Vm::machineFacts() const {
    MachineFacts machine;
    machine.root = options_.root;
    machine.bridges = bridgesOfHost();
    return machine;
}

void Vm::requireLiveDomain(const char* operation) const {
    if (!hasLiveDomain())
        refuse(operation);
}

// Work on a device of the domain. Who is killed in the middle of it leaves a half-plugged one, of which the
// guest can make no use and nobody knows: the next xenvm takes that away (undo()).
Task<> Vm::undoneIfKilled(std::string undo, Task<> work) {
    mirror_->owe(std::move(undo));
    co_await mirror_->flush();
    std::exception_ptr failure;
    try {
        co_await std::move(work);
    } catch (...) {
        failure = std::current_exception();
    }
    mirror_->settle();
    co_await mirror_->flush();
    if (failure)
        std::rethrow_exception(failure);
}

// ---- lists

Task<std::vector<DiskEntry>> Vm::disks() {
    const auto self = shared_from_this();
    if (!hasLiveDomain())
        co_return config_.latest().disks;
    const auto live = co_await hypervisor_.disks(*domid_);
    std::vector<DiskEntry> list;
    for (const auto& each : live)
        list.push_back(entryOf(each.config));
    co_return list;
}

Task<std::vector<NicEntry>> Vm::nics() {
    const auto self = shared_from_this();
    if (!hasLiveDomain())
        co_return config_.latest().nics;
    const auto live = co_await hypervisor_.nics(*domid_);
    std::vector<NicEntry> list;
    const auto& configured = config_.latest().nics;
    for (const auto& each : live) {
        NicEntry entry;
        entry.id = each.config.devid;
        entry.mac = each.config.mac;
        entry.bridge = each.config.bridge;
        entry.backendDomid = static_cast<int>(each.config.backendDomid);
        // The hypervisor does not remember what an emulated card is.
        const auto known = std::ranges::find(configured, entry.id, &NicEntry::id);
        if (known != configured.end())
            entry.model = known->model;
        list.push_back(std::move(entry));
    }
    co_return list;
}

// ---- disks

Task<> Vm::addDisk(std::string entry) {
    const auto self = shared_from_this();
    DiskEntry disk;
    if (const std::string error = parseDisk(entry, disk); !error.empty())
        throw Error(errors::invalidArgs, error);
    AsyncMutex::Lock lock = co_await operations_.lock();
    if (hasDisk(config_.latest().disks, disk.device))
        throw Error(errors::invalidArgs,
                    fmt::format("VM {} has a disk {} already", options_.uuid, disk.device));
    ConfigSlots trial = config_; // what the configuration refuses is not added to the guest either
    trial.add("disk", entry);
    if (hasLiveDomain()) {
        auto wanted = toDiskConfig(disk, machineFacts());
        xen::DomainConfig only;
        only.disks.push_back(wanted);
        auto files = neededFiles(only);
        std::string operation = "add the disk";
        co_await checkFiles(std::move(files), std::move(operation));
        if (!disk.shared) {
            std::vector<xen::DiskConfig> guarded{wanted};
            co_await checkSharing(hypervisor_.store(), std::move(guarded), static_cast<int>(*domid_));
        }
        auto plug = hypervisor_.addDisk(*domid_, std::move(wanted));
        auto undo = "disk " + disk.device;
        co_await undoneIfKilled(std::move(undo), std::move(plug));
        log::info("disk {} is added to domain {}: {}", disk.device, *domid_, disk.path);
    }
    config_.add("disk", entry);
}

Task<> Vm::removeDisk(std::string device, bool force) {
    const auto self = shared_from_this();
    AsyncMutex::Lock lock = co_await operations_.lock();
    bool found = hasDisk(config_.latest().disks, device);
    if (hasLiveDomain()) {
        const auto live = co_await hypervisor_.disks(*domid_);
        const bool plugged = std::any_of(live.begin(), live.end(),
                                         [&](const auto& each) { return each.config.vdev == device; });
        if (plugged)
            co_await hypervisor_.removeDisk(*domid_, device, force);
        found = found || plugged;
    }
    if (!found)
        throw Error(errors::invalidArgs,
                    fmt::format("VM {} has no disk {}", options_.uuid, printable(device, 64)));
    config_.edit([&](Config& config) {
        std::erase_if(config.disks, [&](const DiskEntry& each) { return each.device == device; });
        return std::string();
    });
}

Task<> Vm::changeMedium(std::string device, std::string path) {
    const auto self = shared_from_this();
    AsyncMutex::Lock lock = co_await operations_.lock();
    requireLiveDomain("change the medium of a drive");
    // As it is written in the configuration, and as it is on this machine.
    DiskEntry medium;
    medium.path = path;
    medium.type = path.starts_with("/dev/") ? "phy" : "file";
    medium.device = device;
    medium.cdrom = true;
    const auto wanted = toDiskConfig(medium, machineFacts());
    if (!wanted.path.empty()) {
        std::vector<NeededFile> files{{"medium for " + printable(device, 64), wanted.path, false}};
        std::string operation = "change the medium";
        co_await checkFiles(std::move(files), std::move(operation));
    }
    co_await hypervisor_.changeMedium(*domid_, device, wanted.path);
    config_.edit([&](Config& config) {
        for (DiskEntry& each : config.disks) {
            if (each.device != device || !each.cdrom)
                continue;
            // path:type:rest
            const auto fields = split(each.text, ':');
            std::string text = path + ":" + medium.type;
            for (std::size_t i = 2; i < fields.size(); ++i)
                text.append(":").append(fields[i]);
            if (std::string error = parseDisk(text, each); !error.empty())
                return error;
        }
        return std::string();
    });
}

// ---- NICs

Task<std::optional<xen::NicConfig>> Vm::liveNic(int id) {
    const auto live = co_await hypervisor_.nics(*domid_);
    for (const auto& each : live) {
        if (each.config.devid == id)
            co_return each.config;
    }
    co_return std::nullopt;
}

Task<> Vm::addNic(std::string entry) {
    const auto self = shared_from_this();
    NicEntry asked;
    if (const std::string error = parseNic(entry, asked); !error.empty())
        throw Error(errors::invalidArgs, error);
    AsyncMutex::Lock lock = co_await operations_.lock();
    if (asked.id < 0 && hasLiveDomain()) {
        // Free in both: the configuration may have lost one that the domain still has.
        const auto live = co_await hypervisor_.nics(*domid_);
        const auto& configured = config_.latest().nics;
        int id = 0;
        const auto taken = [&](int number) {
            return hasNic(configured, number) || std::any_of(live.begin(), live.end(), [&](const auto& each) {
                       return each.config.devid == number;
                   });
        };
        while (taken(id))
            ++id;
        entry = fmt::format("id={}{}{}", id, entry.empty() ? "" : ",", entry);
    }
    ConfigSlots trial = config_;
    trial.add("nic", entry); // assigns number and address
    if (hasLiveDomain()) {
        auto wanted = toNicConfig(trial.latest().nics.back(), machineFacts());
        const int id = wanted.devid;
        auto plug = hypervisor_.addNic(*domid_, std::move(wanted));
        auto undo = fmt::format("nic {}", id);
        co_await undoneIfKilled(std::move(undo), std::move(plug));
        log::info("NIC {} is added to domain {}", id, *domid_);
        // The same address then, also if it is a random one.
        entry.append(entry.empty() ? "" : ",").append("mac=").append(trial.latest().nics.back().mac);
    }
    config_.add("nic", entry);
}

Task<> Vm::removeNic(int id, bool force) {
    const auto self = shared_from_this();
    AsyncMutex::Lock lock = co_await operations_.lock();
    bool found = hasNic(config_.latest().nics, id);
    if (hasLiveDomain()) {
        const auto plugged = co_await liveNic(id);
        if (plugged)
            co_await hypervisor_.removeNic(*domid_, id, force);
        found = found || plugged.has_value();
    }
    if (!found)
        throw Error(errors::invalidArgs, fmt::format("VM {} has no NIC {}", options_.uuid, id));
    config_.edit([&](Config& config) {
        std::erase_if(config.nics, [&](const NicEntry& each) { return each.id == id; });
        return std::string();
    });
}

Task<> Vm::replug(xen::NicConfig from, xen::NicConfig to) {
    auto undo = fmt::format("moved-nic {}", from.devid);
    auto work = replugNow(std::move(from), std::move(to));
    co_await undoneIfKilled(std::move(undo), std::move(work));
}

// A card is what it was made with: it goes, and comes again. If it does not, the old one comes back.
Task<> Vm::replugNow(xen::NicConfig from, xen::NicConfig to) {
    co_await hypervisor_.removeNic(*domid_, from.devid, false);
    std::exception_ptr failure;
    try {
        co_await hypervisor_.addNic(*domid_, std::move(to));
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure)
        co_return;
    const int id = from.devid;
    std::string lost;
    try {
        co_await hypervisor_.addNic(*domid_, std::move(from));
    } catch (const std::exception& e) {
        lost = e.what();
    }
    if (!lost.empty())
        report(fmt::format("NIC {} could not be moved, and could not be put back: {}", id, lost));
    std::rethrow_exception(failure);
}

// The keys that are different now are appended to its text: of two the last counts.
void Vm::editNic(int id, const std::function<void(NicEntry&)>& change) {
    config_.edit([&](Config& config) {
        for (NicEntry& each : config.nics) {
            if (each.id != id)
                continue;
            change(each);
            const std::string mac = each.mac;
            const std::string text = fmt::format("{}{}id={},network={},bridge={},mac={},backend-domid={}",
                                                 each.text, each.text.empty() ? "" : ",", id, each.network,
                                                 each.bridge, mac, each.backendDomid);
            if (std::string error = parseNic(text, each); !error.empty())
                return error;
        }
        return std::string();
    });
}

Task<> Vm::switchNetwork(int id, std::string network) {
    const auto self = shared_from_this();
    AsyncMutex::Lock lock = co_await operations_.lock();
    requireLiveDomain("move a NIC to another network");
    const auto now = co_await liveNic(id);
    if (!now)
        throw Error(errors::invalidArgs, fmt::format("VM {} has no NIC {}", options_.uuid, id));
    NicEntry entry;
    entry.id = id;
    entry.network = network;
    entry.backendDomid = static_cast<int>(now->backendDomid);
    xen::NicConfig next = *now;
    next.bridge = toNicConfig(entry, machineFacts()).bridge;
    if (next.backendDomid != 0) {
        // Its network daemon watches this node.
        const auto node =
            fmt::format("/local/domain/{}/backend/vif/{}/{}/bridge", next.backendDomid, *domid_, id);
        co_await hypervisor_.store().write(node, next.bridge);
    } else if (next.bridge != now->bridge) {
        co_await replug(*now, std::move(next));
    }
    editNic(id, [&](NicEntry& each) {
        each.network = network;
        each.bridge.clear();
    });
}

Task<> Vm::setNicBackend(int id, int backendDomid) {
    const auto self = shared_from_this();
    AsyncMutex::Lock lock = co_await operations_.lock();
    requireLiveDomain("move a NIC to another backend domain");
    const auto now = co_await liveNic(id);
    if (!now)
        throw Error(errors::invalidArgs, fmt::format("VM {} has no NIC {}", options_.uuid, id));
    if (backendDomid < 0)
        throw Error(errors::invalidArgs, fmt::format("{} is not the number of a domain", backendDomid));
    xen::NicConfig next = *now;
    next.backendDomid = static_cast<xen::DomId>(backendDomid);
    if (next.backendDomid != 0) {
        const auto there = co_await hypervisor_.domain(next.backendDomid);
        if (!there || there->dying)
            throw Error(errors::invalidArgs,
                        fmt::format("there is no domain {} to be the backend of NIC {}", backendDomid, id));
    }
    if (next.backendDomid != now->backendDomid)
        co_await replug(*now, std::move(next));
    editNic(id, [&](NicEntry& each) { each.backendDomid = backendDomid; });
}

Task<> Vm::setNicLink(int id, bool up) {
    const auto self = shared_from_this();
    AsyncMutex::Lock lock = co_await operations_.lock();
    requireLiveDomain("plug the cable of a NIC");
    const auto now = co_await liveNic(id);
    if (!now)
        throw Error(errors::invalidArgs, fmt::format("VM {} has no NIC {}", options_.uuid, id));
    const auto node = fmt::format("/local/domain/{}/device/vif/{}/disconnect", *domid_, id);
    co_await hypervisor_.store().write(node, up ? "0" : "1");
}

} // namespace xb::xenvm
