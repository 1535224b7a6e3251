// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/guest_config.hpp"

#include "toolstack/libs/error.hpp"
#include "toolstack/libs/uuid.hpp"
#include "toolstack/xenops/arguments.hpp"
#include "toolstack/xenops/words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>

namespace xb::xenops {

namespace {

using xen::DomainType;

constexpr std::uint64_t kibPerMib = 1024;
constexpr std::int64_t memoryLimitMib = std::int64_t{1} << 30;
constexpr std::int64_t vcpuLimit = 4096;
constexpr std::string_view nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+";

/// What the network on the kernel's command line is made of (ip= of Linux's nfsroot.txt).
struct BootWords {
    std::string root;
    std::string extra;
    std::string cmdline;
    std::string ip;
    std::string netmask;
    std::string gateway;
    std::string hostname;
    std::string nfsServer;
    std::string nfsRoot;
    bool dhcp = false;
};

class Reader {
public:
    Reader(const std::vector<ConfigEntry>& entries, const std::string& file, const DomainNames& names)
        : file_(file), names_(names) {
        for (const ConfigEntry& entry : entries) {
            const auto [at, added] = entries_.insert_or_assign(entry.key, &entry);
            if (!added)
                warn(entry, fmt::format("{} is there more than once; this one counts", at->first));
        }
    }

    GuestConfig run(const std::string& freshUuid) {
        readType();
        readNames(freshUuid);
        readMemory();
        readVcpus();
        readBoot();
        readHvm();
        readDevices();
        readPolicies();
        readRest();
        return std::move(result_);
    }

private:
    xen::DomainConfig& domain() { return result_.domain; }

    [[noreturn]] void fail(const ConfigEntry& entry, const std::string& reason) const {
        failAt(entry.line, reason);
    }
    [[noreturn]] void failAt(unsigned line, const std::string& reason) const {
        throw Error(errors::invalidArgs, fmt::format("{}:{}: {}", file_, line, reason));
    }
    void warn(const ConfigEntry& entry, const std::string& text) {
        result_.warnings.push_back(fmt::format("{}:{}: {}", file_, entry.line, text));
    }

    // The entry, which counts as read from now on.
    const ConfigEntry* take(std::string_view key) {
        const auto found = entries_.find(key);
        if (found == entries_.end())
            return nullptr;
        const ConfigEntry* entry = found->second;
        entries_.erase(found);
        return entry;
    }

    const std::string& textOf(const ConfigEntry& entry, const ConfigValue& value) const {
        const auto* text = std::get_if<std::string>(&value.data);
        if (!text)
            failAt(value.line, fmt::format("{} is a text in quotes", entry.key));
        return *text;
    }

    std::optional<std::string> text(std::string_view key) {
        const ConfigEntry* entry = take(key);
        if (!entry)
            return std::nullopt;
        return textOf(*entry, entry->value);
    }
    void textInto(std::string_view key, std::string& into) {
        if (auto value = text(key))
            into = *std::move(value);
    }

    // xm's files have numbers in quotes as well.
    std::int64_t numberOf(const ConfigEntry& entry, const ConfigValue& value, std::int64_t least,
                          std::int64_t most) const {
        std::int64_t number = least - 1;
        if (const auto* direct = std::get_if<std::int64_t>(&value.data)) {
            number = *direct;
        } else if (const auto* quoted = std::get_if<std::string>(&value.data);
                   quoted && !quoted->empty() && quoted->size() < 18 &&
                   quoted->find_first_not_of("0123456789") == std::string::npos) {
            number = std::stoll(*quoted);
        }
        if (number < least || number > most)
            failAt(value.line, fmt::format("{} is a number from {} to {}", entry.key, least, most));
        return number;
    }
    std::optional<std::int64_t> number(std::string_view key, std::int64_t least, std::int64_t most) {
        const ConfigEntry* entry = take(key);
        if (!entry)
            return std::nullopt;
        return numberOf(*entry, entry->value, least, most);
    }
    void flagInto(std::string_view key, bool& into) {
        if (const auto value = number(key, 0, 1))
            into = *value == 1;
    }

    void readType() {
        const ConfigEntry* typeEntry = take("type");
        const ConfigEntry* builder = take("builder");
        if (builder) {
            const auto& word = textOf(*builder, builder->value);
            if (word == "hvm")
                domain().type = DomainType::hvm;
            else if (word != "generic" && word != "linux" && !word.empty())
                fail(*builder, fmt::format("the builder \"{}\" is neither generic nor hvm", word));
        }
        if (!typeEntry)
            return;
        const auto& word = textOf(*typeEntry, typeEntry->value);
        if (word == "pv")
            domain().type = DomainType::pv;
        else if (word == "pvh")
            domain().type = DomainType::pvh;
        else if (word == "hvm")
            domain().type = DomainType::hvm;
        else
            fail(*typeEntry, fmt::format("the type \"{}\" is none of pv, pvh and hvm", word));
    }

    void readNames(const std::string& freshUuid) {
        const ConfigEntry* name = take("name");
        if (!name)
            failAt(1, "there is no name: add name = \"...\"");
        domain().name = textOf(*name, name->value);
        if (domain().name.empty() || domain().name.size() > 255 ||
            domain().name.find_first_not_of(nameLetters) != std::string::npos)
            fail(*name, "a name is made of letters, digits and -_.+");
        if (domain().name.find_first_not_of("0123456789") == std::string::npos)
            fail(*name, "a name of digits alone would be taken for a domain number");
        domain().uuid = freshUuid;
        if (const ConfigEntry* uuid = take("uuid")) {
            domain().uuid = textOf(*uuid, uuid->value);
            if (!isUuid(domain().uuid))
                fail(*uuid, fmt::format("\"{}\" is no UUID", domain().uuid));
        }
    }

    void readMemory() {
        const ConfigEntry* memory = take("memory");
        if (!memory)
            failAt(1, "there is no memory: add memory = MIB");
        domain().memoryKib = mib(*memory);
        if (const ConfigEntry* most = take("maxmem")) {
            domain().maxMemoryKib = mib(*most);
            if (domain().maxMemoryKib < domain().memoryKib)
                fail(*most, "maxmem is less than memory");
        }
    }
    std::uint64_t mib(const ConfigEntry& entry) const {
        return static_cast<std::uint64_t>(numberOf(entry, entry.value, 1, memoryLimitMib)) * kibPerMib;
    }

    void readVcpus() {
        const auto vcpus = static_cast<unsigned>(number("vcpus", 1, vcpuLimit).value_or(1));
        domain().vcpus = vcpus;
        if (const ConfigEntry* most = take("maxvcpus")) {
            domain().vcpus = static_cast<unsigned>(numberOf(*most, most->value, 1, vcpuLimit));
            if (domain().vcpus < vcpus)
                fail(*most, "maxvcpus is less than vcpus");
            if (domain().vcpus != vcpus)
                result_.onlineVcpus = vcpus;
        }
        if (const ConfigEntry* cpus = take("cpus"))
            result_.cpus = cpusOf(*cpus);
        if (const ConfigEntry* cpus = take("cpus_soft"))
            result_.softCpus = cpusOf(*cpus);
        if (const auto weight = number("cpu_weight", 1, std::numeric_limits<std::uint16_t>::max()))
            result_.weight = static_cast<std::uint16_t>(*weight);
        if (const auto cap = number("cap", 0, std::numeric_limits<std::uint16_t>::max()))
            result_.cap = static_cast<std::uint16_t>(*cap);
    }

    // "0-3,^2", a number, or a list of such, which are then one set for all virtual CPUs only if it has one
    // element.
    std::vector<unsigned> cpusOf(const ConfigEntry& entry) const {
        const auto* list = std::get_if<std::vector<ConfigValue>>(&entry.value.data);
        if (list && list->empty())
            return {};
        if (list && list->size() > 1)
            fail(entry,
                 "a set of CPUs for each virtual CPU is not supported: give one for all, or use xenops "
                 "vcpu-pin");
        const ConfigValue& value = list ? list->front() : entry.value;
        if (const auto* one = std::get_if<std::int64_t>(&value.data)) {
            if (*one < 0 || *one >= cpuLimit)
                fail(entry, "there is no such CPU");
            return {static_cast<unsigned>(*one)};
        }
        const std::string word = textOf(entry, value);
        std::vector<unsigned> cpus;
        if (!word.empty())
            guarded(entry, [&] { cpus = parseCpus(word, entry.key); });
        return cpus;
    }

    // What the parsers of words complain of belongs to the line.
    void guarded(const ConfigEntry& entry, const std::function<void()>& body) const {
        guardedAt(entry.line, body);
    }
    void guardedAt(unsigned line, const std::function<void()>& body) const {
        try {
            body();
        } catch (const UsageError& e) {
            failAt(line, e.reason());
        }
    }

    void readBoot() {
        if (const ConfigEntry* loader = take("bootloader"))
            readBootloader(*loader);
        textInto("kernel", domain().kernel);
        textInto("ramdisk", domain().ramdisk);
        BootWords words;
        textInto("root", words.root);
        textInto("extra", words.extra);
        textInto("cmdline", words.cmdline);
        textInto("ip", words.ip);
        textInto("netmask", words.netmask);
        textInto("gateway", words.gateway);
        textInto("hostname", words.hostname);
        textInto("nfs_server", words.nfsServer);
        textInto("nfs_root", words.nfsRoot);
        if (const ConfigEntry* dhcp = take("dhcp")) {
            const auto* off = std::get_if<std::int64_t>(&dhcp->value.data);
            words.dhcp =
                off ? *off != 0 : !textOf(*dhcp, dhcp->value).empty() && textOf(*dhcp, dhcp->value) != "off";
        }
        domain().cmdline = commandLine(words);
    }

    // Xen's own only: libxl finds it by its name, and runs it restricted.
    void readBootloader(const ConfigEntry& entry) {
        const std::string& word = textOf(entry, entry.value);
        if (!word.empty() && word != "pygrub" && !(word.starts_with('/') && word.ends_with("/pygrub")))
            fail(entry,
                 fmt::format("the bootloader \"{}\" is not pygrub; one that runs in the guest is its kernel",
                             word));
        if (!word.empty() && domain().type == DomainType::hvm)
            fail(entry, "a bootloader is for PV and PVH guests");
        domain().bootloader = word.empty() ? "" : "pygrub";
    }

    static std::string commandLine(const BootWords& words) {
        if (!words.cmdline.empty())
            return words.cmdline;
        std::string line;
        const auto add = [&](const std::string& word) {
            line += line.empty() || word.empty() ? "" : " ";
            line += word;
        };
        if (words.dhcp)
            add("ip=dhcp");
        else if (!words.ip.empty() || !words.hostname.empty() || !words.nfsServer.empty())
            add(fmt::format("ip={}:{}:{}:{}:{}:eth0:off", words.ip, words.nfsServer, words.gateway,
                            words.netmask, words.hostname));
        if (!words.nfsRoot.empty() && words.root.empty())
            add("root=/dev/nfs");
        if (!words.root.empty())
            add("root=" + words.root);
        if (!words.nfsRoot.empty())
            add(fmt::format("nfsroot={}{}{}", words.nfsServer, words.nfsServer.empty() ? "" : ":",
                            words.nfsRoot));
        add(words.extra);
        return line;
    }

    void readHvm() {
        if (const ConfigEntry* order = take("boot")) {
            domain().bootOrder = textOf(*order, order->value);
            if (domain().bootOrder.find_first_not_of("cdn") != std::string::npos)
                fail(*order, "boot is made of the letters c (disk), d (CD) and n (network)");
        }
        if (const ConfigEntry* bios = take("bios")) {
            domain().bios = textOf(*bios, bios->value);
            if (domain().bios != "seabios" && domain().bios != "ovmf")
                fail(*bios, fmt::format("the BIOS \"{}\" is neither seabios nor ovmf", domain().bios));
        }
        flagInto("hap", domain().hap);
        flagInto("acpi", domain().acpi);
        flagInto("apic", domain().apic);
        flagInto("pae", domain().pae);
        flagInto("nx", domain().nx);
        flagInto("hpet", domain().hpet);
        flagInto("vpt_align", domain().vptAlign);
        if (const ConfigEntry* mode = take("timer_mode"))
            domain().timerMode = timerModeOf(*mode);
        flagInto("viridian", domain().viridian);
        flagInto("nestedhvm", domain().nestedHvm);
        flagInto("localtime", domain().localtime);
        flagInto("usb", domain().usb);
        flagInto("vnc", domain().vnc);
        textInto("serial", domain().serial);
        textInto("soundhw", domain().sound);
        textInto("seclabel", domain().flaskLabel);
        constexpr std::int64_t week = 7 * 86400;
        if (const auto offset = number("rtc_timeoffset", -week, week))
            domain().timeOffsetSeconds = static_cast<std::int32_t>(*offset);
        if (const auto video = number("videoram", 1, 1024))
            domain().videoMemoryKib = static_cast<std::uint64_t>(*video) * kibPerMib;
        readUsb();
        readStubDomain();
        if (const ConfigEntry* model = take("device_model_args"))
            domain().deviceModelArguments = texts(*model);
        if (const ConfigEntry* version = take("device_model_version");
            version && textOf(*version, version->value) != "qemu-xen")
            fail(*version, "only the device model qemu-xen is supported");
    }

    void readUsb() {
        if (const auto version = number("usbversion", 0, 3))
            domain().usbVersion = static_cast<unsigned>(*version);
        if (const ConfigEntry* devices = take("usbdevice")) {
            if (const auto* one = std::get_if<std::string>(&devices->value.data))
                domain().usbDevices = one->empty() ? std::vector<std::string>() : std::vector{*one};
            else
                domain().usbDevices = texts(*devices);
            domain().usb = domain().usb || !domain().usbDevices.empty(); // as xl has it
        }
        if (const ConfigEntry* controllers = take("usbctrl"))
            eachText(*controllers, [this](const std::string& word) {
                domain().usbControllers.push_back(parseUsbController(word));
            });
        if (const ConfigEntry* devices = take("usbdev"))
            eachText(*devices, [this](const std::string& word) {
                domain().hostUsbDevices.push_back(parseUsbDevice(word));
            });
    }

    // The device model in a small Linux domain.
    void readStubDomain() {
        constexpr std::int64_t usualMib = 128; // libxl's own for Linux
        auto& stub = domain().stubDomain;
        flagInto("device_model_stubdomain_override", stub.wanted);
        textInto("stubdomain_kernel", stub.kernel);
        textInto("stubdomain_ramdisk", stub.ramdisk);
        textInto("stubdomain_cmdline", stub.cmdline);
        textInto("device_model_stubdomain_seclabel", stub.flaskLabel);
        stub.memoryKib =
            static_cast<std::uint64_t>(number("stubdomain_memory", 1, memoryLimitMib).value_or(usualMib)) *
            kibPerMib;
        if (!stub.wanted)
            stub = {};
    }

    // A word, or its number.
    std::string timerModeOf(const ConfigEntry& entry) const {
        const auto& words = xen::timerModes;
        if (const auto* number = std::get_if<std::int64_t>(&entry.value.data);
            number && *number >= 0 && *number < static_cast<std::int64_t>(words.size()))
            return words.at(static_cast<std::size_t>(*number));
        const auto* word = std::get_if<std::string>(&entry.value.data);
        if (!word || std::find(words.begin(), words.end(), *word) == words.end())
            fail(entry, fmt::format("timer_mode is a number from 0 to {}, or one of {}", words.size() - 1,
                                    fmt::join(words, ", ")));
        return *word;
    }

    std::vector<std::string> texts(const ConfigEntry& entry) const {
        const auto* list = std::get_if<std::vector<ConfigValue>>(&entry.value.data);
        if (!list)
            fail(entry, fmt::format("{} is a list of texts: {} = ['...']", entry.key, entry.key));
        std::vector<std::string> result;
        for (const ConfigValue& element : *list)
            result.push_back(textOf(entry, element));
        return result;
    }

    void readDevices() {
        if (const ConfigEntry* disks = take("disk"))
            eachText(*disks, [this](const std::string& word) {
                domain().disks.push_back(parseDisk(word, names_, result_.warnings));
            });
        for (std::size_t i = 0; i < domain().disks.size(); ++i)
            for (std::size_t j = 0; j < i; ++j)
                if (domain().disks[i].vdev == domain().disks[j].vdev)
                    failAt(1, fmt::format("two disks are {}", domain().disks[i].vdev));
        if (const ConfigEntry* vifs = take("vif"))
            eachText(*vifs, [this](const std::string& word) {
                const auto devid = static_cast<int>(domain().nics.size());
                domain().nics.push_back(parseNic(word, devid, domain().uuid, names_));
            });
        if (const ConfigEntry* framebuffers = take("vfb"))
            eachText(*framebuffers, [this](const std::string& word) {
                domain().framebuffer = domain().type != DomainType::hvm; // which has a screen of its own
                domain().vnc = parseFramebuffer(word, result_.warnings);
            });
        if (const ConfigEntry* devices = take("pci"))
            eachText(*devices,
                     [this](const std::string& word) { domain().pciDevices.push_back(parsePci(word)); });
    }

    void eachText(const ConfigEntry& entry, const std::function<void(const std::string&)>& body) {
        const auto* list = std::get_if<std::vector<ConfigValue>>(&entry.value.data);
        if (!list)
            fail(entry, fmt::format("{} is a list of texts: {} = ['...']", entry.key, entry.key));
        for (const ConfigValue& element : *list) {
            const std::string& word = textOf(entry, element);
            guardedAt(element.line, [&] { body(word); });
        }
    }

    // Who acts on them is a monitor (xenvm); xenops ends when the guest runs.
    void readPolicies() {
        static constexpr std::string_view actions[]{
            "destroy",          "restart",          "rename-restart", "preserve", "soft-reset",
            "coredump-destroy", "coredump-restart", "never",          "always",   "onreboot"};
        for (const std::string_view key : keysWithoutEffect()) {
            const ConfigEntry* entry = take(key);
            if (!entry)
                continue;
            if (key.starts_with("on_")) {
                const auto& action = textOf(*entry, entry->value);
                if (std::ranges::find(actions, action) == std::end(actions))
                    fail(*entry, fmt::format("{} cannot be \"{}\"", key, action));
            }
            warn(*entry, fmt::format("{} is without effect: xenops does not stay to act on it", key));
        }
    }

    // 0, "" and [] ask for nothing.
    static bool asksForNothing(const ConfigValue& value) {
        if (const auto* number = std::get_if<std::int64_t>(&value.data))
            return *number == 0;
        if (const auto* text = std::get_if<std::string>(&value.data))
            return text->empty() || *text == "0" || *text == "none";
        return std::get<std::vector<ConfigValue>>(value.data).empty();
    }

    void readRest() {
        for (const std::string_view key : refusedKeys()) {
            const ConfigEntry* entry = take(key);
            if (entry && !asksForNothing(entry->value))
                throw Error(
                    errors::notSupported,
                    fmt::format("{}:{}: {} is not supported; without it the guest would not be what the file "
                                "asks for",
                                file_, entry->line, key));
        }
        for (const auto& [key, entry] : entries_)
            warn(*entry, fmt::format("{} is not known: it is ignored", key));
    }

    const std::string& file_;
    const DomainNames& names_;
    std::map<std::string, const ConfigEntry*, std::less<>> entries_;
    GuestConfig result_;
};

} // namespace

GuestConfig toGuestConfig(const std::vector<ConfigEntry>& entries, const std::string& file,
                          const std::string& freshUuid, const DomainNames& names) {
    return Reader(entries, file, names).run(freshUuid);
}

} // namespace xb::xenops
