// SPDX-License-Identifier: Apache-2.0
// The rules that give PCI devices of the host to a VM (/vm/<uuid>/config/pci/<n>): by address, or by class,
// vendor and device id. What they choose is decided anew at each start.
#pragma once

#include "xenmgr/context.hpp"
#include "xenmgr/host_pci.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xb::xenmgr {

struct PciRule {
    std::string key;     ///< in the database
    std::string address; ///< dddd:bb:ss.f, in small letters; empty: a rule of the three numbers
    std::optional<std::uint32_t> classCode; ///< 16 bits, base class and subclass; nothing: any
    std::optional<std::uint32_t> vendor;
    std::optional<std::uint32_t> device;
    std::optional<unsigned> guestSlot; ///< 0 to 31; of rules by address
    bool hostSlot = false;             ///< the device's slot in the guest is that of the host

    /// Whether both choose alike; keys and slots do not count.
    bool sameChoice(const PciRule& other) const;
    bool matches(const PciDevice& host) const;
    /// As list_pt_rules shows it.
    std::string text() const;
};

/// A device that a VM is to have.
struct ChosenPci {
    std::string address;
    std::optional<unsigned> guestSlot;
};

/// "dddd:bb:ss.f" with or without "@slot", a hexadecimal number. Throws InvalidArgs.
PciRule parseAddressRule(std::string_view text);
/// Each a number, decimal or with 0x; "" and "any" stand for all. Throws InvalidArgs, also for a rule that
/// would take every device of the host.
PciRule parseNumberRule(const std::string& classCode, const std::string& vendor, const std::string& device);

/// The rules of a VM by key. Throws InvalidArgs for one that makes no sense.
std::vector<PciRule> pciRulesOf(const Db& db, const std::string& uuid);
/// What `rules` choose of `host`, each device once. An address is chosen whether or not the host has it.
std::vector<ChosenPci> chosenPci(std::span<const PciRule> rules, std::span<const PciDevice> host);
/// The devices that the VM is to have at its next start. Reads sysfs when it has rules.
std::vector<ChosenPci> chosenPci(const Context& context, const std::string& uuid);

/// Throws an error with code 230 when another VM that runs has rules for one of the devices.
void checkPciDevices(const Context& context, const std::string& uuid);

} // namespace xb::xenmgr
