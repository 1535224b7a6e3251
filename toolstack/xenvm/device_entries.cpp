// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/device_entries.hpp"

#include "toolstack/libs/transfer_rate.hpp"
#include "toolstack/xenvm/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

namespace xb::xenvm {

namespace {

// Domain ids end where Xen's reserved ones begin (DOMID_FIRST_RESERVED of public/xen.h).
constexpr std::int64_t domidLimit = 0x7ff0;

template <std::size_t n>
bool isOneOf(std::string_view text, const std::array<std::string_view, n>& words) {
    return std::ranges::find(words, text) != words.end();
}

std::string parseDomid(std::string_view text, int& domid) {
    const auto number = parseInteger(text);
    if (!number || *number < 0 || *number >= domidLimit)
        return fmt::format("backend-domid \"{}\" is not a domain id", text);
    domid = static_cast<int>(*number);
    return {};
}

bool isDeviceName(std::string_view name) {
    constexpr std::array<std::string_view, 3> prefixes{"xvd", "hd", "sd"};
    const auto prefix =
        std::ranges::find_if(prefixes, [name](std::string_view p) { return name.starts_with(p); });
    if (prefix == prefixes.end())
        return false;
    name.remove_prefix(prefix->size());
    const auto letters = std::min(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), name.size());
    const std::string_view partition = name.substr(letters);
    if (letters == 0 || letters > 2 || partition.size() > 2)
        return false;
    return std::ranges::all_of(partition, [](char c) { return c >= '0' && c <= '9'; });
}

std::string parseDiskOption(std::string_view option, DiskEntry& disk) {
    const auto [key, value] = splitPair(option);
    if (!value)
        return fmt::format("disk option \"{}\" is not of the form key=value", option);
    if (key == "backend-domid")
        return parseDomid(*value, disk.backendDomid);
    if (key == "key-dir") {
        disk.keyDirectory = *value;
    } else if (key == "key-file") {
        disk.keyFile = *value;
    } else if (key == "cipher") {
        disk.cipher = *value;
    } else if (key == "key-size") {
        const auto bits = parseInteger(*value);
        if (!bits || *bits <= 0 || *bits > 4096)
            return fmt::format("key-size \"{}\" is not a number of bits", *value);
        disk.keySize = static_cast<int>(*bits);
    } else {
        return fmt::format("disk option \"{}\" is not known", key);
    }
    return {};
}

std::string parseRate(std::string_view text, NicEntry& nic) {
    TransferRate rate;
    auto complaint = parseTransferRate(text, rate);
    if (complaint.empty()) {
        nic.rateBytes = rate.bytes;
        nic.rateIntervalUs = rate.intervalUs;
    }
    return complaint;
}

std::string parseNicOption(std::string_view key, std::string_view value, NicEntry& nic) {
    if (key == "id") {
        if (value.empty())
            return {};
        const auto id = parseInteger(value);
        if (!id || *id < 0 || *id >= maxNics)
            return fmt::format("NIC id \"{}\" is not a number from 0 to {}", value, maxNics - 1);
        nic.id = static_cast<int>(*id);
    } else if (key == "wireless") {
        const auto wireless = parseBool(value);
        if (!wireless)
            return fmt::format("wireless=\"{}\" is neither true nor false", value);
        nic.wireless = *wireless;
    } else if (key == "backend-domid") {
        return parseDomid(value, nic.backendDomid);
    } else if (key == "network") {
        nic.network = value;
    } else if (key == "bridge") {
        nic.bridge = value;
    } else if (key == "mac") {
        nic.mac = value;
    } else if (key == "model") {
        nic.model = value;
    } else if (key == "ip") {
        nic.ip = value;
    } else if (key == "script") {
        nic.script = value;
    } else if (key == "vifname") {
        constexpr std::size_t longest = 15; // IFNAMSIZ without the NUL
        if (value.size() > longest || value.find_first_of("/ \t") != std::string_view::npos)
            return fmt::format("vifname \"{}\" is not the name of a network device", value);
        nic.ifname = value;
    } else if (key == "rate") {
        return parseRate(value, nic);
    }
    return {};
}

// DDDD:BB:SS.F, or BB:SS.F in domain 0.
bool parseAddress(std::string_view text, PciEntry& pci) {
    auto colons = split(text, ':');
    if (colons.size() == 2)
        colons.insert(colons.begin(), "0000");
    if (colons.size() != 3)
        return false;
    const auto dot = split(colons[2], '.');
    if (dot.size() != 2)
        return false;
    const auto domain = parseHex(colons[0], 4);
    const auto bus = parseHex(colons[1], 2);
    const auto slot = parseHex(dot[0], 2);
    const auto function = parseHex(dot[1], 1);
    if (!domain || !bus || !slot || *slot > 31 || !function || *function > 7)
        return false;
    pci.domain = *domain;
    pci.bus = *bus;
    pci.slot = *slot;
    pci.function = *function;
    return true;
}

std::string parsePciOption(std::string_view option, PciEntry& pci) {
    const auto [key, value] = splitPair(option);
    const auto number = value ? parseInteger(*value) : std::nullopt;
    if (!number)
        return fmt::format("PCI option \"{}\" is not of the form key=number", option);
    const bool isSwitch = *number == 0 || *number == 1;
    if (key == "msitranslate" && isSwitch)
        pci.msiTranslate = *number == 1;
    else if (key == "power_mgmt" && isSwitch)
        pci.powerManagement = *number == 1;
    else if (key == "permissive" && isSwitch)
        pci.permissive = *number == 1;
    else if (key == "guest_slot" && *number >= 0 && *number <= 31)
        pci.guestSlot = static_cast<int>(*number);
    else if (key == "vdevfn" && *number >= 0 && *number <= 255)
        pci.guestSlot = static_cast<int>(*number >> 3); // device and function in one byte
    else
        return fmt::format("PCI option \"{}\" is not known or out of range", option);
    return {};
}

} // namespace

std::string parseDisk(std::string_view text, DiskEntry& disk) {
    constexpr std::array<std::string_view, 6> types{"phy", "file", "aio", "qcow", "vhd", "vdi"};
    constexpr std::array<std::string_view, 8> snapshots{
        "",         "none",     "temporary",       "temporary-encrypted",
        "coalesce", "scripted", "scripted-author", "scripted-no-snapshot"};
    const auto fields = split(text, ':');
    if (fields.size() < 6)
        return fmt::format(
            "a disk is path:type:device:mode:devtype:snapshot[:key=value...], \"{}\" has only {} of the "
            "six fields",
            text, fields.size());
    DiskEntry entry;
    entry.text = text;
    entry.path = fields[0];
    entry.type = fields[1];
    entry.device = fields[2];
    entry.snapshot = fields[5];
    if (!isOneOf(fields[1], types))
        return fmt::format("disk type \"{}\" is not one of phy, file, aio, qcow, vhd, vdi", fields[1]);
    if (!isDeviceName(fields[2]))
        return fmt::format("disk device \"{}\" is not of the form hdX, sdX or xvdX", fields[2]);
    if (fields[3] != "r" && fields[3] != "w" && fields[3] != "w!")
        return fmt::format("disk mode \"{}\" is none of r, w and w!", fields[3]);
    if (fields[4] != "disk" && fields[4] != "cdrom")
        return fmt::format("disk devtype \"{}\" is neither disk nor cdrom", fields[4]);
    if (!isOneOf(fields[5], snapshots))
        return fmt::format("disk snapshot mode \"{}\" is not known", fields[5]);
    entry.writable = fields[3] != "r";
    entry.shared = fields[3] == "w!";
    entry.cdrom = fields[4] == "cdrom";
    if (entry.path.empty() && !entry.cdrom)
        return fmt::format("disk {} has no path; only a cdrom may be without", entry.device);
    for (std::size_t i = 6; i < fields.size(); ++i) {
        if (std::string error = parseDiskOption(fields[i], entry); !error.empty())
            return error;
    }
    disk = std::move(entry);
    return {};
}

std::string parseNic(std::string_view text, NicEntry& nic) {
    NicEntry entry;
    entry.text = text;
    if (!trim(text).empty()) {
        for (std::string_view part : split(text, ',')) {
            const auto [key, value] = splitPair(part);
            if (!value)
                return fmt::format("NIC option \"{}\" is not of the form key=value", part);
            if (std::string error = parseNicOption(key, *value, entry); !error.empty())
                return error;
        }
    }
    nic = std::move(entry);
    return {};
}

std::string parsePci(std::string_view text, PciEntry& pci) {
    PciEntry entry;
    entry.text = text;
    const auto fields = split(text, ',');
    const auto id = parseInteger(trim(fields[0]));
    if (!id || *id < 0 || *id > 255)
        return fmt::format("PCI entry \"{}\" does not begin with an id from 0 to 255", text);
    entry.id = static_cast<int>(*id);
    std::size_t next = 1;
    if (next < fields.size() && trim(fields[next]) == "bind") {
        entry.bind = true;
        ++next;
    }
    if (next >= fields.size() || !parseAddress(trim(fields[next]), entry))
        return fmt::format("PCI entry \"{}\" has no address of the form DDDD:BB:SS.F", text);
    for (++next; next < fields.size(); ++next) {
        if (std::string error = parsePciOption(trim(fields[next]), entry); !error.empty())
            return error;
    }
    pci = std::move(entry);
    return {};
}

std::string parseUsbController(std::string_view text, UsbControllerEntry& controller) {
    constexpr std::array<std::string_view, 4> types{"auto", "pv", "qusb", "devicemodel"};
    constexpr std::int64_t maxVersion = 3;
    constexpr std::int64_t maxPorts = 31; // what libxl takes
    UsbControllerEntry entry;
    entry.text = text;
    for (std::string_view option : split(trim(text), ',')) {
        const auto [key, value] = splitPair(trim(option));
        const std::int64_t number = value ? parseInteger(*value).value_or(0) : 0;
        if (text.empty())
            break;
        if (key == "type" && value && isOneOf(*value, types))
            entry.type = *value == "auto" ? "" : *value;
        else if (key == "version" && number >= 1 && number <= maxVersion)
            entry.version = static_cast<unsigned>(number);
        else if (key == "ports" && number >= 1 && number <= maxPorts)
            entry.ports = static_cast<unsigned>(number);
        else
            return fmt::format(
                "\"{}\" of a USB controller is none of type=auto|pv|qusb|devicemodel, version=1..{} "
                "and ports=1..{}",
                option, maxVersion, maxPorts);
    }
    controller = std::move(entry);
    return {};
}

std::string parseUsbDevice(std::string_view text, UsbDeviceEntry& device) {
    constexpr std::int64_t maxNumber = 255; // of buses and addresses
    UsbDeviceEntry entry;
    entry.text = text;
    for (std::string_view option : split(text, ',')) {
        const auto [key, value] = splitPair(trim(option));
        const std::int64_t number = value ? parseInteger(*value).value_or(0) : 0;
        const bool fits = number >= 1 && number <= maxNumber;
        if (key == "hostbus" && fits)
            entry.hostBus = static_cast<unsigned>(number);
        else if (key == "hostaddr" && fits)
            entry.hostAddress = static_cast<unsigned>(number);
        else if (key != "type" || value != "hostdev") // the only type there is
            return fmt::format("\"{}\" of a USB device is neither hostbus=1..{} nor hostaddr=1..{}", option,
                               maxNumber, maxNumber);
    }
    if (entry.hostBus == 0 || entry.hostAddress == 0)
        return fmt::format("USB device \"{}\" needs hostbus and hostaddr", text);
    device = std::move(entry);
    return {};
}

std::string checkUsbDevice(std::string_view text) {
    constexpr std::array<std::string_view, 5> names{"tablet", "mouse", "keyboard", "wacom-tablet", "braille"};
    if (!isOneOf(text, names))
        return fmt::format("usbdevice \"{}\" is not one of {}; devices of the host are passed with usbdev",
                           text, fmt::join(names, ", "));
    return {};
}

std::string checkCpuid(std::string_view text) {
    constexpr std::array<std::string_view, 4> registers{"eax", "ebx", "ecx", "edx"};
    constexpr std::size_t registerBits = 32;
    const auto colon = text.find(':');
    if (colon == std::string_view::npos)
        return fmt::format("cpuid \"{}\" is not of the form leaf[+subleaf]:register=mask,...", text);
    for (std::string_view leaf : split(text.substr(0, colon), '+')) {
        if (!parseInteger(trim(leaf)))
            return fmt::format("cpuid leaf \"{}\" is not a number", leaf);
    }
    for (std::string_view mask : split(text.substr(colon + 1), ',')) {
        const auto [name, bits] = splitPair(mask);
        if (!isOneOf(name, registers))
            return fmt::format("cpuid register \"{}\" is not one of eax, ebx, ecx, edx", name);
        if (!bits || bits->size() != registerBits ||
            bits->find_first_not_of("01xsk") != std::string_view::npos)
            return fmt::format("the cpuid mask of {} is not {} characters of 0, 1, x, s and k", name,
                               registerBits);
    }
    return {};
}

std::string checkAffinity(std::string_view text) {
    constexpr std::int64_t maxCpus = 4096;
    const auto colon = text.find(':');
    if (colon == std::string_view::npos)
        return fmt::format("cpus-affinity \"{}\" is not of the form vcpu:cpu,cpu,...", text);
    auto numbers = split(text.substr(colon + 1), ',');
    numbers.push_back(text.substr(0, colon));
    for (std::string_view number : numbers) {
        const auto cpu = parseInteger(trim(number));
        if (!cpu || *cpu < 0 || *cpu >= maxCpus)
            return fmt::format("\"{}\" in cpus-affinity is not the number of a CPU", number);
    }
    return {};
}

std::pair<unsigned, std::vector<unsigned>> parseAffinity(std::string_view text) {
    const auto colon = text.find(':');
    const auto number = [](std::string_view word) {
        return static_cast<unsigned>(parseInteger(trim(word)).value_or(0)); // checkAffinity() has seen it
    };
    std::vector<unsigned> cpus;
    for (std::string_view word : split(text.substr(colon + 1), ','))
        cpus.push_back(number(word));
    return {number(text.substr(0, colon)), std::move(cpus)};
}

std::string checkRange(std::string_view text) {
    const auto dash = text.find('-', 1);
    const auto start = parseInteger(trim(text.substr(0, dash)));
    const auto end =
        dash == std::string_view::npos ? std::nullopt : parseInteger(trim(text.substr(dash + 1)));
    if (!start || !end || *start < 0 || *end < *start)
        return fmt::format("\"{}\" is not a range start-end", text);
    return {};
}

std::string checkRelativePath(std::string_view text) {
    // xenstored takes paths of these characters (docs/misc/xenstore.txt) and 256 bytes for relative ones.
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@";
    constexpr std::size_t maxRelativePath = 256;
    if (text.empty() || text.size() > maxRelativePath || text.front() == '/' || text.back() == '/' ||
        text.find("//") != std::string_view::npos ||
        text.find_first_not_of(allowed) != std::string_view::npos)
        return fmt::format("\"{}\" is not a relative xenstore path", text);
    return {};
}

} // namespace xb::xenvm
