// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/host_pci.hpp"

#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "xenmgr/host_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace xb::xenmgr {

namespace {

constexpr std::array nameLists{"/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids"};
// Longest name that is taken from a list.
constexpr std::size_t nameLimit = 256;

std::string readNameList(const std::filesystem::path& root) {
    for (const char* list : nameLists)
        if (auto text = readFactFile(below(root, list), pciIdsLimit); !text.empty())
            return text;
    return "";
}

// "10de  NVIDIA Corporation": the number and the name.
bool splitEntry(std::string_view line, std::uint32_t& number, std::string& name) {
    if (line.size() < 6 || line[4] != ' ')
        return false;
    const auto value = parseHex(line.substr(0, 4), 0xffff);
    if (!value)
        return false;
    number = *value;
    name = busText(line.substr(5, nameLimit));
    return true;
}

} // namespace

bool isPciAddress(std::string_view text) {
    constexpr std::string_view shape = "xxxx:xx:xx.x";
    if (text.size() != shape.size())
        return false;
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (shape[i] == 'x' ? std::isxdigit(static_cast<unsigned char>(text[i])) == 0 : text[i] != shape[i])
            return false;
    return true;
}

std::vector<PciDevice> listPciDevices(const std::filesystem::path& root) {
    const auto directory = below(root, "/sys/bus/pci/devices");
    std::vector<PciDevice> devices;
    for (const auto& address : directoryNames(directory)) {
        const auto classCode = parseHex(readFact(directory / address / "class"), 0xffffff);
        const auto vendor = parseHex(readFact(directory / address / "vendor"), 0xffff);
        const auto device = parseHex(readFact(directory / address / "device"), 0xffff);
        if (!isPciAddress(address) || !classCode || !vendor || !device) {
            log::warn("left out PCI device {}: its address, class, vendor or device cannot be read", address);
            continue;
        }
        const bool bootVga = readFact(directory / address / "boot_vga") == "1";
        devices.push_back(PciDevice{address, *classCode, *vendor, *device, bootVga});
    }
    return devices;
}

const PciDevice* bootDisplay(std::span<const PciDevice> devices) {
    const PciDevice* first = nullptr;
    for (const auto& device : devices) {
        if (!device.isDisplay())
            continue;
        if (device.bootVga)
            return &device;
        if (!first)
            first = &device;
    }
    return first;
}

std::string PciNames::name(std::uint32_t vendor, std::uint32_t device) {
    const Key key{vendor, device};
    if (!names_.contains(key))
        lookUp({{key, ""}});
    return names_[key];
}

void PciNames::prepare(std::span<const PciDevice> devices) {
    std::map<Key, std::string> wanted;
    for (const auto& device : devices)
        if (const Key key{device.vendor, device.device}; !names_.contains(key))
            wanted[key];
    if (!wanted.empty())
        lookUp(std::move(wanted));
}

void PciNames::lookUp(std::map<Key, std::string> wanted) {
    const std::string list = readNameList(root_);
    std::map<std::uint32_t, std::string> vendors;
    for (const auto& [key, unused] : wanted)
        vendors[key.first];
    auto vendor = vendors.end();
    for (std::string_view text = list; !text.empty();) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.starts_with("C ")) // classes follow, to the end
            break;
        std::uint32_t number = 0;
        std::string name;
        if (line.starts_with("\t\t") || line.starts_with('#'))
            continue;
        if (!line.starts_with('\t')) {
            vendor = splitEntry(line, number, name) ? vendors.find(number) : vendors.end();
            if (vendor != vendors.end())
                vendor->second = name;
        } else if (vendor != vendors.end() && splitEntry(line.substr(1), number, name)) {
            if (auto it = wanted.find({vendor->first, number}); it != wanted.end())
                it->second = name;
        }
    }
    for (auto& [key, device] : wanted) {
        const std::string& maker = vendors[key.first];
        if (maker.empty())
            names_[key] = fmt::format("{:04x}:{:04x}", key.first, key.second);
        else
            names_[key] = maker + " " + (device.empty() ? fmt::format("Device {:04x}", key.second) : device);
    }
}

} // namespace xb::xenmgr
