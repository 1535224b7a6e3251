// SPDX-License-Identifier: Apache-2.0
// The PCI devices of the host, from /sys/bus/pci, and their names, from the pci.ids list where one is
// installed. A device that sysfs describes in a way nobody can read is left out with a warning.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace xb::xenmgr {

struct PciDevice {
    std::string address;         ///< dddd:bb:ss.f
    std::uint32_t classCode = 0; ///< base class, subclass and interface: 24 bits
    std::uint32_t vendor = 0;
    std::uint32_t device = 0;
    bool bootVga = false; ///< the firmware's display

    /// Class 0x03 of the PCI code and ID assignment specification.
    bool isDisplay() const { return classCode >> 16U == 0x03; }
};

/// Whether `text` is dddd:bb:ss.f.
bool isPciAddress(std::string_view text);
/// All devices, by address.
std::vector<PciDevice> listPciDevices(const std::filesystem::path& root);
/// The display that the firmware uses, or else the first one; nullptr when there is none.
const PciDevice* bootDisplay(std::span<const PciDevice> devices);

/// Names of devices, kept once found; for one thread.
class PciNames {
public:
    explicit PciNames(std::filesystem::path root) : root_(std::move(root)) {}

    /// "Vendor Device" as of pci.ids; numbers for what the list does not have.
    std::string name(std::uint32_t vendor, std::uint32_t device);
    /// Looks all of them up in one pass over the list.
    void prepare(std::span<const PciDevice> devices);

private:
    using Key = std::pair<std::uint32_t, std::uint32_t>;
    void lookUp(std::map<Key, std::string> wanted);

    std::filesystem::path root_;
    std::map<Key, std::string> names_;
};

/// Largest pci.ids that is read, in bytes (the list has 1.5 MB today).
inline constexpr std::size_t pciIdsLimit = 16 * 1024 * 1024;

} // namespace xb::xenmgr
