// SPDX-License-Identifier: Apache-2.0
// The table of configuration keys: which member of Config each sets, its type and bounds, and how it is
// written back. One place decides what a key means, for the file, for set and for get.
#include "toolstack/xenvm/config_parser.hpp"

#include "toolstack/libs/utf8.hpp"
#include "toolstack/libs/uuid.hpp"
#include "toolstack/xenvm/boot_parameters.hpp"
#include "toolstack/xenvm/device_entries.hpp"
#include "toolstack/xenvm/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

namespace xb::xenvm {

namespace {

constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t anyInt = std::numeric_limits<std::int32_t>::max();
/// 16 TiB, what Xen can address on x86-64.
constexpr std::int64_t maxMemoryMib = 16LL * 1024 * 1024;
/// HVM_MAX_VCPUS and the PV limit of Xen 4.17 lie below.
constexpr std::int64_t maxVcpus = 512;
/// Longest single value; a kernel command line, the longest that there is, ends at 2048 to 4096.
constexpr std::size_t maxValueBytes = 16 * 1024;
/// Of an unknown key, as errors show it.
constexpr std::size_t shownBytes = 64;

/// A key whose syntax is its own.
struct Custom {
    std::string (*set)(Config&, std::string_view);
    std::string (*get)(const Config&);
};
/// A bool for which only true and false are accepted.
struct StrictBool {
    bool Config::*member;
};
/// A path: not quoted, no check of the machine here.
struct TextListKey {
    TextList Config::*member;
    std::string (*check)(std::string_view);
};

using Target =
    std::variant<bool Config::*, StrictBool, std::int64_t Config::*, std::optional<std::int64_t> Config::*,
                 std::string Config::*, std::optional<std::string> Config::*, Policy Config::*, TextListKey,
                 PairList Config::*, Custom>;

struct Key {
    std::string_view name;
    Target target;
    std::int64_t minimum = 0;
    std::int64_t maximum = any;
    /// Empties a list before it is replaced; null for scalars.
    void (*clear)(Config&) = nullptr;
};

// ---- keys of their own syntax

std::string setUuid(Config& config, std::string_view value) {
    if (!isUuid(value))
        return fmt::format("\"{}\" is not a UUID", value);
    config.uuid = toLower(value);
    return {};
}

std::string setStartup(Config& config, std::string_view value) {
    const auto blank = value.find_first_of(" \t");
    const std::string_view word = value.substr(0, blank);
    const std::string_view file =
        blank == std::string_view::npos ? std::string_view() : trim(value.substr(blank));
    const bool restores = word == "restore" || word == "restore-del";
    if (restores == file.empty())
        return fmt::format("startup \"{}\" {} a file", word, restores ? "needs" : "takes no");
    if (word == "start" || word == "started")
        config.startup = Startup::start;
    else if (word == "paused")
        config.startup = Startup::paused;
    else if (word == "shutdown" || word == "poweroff")
        config.startup = Startup::shutdown;
    else if (restores)
        config.startup = word == "restore" ? Startup::restore : Startup::restoreDelete;
    else
        return fmt::format(
            "startup \"{}\" is not one of start, paused, shutdown, poweroff, restore FILE, restore-del FILE",
            word);
    config.restoreFile = file;
    return {};
}

std::string getStartup(const Config& config) {
    if (!config.startup)
        return {};
    switch (*config.startup) {
    case Startup::start:
        return "start";
    case Startup::paused:
        return "paused";
    case Startup::shutdown:
        return "poweroff";
    case Startup::restore:
        return "restore " + config.restoreFile;
    case Startup::restoreDelete:
        break;
    }
    return "restore-del " + config.restoreFile;
}

std::string setNotify(Config& config, std::string_view value) {
    const auto comma = value.find(',');
    const std::string_view kind = value.substr(0, comma);
    const std::string_view target =
        comma == std::string_view::npos ? std::string_view() : value.substr(comma + 1);
    NotifySink sink{};
    if (kind == "none")
        sink = NotifySink::none;
    else if (kind == "dbus")
        sink = NotifySink::dbus;
    else if (kind == "unix" && !target.empty())
        sink = NotifySink::unixSocket;
    else if (kind == "tcp" && target.find(':') != std::string_view::npos)
        sink = NotifySink::tcp;
    else
        return fmt::format("notify \"{}\" is not one of none, dbus[,PATH], unix,PATH and tcp,HOST:PORT",
                           value);
    config.notify = sink;
    config.notifyTarget = target;
    return {};
}

std::string getNotify(const Config& config) {
    constexpr std::string_view words[]{"none", "unix", "tcp", "dbus"};
    std::string text(words[static_cast<std::size_t>(config.notify)]);
    return config.notifyTarget.empty() ? text : text + "," + config.notifyTarget;
}

std::string setType(Config& config, std::string_view value) {
    if (value.empty())
        config.type.reset();
    else if (value == "pv" || value == "pvh" || value == "hvm")
        config.type = value;
    else
        return fmt::format("type \"{}\" is not one of pv, pvh, hvm", value);
    return {};
}

std::string setBios(Config& config, std::string_view value) {
    if (value.empty())
        config.bios.reset();
    else if (value == "seabios" || value == "ovmf")
        config.bios = value;
    else
        return fmt::format("bios \"{}\" is neither seabios nor ovmf", value);
    return {};
}

// What people write for Xen's own: libxl finds it by its name.
std::string setBootloader(Config& config, std::string_view value) {
    const auto slash = value.rfind('/');
    const bool isPygrub =
        value == "pygrub" || (value.starts_with('/') && value.substr(slash + 1) == "pygrub");
    if (!value.empty() && !isPygrub)
        return fmt::format(
            "bootloader \"{}\" is not pygrub; a boot loader that runs in the guest is its kernel", value);
    config.bootloader = isPygrub ? "pygrub" : "";
    return {};
}

std::string setDhcp(Config& config, std::string_view value) {
    const auto flag = parseBool(value);
    if (!value.empty() && value != "dhcp" && value != "off" && !flag)
        return fmt::format("dhcp \"{}\" is neither dhcp nor off", value);
    config.dhcp = value == "dhcp" || flag.value_or(false);
    return {};
}

std::string getDhcp(const Config& config) {
    return config.dhcp ? "dhcp" : "off";
}

template <std::string Config::*member, std::string (*check)(std::string_view)>
std::string setChecked(Config& config, std::string_view value) {
    std::string error = value.empty() ? std::string() : check(value);
    if (error.empty())
        config.*member = value;
    return error;
}

std::string setDeviceModelVersion(Config& config, std::string_view value) {
    if (value != "qemu-xen" && value != "qemu-xen-traditional")
        return fmt::format("device-model-version \"{}\" is neither qemu-xen nor qemu-xen-traditional", value);
    config.deviceModelVersion = value;
    return {};
}

std::string setBoot(Config& config, std::string_view value) {
    if (value.find_first_not_of("acdn") != std::string_view::npos || value.size() > 4)
        return fmt::format("boot order \"{}\" is not made of a, c, d and n", value);
    config.boot = value;
    return {};
}

std::string setDisplay(Config& config, std::string_view value) {
    const std::string_view kind = value.substr(0, value.find(':'));
    if (kind != "none" && kind != "vnc" && kind != "sdl" && kind != "intel")
        return fmt::format("display \"{}\" is not one of none, vnc[:options], sdl[:x], intel[:x]", value);
    config.display = value;
    return {};
}

std::string setTimeOffset(Config& config, std::string_view value) {
    const auto seconds = parseInteger(value);
    if (value.empty())
        config.timeOffset.reset();
    else if (!seconds || *seconds < -anyInt || *seconds > anyInt)
        return fmt::format("time-offset \"{}\" is not a number of seconds", value);
    else
        config.timeOffset = value;
    return {};
}

std::string setOemTypes(Config& config, std::string_view value) {
    if (!value.empty()) {
        for (std::string_view number : split(value, ',')) {
            const auto type = parseInteger(trim(number));
            if (!type || *type < 0 || *type > 255)
                return fmt::format("\"{}\" is not the number of an SMBIOS table type", number);
        }
    }
    config.smbiosOemTypes = value;
    return {};
}

std::string setStubdom(Config& config, std::string_view value) {
    if (value.empty()) {
        config.stubdom.reset();
        return {};
    }
    if (!isUuid(value))
        return fmt::format("stubdom \"{}\" is not a UUID", value);
    config.stubdom = toLower(value);
    return {};
}

template <class Entry, std::string (*parse)(std::string_view, Entry&), std::vector<Entry> Config::*member>
std::string addEntry(Config& config, std::string_view value) {
    auto& list = config.*member;
    if (list.size() >= maxListEntries)
        return fmt::format("there are more than {} entries", maxListEntries);
    Entry entry;
    if (std::string error = parse(value, entry); !error.empty())
        return error;
    list.push_back(std::move(entry));
    return {};
}

template <class Entry, std::vector<Entry> Config::*member>
std::string entriesText(const Config& config) {
    std::string text;
    for (const Entry& entry : config.*member)
        text += (text.empty() ? "" : "\n") + entry.text;
    return text;
}

template <auto member>
void clearMember(Config& config) {
    (config.*member).clear();
}

template <std::optional<std::string> Config::*member>
std::string optionalText(const Config& config) {
    return (config.*member).value_or("");
}

template <std::string Config::*member>
std::string plainText(const Config& config) {
    return config.*member;
}

// ---- the table

const Key diskKey{
    "disk", Custom{addEntry<DiskEntry, parseDisk, &Config::disks>, entriesText<DiskEntry, &Config::disks>}, 0,
    any, clearMember<&Config::disks>};
constexpr Custom nicCustom{addEntry<NicEntry, parseNic, &Config::nics>, entriesText<NicEntry, &Config::nics>};

const std::vector<Key>& keys() {
    static const std::vector<Key> table{
        {"uuid", Custom{setUuid, optionalText<&Config::uuid>}},
        {"name", &Config::name},
        {"startup", Custom{setStartup, getStartup}},
        {"debug", StrictBool{&Config::debug}},
        {"output", &Config::output},
        {"no_mem_check", StrictBool{&Config::noMemoryCheck}},
        {"notify", Custom{setNotify, getNotify}},
        {"on_halt", &Config::onHalt},
        {"on_restart", &Config::onRestart},
        {"on_crash", &Config::onCrash},
        {"hvm", &Config::hvm},
        {"type", Custom{setType, optionalText<&Config::type>}},
        {"hap", &Config::hap},
        {"kernel", &Config::kernel},
        {"initrd", &Config::initrd},
        {"cmdline", &Config::cmdline},
        {"bios", Custom{setBios, optionalText<&Config::bios>}},
        {"bootloader", Custom{setBootloader, plainText<&Config::bootloader>}},
        {"root", &Config::rootDevice},
        {"extra", &Config::extra},
        {"dhcp", Custom{setDhcp, getDhcp}},
        {"ip", Custom{setChecked<&Config::ip, checkIpv4>, plainText<&Config::ip>}},
        {"netmask", Custom{setChecked<&Config::netmask, checkIpv4>, plainText<&Config::netmask>}},
        {"gateway", Custom{setChecked<&Config::gateway, checkIpv4>, plainText<&Config::gateway>}},
        {"hostname", Custom{setChecked<&Config::hostname, checkHostname>, plainText<&Config::hostname>}},
        {"nfs_server", Custom{setChecked<&Config::nfsServer, checkIpv4>, plainText<&Config::nfsServer>}},
        {"nfs_root", Custom{setChecked<&Config::nfsRoot, checkNfsPath>, plainText<&Config::nfsRoot>}},
        {"memory", &Config::memory, 1, maxMemoryMib},
        {"memory-max", &Config::memoryMax, 1, maxMemoryMib},
        {"extra-maxmem", &Config::extraMaxMemory, -anyInt, anyInt},
        {"vcpus", &Config::vcpus, 1, maxVcpus},
        {"cores-per-socket", &Config::coresPerSocket, 1, maxVcpus},
        {"cpus-affinity", TextListKey{&Config::cpuAffinity, checkAffinity}, 0, any,
         clearMember<&Config::cpuAffinity>},
        {"cpu-weight", &Config::cpuWeight, 1, UINT16_MAX},
        {"cpu-cap", &Config::cpuCap, 0, UINT16_MAX},
        {"cpuid", TextListKey{&Config::cpuid, checkCpuid}, 0, any, clearMember<&Config::cpuid>},
        {"pae", &Config::pae},
        {"apic", &Config::apic},
        {"acpi", &Config::acpi},
        {"nx", &Config::nx},
        {"acpi-pt", &Config::acpiPassthrough},
        {"smbios-pt", &Config::smbiosPassthrough},
        {"smbios-oem-types-pt", Custom{setOemTypes, plainText<&Config::smbiosOemTypes>}},
        {"diskinfo-pt", &Config::diskInfoPassthrough},
        {"viridian", &Config::viridian},
        {"nested", &Config::nested},
        {"xci-cpuid-signature", &Config::cpuidSignature},
        {"timer-mode", &Config::timerMode, 0, 3},
        {"hpet", &Config::hpet, 0, 1},
        {"vpt-align", &Config::vptAlign, 0, 1},
        {"time-offset", Custom{setTimeOffset, optionalText<&Config::timeOffset>}},
        {"localtime", &Config::localtime},
        {"boot", Custom{setBoot, plainText<&Config::boot>}},
        {"videoram", &Config::videoram, 0, 64 * 1024},
        {"display", Custom{setDisplay, plainText<&Config::display>}},
        {"serial", &Config::serial},
        {"sound", &Config::sound},
        {"usb", &Config::usb},
        {"usbversion", &Config::usbVersion, 1, 3},
        {"usbdevice", TextListKey{&Config::usbDevices, checkUsbDevice}, 0, any,
         clearMember<&Config::usbDevices>},
        {"usbctrl",
         Custom{addEntry<UsbControllerEntry, parseUsbController, &Config::usbControllers>,
                entriesText<UsbControllerEntry, &Config::usbControllers>},
         0, any, clearMember<&Config::usbControllers>},
        {"usbdev",
         Custom{addEntry<UsbDeviceEntry, parseUsbDevice, &Config::hostUsbDevices>,
                entriesText<UsbDeviceEntry, &Config::hostUsbDevices>},
         0, any, clearMember<&Config::hostUsbDevices>},
        {"vsnd", &Config::vsnd},
        {"vkbd", &Config::vkbd},
        {"vfb", &Config::vfb},
        {"v4v", &Config::v4v},
        {"qemu-pv", &Config::qemuPv},
        {"device-model-version", Custom{setDeviceModelVersion, plainText<&Config::deviceModelVersion>}},
        {"qemu-dm-path", &Config::deviceModelPath},
        {"qemu-dm-timeout", &Config::deviceModelTimeout, 0, 24 * 3600},
        {"extra-hvm", &Config::extraHvm, 0, any, clearMember<&Config::extraHvm>},
        {"cdrom-pt", &Config::cdromPassthrough},
        {"power-management", &Config::powerManagement, 0, anyInt},
        {"oem-features", &Config::oemFeatures, 0, anyInt},
        {"inject-sci", &Config::injectSci, 0, anyInt},
        {"platform", &Config::platform, 0, any, clearMember<&Config::platform>},
        {"flask-label", &Config::flaskLabel},
        {"stubdom", Custom{setStubdom, optionalText<&Config::stubdom>}},
        {"stubdom-memory", &Config::stubdomMemory, 1, maxMemoryMib},
        {"stubdom-kernel", &Config::stubdomKernel},
        {"stubdom-initrd", &Config::stubdomInitrd},
        {"stubdom-cmdline", &Config::stubdomCmdline},
        {"stubdom-flask-label", &Config::stubdomFlaskLabel},
        {"vtpm-backend", &Config::vtpmBackend, 0, anyInt},
        {"vtpm-instance", &Config::vtpmInstance, 0, anyInt},
        {"pci-msitranslate", &Config::pciMsiTranslate, 0, 1},
        {"pci-power-management", &Config::pciPowerManagement, 0, 1},
        {"pci-script", &Config::pciScript},
        {"passthrough-io", TextListKey{&Config::passthroughIo, checkRange}, 0, any,
         clearMember<&Config::passthroughIo>},
        {"passthrough-mmio", TextListKey{&Config::passthroughMmio, checkRange}, 0, any,
         clearMember<&Config::passthroughMmio>},
        {"extra-local-watch", TextListKey{&Config::extraLocalWatches, checkRelativePath}, 0, any,
         clearMember<&Config::extraLocalWatches>},
        {"extra-vm-watch", TextListKey{&Config::extraVmWatches, checkRelativePath}, 0, any,
         clearMember<&Config::extraVmWatches>},
        {"xci-service", &Config::xciService},
        {"disable-migrate", &Config::disableMigrate},
        {"enable-dump", &Config::enableDump},
        diskKey,
        {"nic", nicCustom, 0, any, clearMember<&Config::nics>},
        {"vif", nicCustom, 0, any, clearMember<&Config::nics>},
        {"pci", Custom{addEntry<PciEntry, parsePci, &Config::pcis>, entriesText<PciEntry, &Config::pcis>}, 0,
         any, clearMember<&Config::pcis>},
    };
    return table;
}

const Key* findKey(std::string_view name) {
    const auto& table = keys();
    const auto key = std::ranges::find(table, name, &Key::name);
    return key == table.end() ? nullptr : &*key;
}

// ---- setting and getting by type

struct Setter {
    Config& config;
    const Key& key;
    std::string_view value;

    std::string flag(bool Config::*member, bool strict) const {
        const auto flag = parseBool(value, strict);
        if (!flag)
            return fmt::format("{} = \"{}\" is neither true nor false", key.name, value);
        config.*member = *flag;
        return {};
    }
    std::string number(std::int64_t& result) const {
        const auto number = parseInteger(value);
        if (!number)
            return fmt::format("{} = \"{}\" is not a number", key.name, value);
        if (*number < key.minimum || *number > key.maximum)
            return fmt::format("{} = {} is not between {} and {}", key.name, *number, key.minimum,
                               key.maximum);
        result = *number;
        return {};
    }

    std::string operator()(bool Config::*member) const { return flag(member, false); }
    std::string operator()(StrictBool strict) const { return flag(strict.member, true); }
    std::string operator()(std::int64_t Config::*member) const { return number(config.*member); }
    std::string operator()(std::optional<std::int64_t> Config::*member) const {
        if (value.empty()) {
            (config.*member).reset();
            return {};
        }
        std::int64_t parsed = 0;
        std::string error = number(parsed);
        if (error.empty())
            config.*member = parsed;
        return error;
    }
    std::string operator()(std::string Config::*member) const {
        config.*member = value;
        return {};
    }
    std::string operator()(std::optional<std::string> Config::*member) const {
        if (value.empty())
            (config.*member).reset();
        else
            config.*member = std::string(value);
        return {};
    }
    std::string operator()(Policy Config::*member) const {
        for (Policy policy : {Policy::restart, Policy::destroy, Policy::preserve}) {
            if (value == toString(policy)) {
                config.*member = policy;
                return {};
            }
        }
        return fmt::format("{} = \"{}\" is not one of restart, destroy, preserve", key.name, value);
    }
    std::string operator()(const TextListKey& list) const {
        if ((config.*list.member).size() >= maxListEntries)
            return fmt::format("there are more than {} {} entries", maxListEntries, key.name);
        std::string error = list.check(value);
        if (error.empty())
            (config.*list.member).emplace_back(value);
        return error;
    }
    std::string operator()(PairList Config::*member) const {
        if ((config.*member).size() >= maxListEntries)
            return fmt::format("there are more than {} {} entries", maxListEntries, key.name);
        const auto [name, text] = splitPair(value);
        if (name.empty())
            return fmt::format("{} = \"{}\" has no name", key.name, value);
        (config.*member).emplace_back(name, text.value_or(""));
        return {};
    }
    std::string operator()(const Custom& custom) const { return custom.set(config, value); }
};

struct Getter {
    const Config& config;

    std::string operator()(bool Config::*member) const { return config.*member ? "true" : "false"; }
    std::string operator()(StrictBool strict) const { return config.*strict.member ? "true" : "false"; }
    std::string operator()(std::int64_t Config::*member) const { return std::to_string(config.*member); }
    std::string operator()(std::optional<std::int64_t> Config::*member) const {
        return config.*member ? std::to_string(*(config.*member)) : "";
    }
    std::string operator()(std::string Config::*member) const { return config.*member; }
    std::string operator()(std::optional<std::string> Config::*member) const {
        return (config.*member).value_or("");
    }
    std::string operator()(Policy Config::*member) const { return toString(config.*member); }
    std::string operator()(const TextListKey& list) const {
        return fmt::format("{}", fmt::join(config.*list.member, "\n"));
    }
    std::string operator()(PairList Config::*member) const {
        std::string text;
        for (const auto& [name, value] : config.*member)
            text += (text.empty() ? "" : "\n") + name + (value.empty() ? "" : "=" + value);
        return text;
    }
    std::string operator()(const Custom& custom) const { return custom.get(config); }
};

} // namespace

std::vector<std::string_view> keyNames() {
    std::vector<std::string_view> names;
    for (const Key& key : keys())
        names.push_back(key.name);
    return names;
}

std::string setKey(Config& config, std::string_view name, std::string_view value) {
    const Key* key = findKey(name);
    if (!key)
        return fmt::format("the key \"{}\" is not known", printable(name, shownBytes));
    if (value.size() > maxValueBytes)
        return fmt::format("the value of {} has {} bytes, at most {} are taken", name, value.size(),
                           maxValueBytes);
    return std::visit(Setter{config, *key, value}, key->target);
}

std::string replaceKey(Config& config, std::string_view name, std::string_view value) {
    const Key* key = findKey(name);
    const bool isList = key && key->clear;
    if (!isPrintable(isList ? std::string_view() : value))
        return fmt::format("the value of {} has control characters or is not UTF-8", name);
    if (!isList)
        return setKey(config, name, value);

    Config changed = config;
    key->clear(changed);
    if (!value.empty()) {
        for (std::string_view entry : split(value, '\n')) {
            if (!isPrintable(entry))
                return fmt::format("an entry of {} has control characters or is not UTF-8", name);
            if (std::string error = setKey(changed, name, trim(entry)); !error.empty())
                return error;
        }
    }
    config = std::move(changed);
    return {};
}

std::optional<std::string> getKey(const Config& config, std::string_view name) {
    const Key* key = findKey(name);
    if (!key)
        return std::nullopt;
    return std::visit(Getter{config}, key->target);
}

} // namespace xb::xenvm
