// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/pci_rules.hpp"

#include "xenmgr/db.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/vm_registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace xb::xenmgr {

namespace {

constexpr std::uint32_t largestNumber = 0xffff;
constexpr unsigned largestSlot = 31;
// 0x0300 is the class of VGA controllers, and means all displays: there are few of another kind, and who
// wants to give one away wants them all.
constexpr std::uint32_t displayClass = 0x0300;

std::optional<std::uint32_t> parseNumber(std::string_view text, int base) {
    std::uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value, base);
    if (error != std::errc() || rest != end || text.empty())
        return std::nullopt;
    return value;
}

std::optional<std::uint32_t> parseField(const char* name, std::string_view text) {
    if (text.empty() || text == "any")
        return std::nullopt;
    const auto number = text.starts_with("0x") ? parseNumber(text.substr(2), 16) : parseNumber(text, 10);
    if (!number || *number > largestNumber)
        throw Error(errors::invalidArgs,
                    fmt::format("{} \"{}\" of a rule for PCI devices is not a number up to 0xffff, nor any",
                                name, text.substr(0, 64)));
    return number;
}

PciRule readRule(const Db& db, const std::string& node, const std::string& key) {
    const std::string home = node + "/" + key + "/";
    const std::string address = db.read(home + "bdf");
    PciRule rule = address.empty() ? parseNumberRule(db.read(home + "class"), db.read(home + "vendor"),
                                                     db.read(home + "device"))
                                   : parseAddressRule(address);
    rule.key = key;
    rule.hostSlot = db.readBool(home + "force-slot", false);
    return rule;
}

std::string fieldText(const std::optional<std::uint32_t>& number) {
    return number ? fmt::format("0x{:04x}", *number) : "any";
}

} // namespace

bool PciRule::sameChoice(const PciRule& other) const {
    return address == other.address && classCode == other.classCode && vendor == other.vendor &&
           device == other.device;
}

bool PciRule::matches(const PciDevice& host) const {
    if (!address.empty())
        return host.address == address;
    const std::uint32_t hostClass = host.classCode >> 8U;
    const bool classMatches =
        !classCode || *classCode == hostClass || (*classCode == displayClass && host.isDisplay());
    return classMatches && (!vendor || *vendor == host.vendor) && (!device || *device == host.device);
}

std::string PciRule::text() const {
    if (address.empty())
        return fmt::format("match class={} vendor={} device={}", fieldText(classCode), fieldText(vendor),
                           fieldText(device));
    return "bdf=" + address + (guestSlot ? fmt::format(" @ {:x}", *guestSlot) : "");
}

PciRule parseAddressRule(std::string_view text) {
    const auto at = text.find('@');
    const std::string_view address = text.substr(0, at);
    PciRule rule;
    if (at != std::string_view::npos)
        rule.guestSlot = parseNumber(text.substr(at + 1), 16);
    const bool slotIsWrong =
        at != std::string_view::npos && (!rule.guestSlot || *rule.guestSlot > largestSlot);
    if (!isPciAddress(address) || slotIsWrong)
        throw Error(errors::invalidArgs,
                    fmt::format("\"{}\" is not a PCI address dddd:bb:ss.f, or one with @ and a slot up to 1f",
                                text.substr(0, 64)));
    for (const char c : address)
        rule.address += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return rule;
}

PciRule parseNumberRule(const std::string& classCode, const std::string& vendor, const std::string& device) {
    PciRule rule;
    rule.classCode = parseField("class", classCode);
    rule.vendor = parseField("vendor", vendor);
    rule.device = parseField("device", device);
    if (!rule.classCode && !rule.vendor && !rule.device)
        throw Error(errors::invalidArgs,
                    "a rule for PCI devices has neither class, vendor nor device: it would "
                    "take every device of the host");
    return rule;
}

std::vector<PciRule> pciRulesOf(const Db& db, const std::string& uuid) {
    std::vector<PciRule> rules;
    const std::string node = vmNode(uuid) + "/config/pci";
    for (const auto& key : db.list(node)) {
        try {
            rules.push_back(readRule(db, node, key));
        } catch (const Error& e) {
            throw Error(e.name(), fmt::format("PCI rule {} of VM {}: {}", key, uuid, e.what()));
        }
    }
    return rules;
}

std::vector<ChosenPci> chosenPci(std::span<const PciRule> rules, std::span<const PciDevice> host) {
    std::vector<ChosenPci> chosen;
    const auto choose = [&chosen](const std::string& address, const PciRule& rule) {
        if (std::ranges::find(chosen, address, &ChosenPci::address) != chosen.end())
            return;
        auto slot = rule.guestSlot;
        if (!slot && rule.hostSlot)
            slot = parseNumber(std::string_view(address).substr(8, 2), 16); // dddd:bb:ss.f
        chosen.push_back({address, slot});
    };
    for (const PciRule& rule : rules) {
        if (!rule.address.empty())
            choose(rule.address, rule);
        for (const PciDevice& device : host)
            if (rule.address.empty() && rule.matches(device))
                choose(device.address, rule);
    }
    return chosen;
}

std::vector<ChosenPci> chosenPci(const Context& context, const std::string& uuid) {
    const auto rules = pciRulesOf(context.db, uuid);
    if (rules.empty())
        return {};
    return chosenPci(rules, listPciDevices(context.settings.root));
}

void checkPciDevices(const Context& context, const std::string& uuid) {
    const auto wanted = chosenPci(context, uuid);
    if (wanted.empty())
        return;
    const auto host = listPciDevices(context.settings.root);
    for (const auto& [otherUuid, vm] : context.vms.all()) {
        if (otherUuid == uuid || vm->domid() <= 0)
            continue;
        const auto others = chosenPci(pciRulesOf(context.db, otherUuid), host);
        for (const ChosenPci& each : wanted)
            if (std::ranges::find(others, each.address, &ChosenPci::address) != others.end())
                throw coded(Code::pciDeviceTaken,
                            each.address + " is for VM \"" + vm->displayName() + "\", which runs");
    }
}

} // namespace xb::xenmgr
