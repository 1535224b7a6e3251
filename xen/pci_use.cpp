// SPDX-License-Identifier: Apache-2.0
#include "xen/pci_use.hpp"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string_view>

#include <net/if.h>

namespace xb::xen {

namespace {

namespace fs = std::filesystem;

/// Of directories below a device's; a disk is some five deep (host, target, LUN, block, disk).
constexpr int deepest = 12;

std::string firstLine(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

// "0x1003"
bool isUp(const fs::path& interface) {
    const std::string flags = firstLine(interface / "flags");
    return (std::strtoul(flags.c_str(), nullptr, 16) & IFF_UP) != 0;
}

// Where block devices are used, by their "major:minor" (mountinfo of proc(5)).
std::map<std::string, std::string> mounted(const fs::path& system) {
    std::map<std::string, std::string> places;
    std::ifstream stream(system / "proc/self/mountinfo");
    for (std::string line; std::getline(stream, line);) {
        std::istringstream fields(line);
        std::string id, parent, number, root, place;
        if (fields >> id >> parent >> number >> root >> place)
            places.emplace(number, place);
    }
    return places;
}

std::set<std::string> swaps(const fs::path& system) {
    std::set<std::string> devices;
    std::ifstream stream(system / "proc/swaps");
    for (std::string line; std::getline(stream, line);)
        if (line.starts_with("/dev/"))
            devices.insert(fs::path(line.substr(0, line.find_first_of(" \t"))).filename().string());
    return devices;
}

/// Looks through the directories of one device.
class Search {
public:
    explicit Search(const fs::path& system) : mounted_(mounted(system)), swaps_(swaps(system)) {}

    std::string below(const fs::path& directory) const {
        std::error_code ignored; // what goes away meanwhile is not used
        for (auto entry = fs::recursive_directory_iterator(directory, ignored);
             entry != fs::recursive_directory_iterator(); entry.increment(ignored)) {
            if (entry.depth() >= deepest || entry->is_symlink(ignored)) {
                entry.disable_recursion_pending();
                continue;
            }
            if (!entry->is_directory(ignored))
                continue;
            if (std::string use = useOf(entry->path()); !use.empty())
                return use;
        }
        return "";
    }

private:
    std::string useOf(const fs::path& node) const {
        const std::string name = node.filename().string();
        const std::string kind = node.parent_path().filename().string();
        if (kind == "net" && isUp(node))
            return fmt::format("its network interface {} is up", name);
        const std::string number = firstLine(node / "dev");
        if (number.empty())
            return "";
        if (const auto place = mounted_.find(number); place != mounted_.end())
            return fmt::format("its disk {} is mounted on {}", name, place->second);
        if (swaps_.contains(name))
            return fmt::format("its disk {} is swapped to", name);
        std::error_code ignored;
        for (const auto& holder : fs::directory_iterator(node / "holders", ignored))
            return fmt::format("its disk {} is part of {}", name, holder.path().filename().string());
        return "";
    }

    std::map<std::string, std::string> mounted_;
    std::set<std::string> swaps_;
};

} // namespace

std::string useInControlDomain(const PciAddress& address, const fs::path& system) {
    std::error_code ignored;
    const fs::path device = fs::canonical(system / "sys/bus/pci/devices" / toString(address), ignored);
    return device.empty() ? "" : Search(system).below(device);
}

} // namespace xb::xen
