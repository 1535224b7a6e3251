// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/host_facts.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/mac_address.hpp"
#include "xenmgr/host_files.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include <net/if_arp.h>
#include <sys/statvfs.h>

namespace xb::xenmgr {

namespace {

namespace fs = std::filesystem;

// /proc/cpuinfo has some 1.5 KB per processor.
constexpr std::size_t cpuinfoLimit = 16 * 1024 * 1024;
constexpr std::size_t flavourLimit = 64;

// Where on the way from a network adapter to the bus something says what it is, at most so many steps up: the
// adapter of a USB stick hangs on an interface of the device, a virtio adapter on a PCI function.
constexpr int stepsToBus = 4;

std::string adapterModel(const fs::path& adapter, PciNames& names) {
    std::error_code error;
    fs::path device = fs::canonical(adapter / "device", error);
    for (int step = 0; !error && step < stepsToBus && device.has_relative_path(); ++step) {
        const std::string bus = linkTarget(device / "subsystem");
        if (bus == "usb") {
            if (auto product = readFact(device / "product"); !product.empty())
                return product;
        } else if (bus == "pci") {
            const auto vendor = parseHex(readFact(device / "vendor"), 0xffff);
            const auto number = parseHex(readFact(device / "device"), 0xffff);
            return vendor && number ? names.name(*vendor, *number) : "";
        }
        device = device.parent_path();
    }
    return "";
}

// Backends of guests and what has no hardware behind it do not count.
bool isPhysicalAdapter(const fs::path& adapter) {
    std::error_code error;
    return fs::exists(adapter / "device", error) &&
           linkTarget(adapter / "device" / "subsystem") != "xen-backend" &&
           parseDecimal(readFact(adapter / "type")) == static_cast<std::uint32_t>(ARPHRD_ETHER);
}

bool isWirelessAdapter(const fs::path& adapter) {
    std::error_code error;
    return fs::exists(adapter / "wireless", error) || fs::exists(adapter / "phy80211", error);
}

std::string gpuModel(const fs::path& root, PciNames& names) {
    const auto devices = listPciDevices(root);
    const PciDevice* display = bootDisplay(devices);
    return display ? names.name(display->vendor, display->device) : "";
}

} // namespace

MachineFacts readMachineFacts(const fs::path& root, PciNames& names) {
    const auto dmi = below(root, "/sys/class/dmi/id");
    MachineFacts facts;
    facts.vendor = readFact(dmi / "sys_vendor");
    facts.model = readFact(dmi / "product_name");
    facts.serial = readFact(dmi / "product_serial");
    facts.biosRevision = readFact(dmi / "bios_version");
    facts.laptop = isPortableChassis(parseDecimal(readFact(dmi / "chassis_type")).value_or(0));
    facts.cpuModel = parseCpuModel(readFactFile(below(root, "/proc/cpuinfo"), cpuinfoLimit));
    facts.gpuModel = gpuModel(root, names);
    facts.safeGraphics = hasSafeGraphics(readFactFile(below(root, "/proc/cmdline")));
    facts.buildInfo = readBuildInfo(root);
    return facts;
}

bool isPortableChassis(std::uint32_t type) {
    // Portable, Laptop, Notebook, Hand Held, Sub Notebook, Tablet, Convertible, Detachable.
    constexpr std::array<std::uint32_t, 8> portable{8, 9, 10, 11, 14, 30, 31, 32};
    return std::ranges::find(portable, type) != portable.end();
}

std::string parseCpuModel(std::string_view cpuinfo) {
    constexpr std::string_view key = "model name";
    while (!cpuinfo.empty()) {
        const std::size_t end = std::min(cpuinfo.find('\n'), cpuinfo.size());
        const std::string_view line = cpuinfo.substr(0, end);
        cpuinfo.remove_prefix(std::min(end + 1, cpuinfo.size()));
        const std::size_t colon = line.find(':');
        if (line.starts_with(key) && colon != std::string_view::npos)
            return busText(line.substr(colon + 1));
    }
    return "";
}

bool hasSafeGraphics(std::string_view commandLine) {
    constexpr std::string_view blanks = " \t\n";
    while (true) {
        const std::size_t begin = commandLine.find_first_not_of(blanks);
        if (begin == std::string_view::npos)
            return false;
        commandLine.remove_prefix(begin);
        const std::size_t end = std::min(commandLine.find_first_of(blanks), commandLine.size());
        const std::string_view word = commandLine.substr(0, end);
        const std::string_view name = word.substr(0, word.find('='));
        const std::string_view value = name.size() < word.size() ? word.substr(name.size() + 1) : "1";
        if ((name == "safe-graphics" || name == "safe_graphics" || name == "nomodeset") && value != "0" &&
            value != "false")
            return true;
        commandLine.remove_prefix(end);
    }
}

StringMap readBuildInfo(const fs::path& root) {
    const StringMap file = readKeyValues(below(root, "/etc/xenclient.conf"));
    const auto value = [&file](const char* key) {
        auto it = file.find(key);
        return it == file.end() ? std::string() : it->second;
    };
    StringMap info{{"version", value("version")},     {"build", value("build")},
                   {"branch", value("build_branch")}, {"release", value("release")},
                   {"tools", value("tools")},         {"build_date_time", value("build_date")},
                   {"edition", value("edition")}};
    if (info["version"].empty())
        info["version"] = XENBROKER_VERSION;
    return info;
}

NetworkFacts readNetworkFacts(const fs::path& root, PciNames& names) {
    const auto directory = below(root, "/sys/class/net");
    NetworkFacts facts;
    for (const auto& name : directoryNames(directory)) {
        const auto adapter = directory / name;
        if (!isPhysicalAdapter(adapter))
            continue;
        const bool wireless = isWirelessAdapter(adapter);
        std::string& mac = wireless ? facts.wirelessMac : facts.wiredMac;
        if (!mac.empty())
            continue;
        const std::string address = readFact(adapter / "address");
        if (!isMacAddress(address)) {
            log::warn("network adapter {} is passed over: its address \"{}\" is none", name, address);
            continue;
        }
        mac = address;
        (wireless ? facts.wirelessModel : facts.wiredModel) = adapterModel(adapter, names);
    }
    return facts;
}

std::int32_t clampedInt(std::uint64_t value) {
    return static_cast<std::int32_t>(
        std::min<std::uint64_t>(value, std::numeric_limits<std::int32_t>::max()));
}

StorageFacts readStorageFacts(const fs::path& root) {
    constexpr std::uint64_t mib = 1024 * 1024;
    const auto directory = below(root, "/storage");
    struct statvfs info {};
    int result = 0;
    do
        result = ::statvfs(directory.c_str(), &info);
    while (result != 0 && errno == EINTR);
    if (result != 0 && errno == ENOENT)
        return {};
    if (result != 0)
        throw systemError("cannot ask for the space of " + directory.string(), errno);
    // Blocks times their size may pass 64 bits on a file system that lies; MiB never do.
    const auto toMib = [&info](std::uint64_t blocks) {
        const std::uint64_t size = info.f_frsize;
        if (size == 0 || blocks > std::numeric_limits<std::uint64_t>::max() / size)
            return std::numeric_limits<std::int32_t>::max();
        return clampedInt(blocks * size / mib);
    };
    return StorageFacts{toMib(info.f_bavail), toMib(info.f_blocks)};
}

std::string readFlavour(const fs::path& root) {
    std::string flavour = readFact(below(root, "/etc/xenclient.flavour"));
    const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
    if (flavour.empty() || flavour.size() > flavourLimit || !std::ranges::all_of(flavour, allowed))
        return "default";
    return flavour;
}

StringMap readCapabilities(const fs::path& root) {
    return readKeyValues(below(root, "/etc/caps." + readFlavour(root)));
}

bool hasCapability(const StringMap& capabilities, const std::string& name, bool fallback) {
    const auto it = capabilities.find(name);
    if (it == capabilities.end())
        return fallback;
    return it->second == "true" || it->second == "yes" || it->second == "1";
}

} // namespace xb::xenmgr
