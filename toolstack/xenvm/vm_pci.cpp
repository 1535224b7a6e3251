// SPDX-License-Identifier: Apache-2.0
// PCI devices of the host that come and go: in the domain while there is one, and in the configuration of the
// next start.
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/xenvm/device_entries.hpp"
#include "toolstack/xenvm/pci_assignment.hpp"
#include "toolstack/xenvm/vm.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace xb::xenvm {

namespace {

xen::PciAddress addressOf(const PciEntry& entry) {
    return {entry.domain, entry.bus, entry.slot, entry.function};
}

bool hasDevice(const std::vector<PciEntry>& entries, const xen::PciAddress& address) {
    return std::ranges::any_of(entries, [&](const PciEntry& each) { return addressOf(each) == address; });
}

} // namespace

Task<std::vector<xen::PciConfig>> Vm::pciDevices() {
    const auto self = shared_from_this();
    if (hasLiveDomain())
        co_return co_await hypervisor_.pciDevices(*domid_);
    std::vector<xen::PciConfig> list;
    const Config& config = config_.latest();
    for (const PciEntry& entry : config.pcis)
        list.push_back(toPciConfig(config, entry));
    co_return list;
}

Task<> Vm::addPci(std::string entry) {
    const auto self = shared_from_this();
    PciEntry parsed;
    if (const std::string error = parsePci(entry, parsed); !error.empty())
        throw Error(errors::invalidArgs, error);
    AsyncMutex::Lock lock = co_await operations_.lock();
    const Config& config = config_.latest();
    const auto wanted = toPciConfig(config, parsed);
    const std::string address = toString(wanted.address);
    if (hasDevice(config.pcis, wanted.address))
        throw Error(errors::invalidArgs,
                    fmt::format("VM {} has PCI device {} already", options_.uuid, address));
    if (config.type == "pvh")
        throw Error(errors::invalidArgs,
                    fmt::format("VM {} is of type pvh, which cannot have PCI devices", options_.uuid));
    ConfigSlots trial = config_; // what the configuration refuses is not added to the guest either
    trial.add("pci", entry);
    if (hasLiveDomain()) {
        std::vector<xen::PciConfig> devices{wanted};
        co_await checkPciDevices(hypervisor_.store(), std::move(devices), static_cast<int>(*domid_),
                                 options_.system);
        auto plug = hypervisor_.addPci(*domid_, wanted);
        auto undo = "pci " + address;
        co_await undoneIfKilled(std::move(undo), std::move(plug));
        log::info("PCI device {} is added to domain {}", address, *domid_);
    }
    config_.add("pci", entry);
}

Task<> Vm::removePci(std::string address, bool force) {
    const auto self = shared_from_this();
    PciEntry parsed;
    if (const std::string error = parsePci("0," + address, parsed); !error.empty())
        throw Error(errors::invalidArgs, error);
    const xen::PciAddress wanted = addressOf(parsed);
    AsyncMutex::Lock lock = co_await operations_.lock();
    bool found = hasDevice(config_.latest().pcis, wanted);
    if (hasLiveDomain()) {
        const auto live = co_await hypervisor_.pciDevices(*domid_);
        const bool plugged = std::ranges::find(live, wanted, &xen::PciConfig::address) != live.end();
        if (plugged)
            co_await hypervisor_.removePci(*domid_, wanted, force);
        found = found || plugged;
    }
    if (!found)
        throw Error(errors::invalidArgs,
                    fmt::format("VM {} has no PCI device {}", options_.uuid, toString(wanted)));
    config_.edit([&](Config& config) {
        std::erase_if(config.pcis, [&](const PciEntry& each) { return addressOf(each) == wanted; });
        return std::string();
    });
}

Task<> Vm::undoPci(std::string address) {
    PciEntry parsed;
    if (const std::string error = parsePci("0," + address, parsed); !error.empty())
        throw Error(errors::invalidArgs, error);
    const auto live = co_await hypervisor_.pciDevices(*domid_);
    if (std::ranges::find(live, addressOf(parsed), &xen::PciConfig::address) == live.end())
        co_return;
    co_await hypervisor_.removePci(*domid_, addressOf(parsed), true);
    report(
        fmt::format("PCI device {} was being added to domain {} when its monitor ended; it has been removed",
                    address, *domid_));
}

} // namespace xb::xenvm
