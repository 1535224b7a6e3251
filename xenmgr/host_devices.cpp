// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/host_devices.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "xenmgr/host_facts.hpp"
#include "xenmgr/host_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace xb::xenmgr {

namespace {

namespace fs = std::filesystem;

constexpr auto pluginDirectory = "/usr/lib/xui/plugins";
constexpr std::string_view emptyDriveImage = "null.iso";
// SCSI peripheral device type of CD and DVD drives (SPC-4, table 141).
constexpr auto cdDeviceType = "5";
// How far up from a drive its USB device is.
constexpr int stepsToUsb = 8;

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

bool isDigit(char c) {
    return c >= '0' && c <= '9';
}

// h:c:i:l
bool isScsiAddress(const std::string& name) {
    const auto parts = split(name, ':');
    return parts.size() == 4 &&
           std::ranges::all_of(parts, [](auto part) { return parseDecimal(part).has_value(); });
}

// Bus and number of the USB device that a drive is in, as one number; "" when it is in none.
std::string usbId(const fs::path& drive) {
    std::error_code error;
    fs::path device = fs::canonical(drive, error);
    for (int step = 0; !error && step < stepsToUsb && device.has_relative_path(); ++step) {
        const auto bus = parseDecimal(readFact(device / "busnum"));
        const auto number = parseDecimal(readFact(device / "devnum"));
        if (bus && number)
            return std::to_string(((*bus & 0xffU) << 8U) + *number);
        device = device.parent_path();
    }
    return "";
}

bool isPhysicalDisk(const fs::path& block, const std::string& name) {
    std::error_code error;
    // Only a device of a driver has "device"; loop, ram, zram, dm and md are made by software. sr is a CD
    // drive.
    return fs::exists(block / "device", error) && !name.starts_with("sr") && !name.starts_with("fd") &&
           !name.starts_with("nbd");
}

std::string deviceIdentifier(const fs::path& block, const std::string& name) {
    for (const char* file : {"wwid", "device/wwid", "device/serial"}) {
        std::string text = readFact(block / file);
        for (char& c : text)
            if (std::isalnum(static_cast<unsigned char>(c)) == 0)
                c = '_';
        if (!text.empty())
            return "storage_serial_" + text;
    }
    return "storage_" + name;
}

bool isBelow(const fs::path& inner, const fs::path& outer) {
    const auto [rest, unused] = std::ranges::mismatch(outer, inner);
    return rest == outer.end();
}

} // namespace

std::vector<StringMap> pciDeviceEntries(const fs::path& root, PciNames& names) {
    const auto devices = listPciDevices(root);
    names.prepare(devices);
    std::vector<StringMap> entries;
    for (const auto& device : devices)
        entries.push_back(StringMap{{"addr", device.address},
                                    {"name", names.name(device.vendor, device.device)},
                                    {"class", fmt::format("0x{:04X}", device.classCode >> 8U)},
                                    {"vendor-id", fmt::format("0x{:04X}", device.vendor)},
                                    {"device-id", fmt::format("0x{:04X}", device.device)}});
    return entries;
}

std::vector<StringMap> gpuEntries(const fs::path& root, PciNames& names) {
    const auto devices = listPciDevices(root);
    const PciDevice* boot = bootDisplay(devices);
    std::vector<StringMap> entries;
    const auto add = [&](const PciDevice& device) {
        entries.push_back(
            StringMap{{"addr", device.address}, {"name", names.name(device.vendor, device.device)}});
    };
    if (boot)
        add(*boot);
    if (hasCapability(readCapabilities(root), "secondary-gpu-pt", false))
        for (const auto& device : devices)
            if (device.isDisplay() && &device != boot)
                add(device);
    return entries;
}

std::vector<StringMap> diskDeviceEntries(const fs::path& root) {
    const auto directory = below(root, "/sys/block");
    std::vector<StringMap> entries;
    for (const auto& name : directoryNames(directory)) {
        if (!isPhysicalDisk(directory / name, name))
            continue;
        std::string device = name;
        std::ranges::replace(device, '!', '/'); // cciss!c0d0 is /dev/cciss/c0d0
        entries.push_back(
            StringMap{{"udi", "/org/freedesktop/Hal/devices/" + deviceIdentifier(directory / name, name)},
                      {"block-device", "/dev/" + device}});
    }
    return entries;
}

std::vector<StringMap> cdDeviceEntries(const fs::path& root) {
    const auto directory = below(root, "/sys/bus/scsi/devices");
    std::vector<StringMap> entries;
    for (const auto& address : directoryNames(directory)) {
        const auto drive = directory / address;
        if (!isScsiAddress(address) || readFact(drive / "type") != cdDeviceType)
            continue;
        entries.push_back(
            StringMap{{"id", address},
                      {"name", busText(readFact(drive / "vendor") + " " + readFact(drive / "model"))},
                      {"usb-id", usbId(drive)}});
    }
    return entries;
}

bool isSoundDeviceId(std::string_view text) {
    return text.size() == 5 && isDigit(text[0]) && isDigit(text[1]) && text[2] == '-' && isDigit(text[3]) &&
           isDigit(text[4]);
}

// Lines such as "00-03: HDMI 0 : HDMI 0 : playback 1 : capture 1".
std::vector<StringMap> parseSoundDevices(std::string_view pcm, SoundDirection direction) {
    const std::string_view wanted = direction == SoundDirection::playback ? "playback " : "capture ";
    std::vector<StringMap> entries;
    for (const auto line : split(pcm, '\n')) {
        const auto fields = split(line, ':');
        const std::string id = busText(fields.front());
        const bool matches = std::ranges::any_of(
            fields.begin() + 1, fields.end(), [&](auto field) { return busText(field).starts_with(wanted); });
        if (fields.size() < 3 || !isSoundDeviceId(id) || !matches)
            continue;
        const auto card = parseDecimal(id.substr(0, 2)).value_or(0);
        std::string name = busText(fields[2]);
        if (name.empty())
            name = busText(fields[1]);
        entries.push_back(StringMap{{"id", id}, {"name", name}, {"card", std::to_string(card)}});
    }
    return entries;
}

std::vector<StringMap> soundDeviceEntries(const fs::path& root, SoundDirection direction) {
    return parseSoundDevices(readFactFile(below(root, "/proc/asound/pcm")), direction);
}

// Lines such as " 0 [PCH            ]: HDA-Intel - HDA Intel PCH", each with a longer one below it.
std::vector<StringMap> parseSoundCards(std::string_view cards) {
    std::vector<StringMap> entries;
    for (const auto line : split(cards, '\n')) {
        const std::size_t bracket = line.find('[');
        const std::size_t close = line.find("]:");
        if (bracket == std::string_view::npos || close == std::string_view::npos || close < bracket)
            continue;
        const auto number = parseDecimal(line.substr(0, bracket));
        if (!number)
            continue;
        std::string name = busText(line.substr(close + 2));
        if (const std::size_t dash = name.find(" - "); dash != std::string::npos)
            name.erase(0, dash + 3);
        entries.push_back(StringMap{{"id", std::to_string(*number)}, {"name", name}});
    }
    return entries;
}

std::vector<StringMap> soundCardEntries(const fs::path& root) {
    return parseSoundCards(readFactFile(below(root, "/proc/asound/cards")));
}

std::vector<std::string> isoNames(const fs::path& root, const std::string& directory) {
    auto names = directoryNames(below(root, directory));
    std::erase_if(names, [](const auto& name) { return !name.ends_with(".iso") || name == emptyDriveImage; });
    return names;
}

std::vector<std::string> uiPluginNames(const fs::path& root, const std::string& subdirectory) {
    const auto refused = [&subdirectory] {
        return Error(errors::accessDenied, "\"" + subdirectory + "\" is not below " + pluginDirectory);
    };
    const fs::path part = fs::path(subdirectory).relative_path();
    if (std::ranges::find(part, fs::path("..")) != part.end())
        throw refused();
    std::error_code error;
    const auto base = fs::canonical(below(root, pluginDirectory), error);
    if (error)
        return {};
    const auto directory = fs::canonical(base / part, error);
    if (error)
        return {};
    if (!isBelow(directory, base))
        throw refused();
    return directoryNames(directory);
}

} // namespace xb::xenmgr
