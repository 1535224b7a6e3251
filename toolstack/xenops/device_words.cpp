// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/device_words.hpp"

#include "toolstack/libs/mac_address.hpp"
#include "toolstack/libs/transfer_rate.hpp"
#include "toolstack/xenops/arguments.hpp"
#include "toolstack/xenops/words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

namespace xb::xenops {

namespace {

using xen::DiskBackend;
using xen::DiskConfig;
using xen::NicConfig;

constexpr xen::DomId domidLimit = 0x7ff0;
constexpr std::string_view deviceDirectory = "/dev/";

UsageError badDisk(std::string_view text, const std::string& reason) {
    return notValid("disk", fmt::format("the disk \"{}\": {}", text, reason));
}

UsageError badNic(std::string_view text, const std::string& reason) {
    return notValid("vif", fmt::format("the network card \"{}\": {}", text, reason));
}

xen::DomId backendDomid(const std::string& word, const DomainNames& names) {
    const auto named = names.find(word);
    if (named != names.end())
        return named->second;
    if (!word.empty() && word.find_first_not_of("0123456789") == std::string::npos)
        return static_cast<xen::DomId>(numberWithin(word, "backend", 0, domidLimit - 1));
    throw notValid("backend", fmt::format("there is no domain \"{}\"", word));
}

std::optional<DiskBackend> formatOf(std::string_view word) {
    if (word == "raw" || word == "aio" || word == "file")
        return DiskBackend::file;
    if (word == "qcow2" || word == "qcow")
        return DiskBackend::qcow2;
    if (word == "vhd")
        return DiskBackend::vhd;
    if (word == "phy")
        return DiskBackend::phy;
    return std::nullopt;
}

void setAccess(DiskConfig& disk, std::string mode, std::string_view text, Warnings& warnings) {
    if (mode.ends_with('!')) {
        mode.pop_back();
        warnings.push_back(
            fmt::format("the disk \"{}\": the ! of \"{}!\" is without effect, a device in use is "
                        "refused all the same",
                        text, mode));
    }
    if (mode == "w" || mode == "rw")
        disk.writable = true;
    else if (mode != "r" && mode != "ro" && !mode.empty())
        throw badDisk(text, fmt::format("the access \"{}\" is none of r, w and w!", mode));
}

// "ioemu:hda", "hdc:cdrom"
void setVdev(DiskConfig& disk, std::string_view vdev, std::string_view text) {
    if (vdev.starts_with("ioemu:"))
        vdev.remove_prefix(6);
    const auto colon = vdev.find(':');
    if (colon != std::string_view::npos) {
        const auto type = vdev.substr(colon + 1);
        if (type == "cdrom")
            disk.cdrom = true;
        else if (type != "disk")
            throw badDisk(text, fmt::format("the device type \"{}\" is neither disk nor cdrom", type));
        vdev = vdev.substr(0, colon);
    }
    if (vdev.starts_with(deviceDirectory))
        vdev.remove_prefix(deviceDirectory.size());
    if (vdev.empty() ||
        vdev.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") != std::string_view::npos)
        throw badDisk(text, fmt::format("\"{}\" is no device name such as xvda or hda", vdev));
    disk.vdev = vdev;
}

// Prefixes of the target, outermost first; returns the rest.
std::string_view takePrefixes(DiskConfig& disk, bool& typed, std::string_view target, std::string_view text) {
    static constexpr std::array unsupported{"nbd:", "iscsi:", "drbd:", "npiv:", "vbd:", "script:"};
    for (;;) {
        const auto colon = target.find(':');
        const auto prefix = target.substr(0, colon);
        if (colon == std::string_view::npos || prefix.find('/') != std::string_view::npos)
            return target;
        for (const std::string_view each : unsupported)
            if (target.starts_with(each))
                throw badDisk(
                    text,
                    fmt::format("disks of the kind {} are not supported; phy:, file: and tap: are", each));
        if (prefix == "tap" || prefix == "tap2") {
            // its format follows, or it is raw
        } else if (const auto format = formatOf(prefix)) {
            disk.backend = *format;
        } else {
            return target;
        }
        typed = true;
        target.remove_prefix(colon + 1);
    }
}

// xend's phy: takes names below /dev.
void setTarget(DiskConfig& disk, bool typed, std::string_view target, std::string_view text) {
    disk.path = target;
    if (target.empty())
        return;
    if (!typed && target.starts_with(deviceDirectory) && disk.backend == DiskBackend::file)
        disk.backend = DiskBackend::phy;
    if (disk.backend == DiskBackend::phy && target.front() != '/')
        disk.path = std::string(deviceDirectory).append(target);
    if (disk.path.front() != '/')
        throw badDisk(text, fmt::format("the path \"{}\" does not begin with /", target));
    if (disk.path.find('\0') != std::string::npos)
        throw badDisk(text, "its path has a NUL");
}

void setKey(DiskConfig& disk, bool& typed, const std::string& key, const std::string& value,
            std::string_view text, const DomainNames& names, Warnings& warnings) {
    if (key == "format") {
        const auto format = formatOf(value);
        if (!format || value == "phy")
            throw badDisk(text, fmt::format("the format \"{}\" is none of raw, qcow, qcow2 and vhd", value));
        disk.backend = *format;
    } else if (key == "vdev") {
        setVdev(disk, value, text);
    } else if (key == "access") {
        setAccess(disk, value, text, warnings);
    } else if (key == "devtype") {
        if (value != "cdrom" && value != "disk")
            throw badDisk(text, fmt::format("the device type \"{}\" is neither disk nor cdrom", value));
        disk.cdrom = value == "cdrom";
    } else if (key == "backend") {
        disk.backendDomid = backendDomid(value, names);
    } else if (key == "backendtype") {
        typed = true;
        if (value == "phy")
            disk.backend = DiskBackend::phy;
        else if (value != "qdisk" && value != "tap")
            throw badDisk(text, fmt::format("the backend type \"{}\" is none of phy, tap and qdisk", value));
    } else {
        throw badDisk(text, fmt::format("{}= is not supported", key));
    }
}

void setWord(DiskConfig& disk, const std::string& word, std::string_view text, Warnings& warnings) {
    if (word == "cdrom")
        disk.cdrom = true;
    else if (word == "direct-io-safe" || word == "discard" || word == "no-discard")
        warnings.push_back(fmt::format("the disk \"{}\": {} is without effect", text, word));
    else
        throw badDisk(text, fmt::format("\"{}\" is not known", word));
}

void finish(const DiskConfig& disk, std::string_view text) {
    if (disk.vdev.empty())
        throw badDisk(text, "it has no virtual device (such as xvda)");
    if (disk.path.empty() && !disk.cdrom)
        throw badDisk(text, "it has no file or device");
}

bool isAccess(std::string_view word) {
    return word == "r" || word == "ro" || word == "w" || word == "rw" || word == "w!" || word == "r!";
}

// TARGET,VDEV,ACCESS of xend, where the second part is a device and the last one an access.
bool isClassic(const std::vector<std::string>& parts, bool typed) {
    if (parts.size() == 3)
        return isAccess(parts[2]) && !formatOf(parts[1]) && !parts[1].empty();
    return parts.size() == 2 && typed && !formatOf(parts[1]);
}

// At most 15 bytes (IFNAMSIZ of Linux with its NUL), of those that mean nothing to a script.
bool isInterfaceName(std::string_view name) {
    constexpr std::size_t longest = 15;
    return !name.empty() && name.size() <= longest && name.front() != '-' && name != "." && name != ".." &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
               std::string_view::npos;
}

std::optional<std::pair<std::string, std::string>> keyValue(const std::string& part) {
    const auto equals = part.find('=');
    if (equals == std::string::npos || equals == 0 ||
        part.find_first_not_of("abcdefghijklmnopqrstuvwxyz-_0123456789") < equals)
        return std::nullopt;
    return std::pair(part.substr(0, equals), std::string(trimmed(std::string_view(part).substr(equals + 1))));
}

// Positions left to right, and keys wherever; target= takes the rest.
void parseParts(DiskConfig& disk, std::vector<std::string> parts, std::string_view text,
                const DomainNames& names, Warnings& warnings) {
    bool typed = false;
    std::string target;
    std::size_t position = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto pair = keyValue(parts[i]);
        if (pair && pair->first == "target") {
            target = pair->second;
            for (std::size_t rest = i + 1; rest < parts.size(); ++rest)
                target += "," + parts[rest];
            break;
        }
        if (pair)
            setKey(disk, typed, pair->first, pair->second, text, names, warnings);
        else if (position == 0)
            target = parts[i];
        else if (position == 1 && !parts[i].empty())
            setKey(disk, typed, "format", parts[i], text, names, warnings);
        else if (position == 2)
            setVdev(disk, parts[i], text);
        else if (position == 3)
            setAccess(disk, parts[i], text, warnings);
        else if (!parts[i].empty())
            setWord(disk, parts[i], text, warnings);
        if (!pair)
            ++position;
    }
    const auto path = takePrefixes(disk, typed, target, text);
    setTarget(disk, typed, path, text);
}

} // namespace

DiskBackend diskBackend(std::string_view word, std::string_view argument) {
    const auto format = formatOf(word);
    if (!format)
        throw notValid(argument, fmt::format("\"{}\" is none of file, phy, qcow, vhd and aio", word));
    return *format;
}

DiskConfig parseDisk(std::string_view text, const DomainNames& names, Warnings& warnings) {
    DiskConfig disk;
    auto parts = splitWords(text, ',');
    bool typed = false;
    const auto path = takePrefixes(disk, typed, parts[0], text);
    if (isClassic(parts, typed)) {
        setTarget(disk, typed, path, text);
        setVdev(disk, parts[1], text);
        if (parts.size() == 3)
            setAccess(disk, parts[2], text, warnings);
    } else {
        disk = {};
        parseParts(disk, std::move(parts), text, names, warnings);
    }
    if (disk.cdrom)
        disk.writable = false;
    finish(disk, text);
    return disk;
}

std::string generatedMac(const std::string& uuid, int devid) {
    const std::string derived = deriveMacAddress(fmt::format("{} {}", uuid, devid));
    return "00:16:3e" + derived.substr(8);
}

NicConfig parseNic(std::string_view text, int devid, const std::string& uuid, const DomainNames& names) {
    NicConfig nic;
    nic.devid = devid;
    bool bridgeGiven = false;
    for (const std::string& part : splitWords(text, ',')) {
        if (part.empty())
            continue;
        const auto equals = part.find('=');
        const std::string key(trimmed(std::string_view(part).substr(0, equals)));
        if (equals == std::string::npos)
            throw badNic(text, fmt::format("\"{}\" has no value; say key=value", key));
        const std::string value(trimmed(std::string_view(part).substr(equals + 1)));
        if (key == "mac") {
            if (!isMacAddress(value))
                throw badNic(text, fmt::format("\"{}\" is no address such as 00:16:3e:01:02:03", value));
            nic.mac = value;
        } else if (key == "bridge") {
            nic.bridge = value;
            bridgeGiven = true;
        } else if (key == "model") {
            nic.model = value;
        } else if (key == "script") {
            nic.script = value;
        } else if (key == "backend") {
            nic.backendDomid = backendDomid(value, names);
        } else if (key == "ip") {
            if (value.find_first_not_of("0123456789abcdefABCDEF.:/ ") != std::string::npos)
                throw badNic(text, fmt::format("\"{}\" are no addresses such as 10.0.0.2", value));
            nic.ip = value;
        } else if (key == "rate") {
            TransferRate rate;
            if (const auto complaint = parseTransferRate(value, rate); !complaint.empty())
                throw badNic(text, complaint);
            nic.rateBytes = rate.bytes;
            nic.rateIntervalUs = rate.intervalUs;
        } else if (key == "vifname") {
            if (!isInterfaceName(value))
                throw badNic(text, fmt::format("\"{}\" is no name of a network interface", value));
            nic.ifname = value;
        } else if (key == "type") {
            if (value != "ioemu" && value != "vif" && value != "netfront")
                throw badNic(text, fmt::format("the type \"{}\" is neither ioemu nor vif", value));
        } else {
            throw badNic(text, fmt::format("{}= is not supported", key));
        }
    }
    if (!bridgeGiven && nic.backendDomid == 0)
        nic.bridge = "xenbr0";
    if (nic.mac.empty())
        nic.mac = generatedMac(uuid, devid);
    return nic;
}

xen::PciConfig parsePci(std::string_view text) {
    const auto parts = splitWords(text, ',');
    xen::PciConfig device;
    device.address = parsePciAddress(parts[0], "pci");
    for (std::size_t i = 1; i < parts.size(); ++i) {
        const auto equals = parts[i].find('=');
        const std::string key = parts[i].substr(0, equals);
        const bool on =
            equals == std::string::npos || numberWithin(parts[i].substr(equals + 1), key, 0, 1) == 1;
        if (key == "permissive")
            device.permissive = on;
        else if (key == "msitranslate")
            device.msiTranslate = on;
        else if (key == "power_mgmt")
            device.powerManagement = on;
        else if (key == "seize")
            device.seize = on;
        else
            throw notValid("pci", fmt::format("the device \"{}\": {}= is not supported", text, key));
    }
    return device;
}

namespace {

// The keys and values of "a=1,b=2"; each once.
std::map<std::string, std::string> pairsOf(std::string_view text, std::string_view argument) {
    std::map<std::string, std::string> pairs;
    for (const std::string& part : splitWords(text, ',')) {
        const auto equals = part.find('=');
        if (part.empty())
            continue;
        if (equals == std::string::npos ||
            !pairs.emplace(part.substr(0, equals), part.substr(equals + 1)).second)
            throw notValid(argument, fmt::format("\"{}\" is not made of KEY=VALUE, each key once", text));
    }
    return pairs;
}

} // namespace

xen::UsbControllerConfig parseUsbController(std::string_view text) {
    constexpr std::array<std::string_view, 4> types{"auto", "pv", "qusb", "devicemodel"};
    constexpr std::uint64_t newestVersion = 3;
    constexpr std::uint64_t mostPorts = 31; // what libxl takes
    xen::UsbControllerConfig controller;
    for (const auto& [key, value] : pairsOf(text, "usbctrl")) {
        if (key == "type" && std::find(types.begin(), types.end(), value) != types.end())
            controller.type = value == "auto" ? "" : value;
        else if (key == "version")
            controller.version = static_cast<unsigned>(numberWithin(value, "usbctrl", 1, newestVersion));
        else if (key == "ports")
            controller.ports = static_cast<unsigned>(numberWithin(value, "usbctrl", 1, mostPorts));
        else
            throw notValid("usbctrl", fmt::format("{}={} is none of type={}, version and ports", key, value,
                                                  fmt::join(types, "|")));
    }
    return controller;
}

xen::UsbDeviceConfig parseUsbDevice(std::string_view text) {
    constexpr std::uint64_t highest = 255; // both are bytes for libxl
    xen::UsbDeviceConfig device;
    for (const auto& [key, value] : pairsOf(text, "usbdev")) {
        if (key == "hostbus")
            device.hostBus = static_cast<unsigned>(numberWithin(value, "usbdev", 1, highest));
        else if (key == "hostaddr")
            device.hostAddress = static_cast<unsigned>(numberWithin(value, "usbdev", 1, highest));
        else if (key != "type" || value != "hostdev")
            throw notValid("usbdev",
                           fmt::format("{}={} is neither hostbus, hostaddr nor type=hostdev", key, value));
    }
    if (device.hostBus == 0 || device.hostAddress == 0)
        throw notValid("usbdev", fmt::format("\"{}\" needs hostbus and hostaddr", text));
    return device;
}

bool parseFramebuffer(std::string_view text, Warnings& warnings) {
    bool vnc = false;
    for (const auto& [key, value] : pairsOf(text, "vfb")) {
        if (key == "vnc" || (key == "type" && value == "vnc"))
            vnc = key == "type" || numberWithin(value, "vfb", 0, 1) == 1;
        else if ((key == "sdl" || key == "opengl" || key == "vncunused") && (value == "0" || value == "1") &&
                 (value == "0" || key == "vncunused"))
            continue; // as it is anyway
        else
            warnings.push_back(fmt::format("vfb \"{}\": {}={} is without effect", text, key, value));
    }
    return vnc;
}

} // namespace xb::xenops
