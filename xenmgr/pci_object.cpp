// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/pci_object.hpp"

#include "xenmgr/db.hpp"
#include "xenmgr/host_devices.hpp"
#include "xenmgr/vm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace xb::xenmgr {

namespace {

// Existing configurations count from 1.
int freeKey(const std::vector<std::string>& taken) {
    int key = 1;
    while (std::ranges::find(taken, std::to_string(key)) != taken.end())
        ++key;
    return key;
}

// The database's form. Whole, so that a rule is never there with half of its conditions.
std::string jsonOf(const PciRule& rule) {
    if (!rule.address.empty())
        return fmt::format(R"({{"bdf":"{}{}"}})", rule.address,
                           rule.guestSlot ? fmt::format("@{:x}", *rule.guestSlot) : "");
    std::string json;
    const std::pair<const char*, std::optional<std::uint32_t>> fields[]{
        {"class", rule.classCode}, {"vendor", rule.vendor}, {"device", rule.device}};
    for (const auto& [name, number] : fields)
        if (number)
            json += fmt::format(R"({}"{}":"0x{:04x}")", json.empty() ? "" : ",", name, *number);
    return "{" + json + "}";
}

} // namespace

Task<> PciObject::addPtRule(Caller, std::string pciclass, std::string vendorId, std::string deviceId) {
    return add(parseNumberRule(pciclass, vendorId, deviceId));
}

Task<> PciObject::addPtRuleBdf(Caller, std::string bdf) {
    PciRule rule = parseAddressRule(bdf);
    const auto devices = listPciDevices(context_.settings.root);
    if (std::ranges::find(devices, rule.address, &PciDevice::address) == devices.end())
        throw Error(fmt::format(
            "the host has no PCI device {}; list_pci_devices of the host tells those it has", rule.address));
    return add(std::move(rule));
}

Task<> PciObject::deletePtRule(Caller, std::string pciclass, std::string vendorId, std::string deviceId) {
    return remove(parseNumberRule(pciclass, vendorId, deviceId));
}

Task<> PciObject::deletePtRuleBdf(Caller, std::string bdf) {
    return remove(parseAddressRule(bdf));
}

// A rule that is there already is not added again, but for its slot, which is the new one.
Task<> PciObject::add(PciRule rule) {
    AsyncMutex::Lock lock = co_await vm_->deviceLock().lock();
    co_await context_.db.fresh();
    const std::string node = vmNode(vm_->uuid()) + "/config/pci";
    std::string key;
    for (const PciRule& each : pciRulesOf(context_.db, vm_->uuid()))
        if (each.sameChoice(rule))
            key = each.key;
    if (key.empty())
        key = std::to_string(freeKey(context_.db.list(node)));
    co_await context_.db.inject(node + "/" + key, jsonOf(rule));
    context_.signals.vmConfigChanged(vm_->uuid());
}

Task<> PciObject::remove(PciRule rule) {
    AsyncMutex::Lock lock = co_await vm_->deviceLock().lock();
    co_await context_.db.fresh();
    const auto rules = pciRulesOf(context_.db, vm_->uuid());
    for (const PciRule& each : rules)
        if (each.sameChoice(rule)) {
            co_await context_.db.remove(vmNode(vm_->uuid()) + "/config/pci/" + each.key);
            context_.signals.vmConfigChanged(vm_->uuid());
        }
}

Task<std::vector<StringMap>> PciObject::listPtPciDevices(Caller) {
    co_await context_.db.fresh();
    const auto chosen = chosenPci(context_, vm_->uuid());
    if (chosen.empty())
        co_return std::vector<StringMap>();
    Workers workers; // for the list of names
    auto list = [root = context_.settings.root] {
        PciNames names(root);
        return pciDeviceEntries(root, names);
    };
    auto entries = co_await workers.run(std::move(list));
    std::erase_if(entries, [&chosen](const StringMap& entry) {
        return std::ranges::find(chosen, entry.at("addr"), &ChosenPci::address) == chosen.end();
    });
    co_return entries;
}

Task<std::vector<StringMap>> PciObject::listPtRules(Caller) {
    co_await context_.db.fresh();
    std::vector<StringMap> list;
    for (const PciRule& rule : pciRulesOf(context_.db, vm_->uuid()))
        list.push_back({{"id", rule.key}, {"rule", rule.text()}});
    co_return list;
}

} // namespace xb::xenmgr
