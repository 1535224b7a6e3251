// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/xenvm_config.hpp"

#include "xenmgr/db.hpp"
#include "xenmgr/dependencies.hpp"
#include "xenmgr/devices.hpp"
#include "xenmgr/networks.hpp"
#include "xenmgr/pci_rules.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/vm_registry.hpp"

#include <array>

namespace xb::xenmgr {

namespace {

// Gathers lines; refuses what would end one early and smuggle in another.
class Lines {
public:
    void add(std::string_view key, const std::string& value) {
        if (value.find_first_of(std::string_view("\n\r\0", 3)) != std::string::npos)
            throw Error(errors::invalidArgs, "the VM's " + std::string(key) + " holds a line break");
        text_ += std::string(key) + " = " + value + "\n";
    }
    void addIfSet(std::string_view key, const std::string& value) {
        if (!value.empty())
            add(key, value);
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
};

struct Copied {
    const char* key;  ///< of xenvm
    const char* node; ///< below config/
};

// Copied as they are when the database has them.
constexpr std::array copied{
    Copied{"cmdline", "cmdline"},   Copied{"boot", "boot"},
    Copied{"pae", "pae"},           Copied{"acpi", "acpi"},
    Copied{"apic", "apic"},         Copied{"nx", "nx"},
    Copied{"hap", "hap"},           Copied{"viridian", "viridian"},
    Copied{"nested", "nestedhvm"},  Copied{"bios", "bios"},
    Copied{"serial", "serial"},     Copied{"flask-label", "flask-label"},
    Copied{"videoram", "videoram"}, Copied{"cores-per-socket", "cores-per-socket"},
};

std::string diskType(const std::string& type) {
    if (type == "raw")
        return "file";
    if (type == "qcow2")
        return "qcow";
    return type;
}

void addDisks(Lines& lines, const Context& context, const std::string& uuid, bool hvm) {
    for (const auto& disk : disksOf(context.db, uuid))
        if (const auto entry = diskEntry(context, uuid, disk, hvm))
            lines.add("disk", *entry);
}

void addNics(Lines& lines, const Context& context, const std::string& uuid) {
    for (const auto& nic : nicsOf(context.db, uuid))
        if (const auto entry = nicEntry(context, uuid, nic))
            lines.add("nic", entry->text);
}

// As xenvm's key has it: the number of the word, which itself is a number in some configurations.
std::size_t timerMode(const std::string& mode) {
    for (std::size_t number = 0; number < xen::timerModes.size(); ++number)
        if (mode == xen::timerModes[number] || mode == std::to_string(number))
            return number;
    throw Error(errors::invalidArgs, "timer-mode \"" + mode +
                                         "\" is none of delay_for_missed_ticks, "
                                         "no_delay_for_missed_ticks, no_missed_ticks_pending and "
                                         "one_missed_tick_pending");
}

// What is more than a copy.
void addMachine(Lines& lines, const Db& db, const std::string& vm) {
    const std::string config = vm + "/config/";
    if (db.exists(config + "hpet"))
        lines.add("hpet", db.readBool(config + "hpet", true) ? "1" : "0");
    // Other words are for other device models.
    if (const std::string display = db.read(config + "display");
        display == "none" || display.starts_with("vnc"))
        lines.add("display", display);
    if (!db.readBool(vm + "/usb-enabled", true))
        lines.add("usb", "false");
    // A sound card that only plays cannot be had: who must not record gets none.
    const bool mayPlay = db.readBool(vm + "/policies/audio-access", true);
    const bool mayRecord = db.readBool(vm + "/policies/audio-rec", true);
    if (mayPlay && mayRecord)
        lines.addIfSet("sound", db.read(config + "sound"));
    if (const auto mode = db.read(config + "timer-mode"); !mode.empty())
        lines.add("timer-mode", std::to_string(timerMode(mode)));
    for (const auto& key : db.list(config + "extra-hvm"))
        lines.addIfSet("extra-hvm", db.read(config + "extra-hvm/" + key));
}

// The device model in a domain of its own. xenvm's key is a UUID, of which only that it is there counts.
void addStubDomain(Lines& lines, const Db& db, const std::string& uuid) {
    const std::string vm = vmNode(uuid);
    if (!db.readBool(vm + "/stubdom", false))
        return;
    lines.add("stubdom", uuid);
    for (const char* key : {"stubdom-memory", "stubdom-cmdline", "stubdom-flask-label"})
        lines.addIfSet(key, db.read(vm + "/config/" + key));
}

void addPci(Lines& lines, const Context& context, const std::string& uuid) {
    const bool bind = context.db.readBool(vmNode(uuid) + "/greedy-pciback-bind", true);
    int id = 0;
    for (const ChosenPci& device : chosenPci(context, uuid)) {
        std::string entry = std::to_string(id++) + (bind ? ",bind," : ",") + device.address;
        if (device.guestSlot)
            entry += ",guest_slot=" + std::to_string(*device.guestSlot);
        lines.add("pci", entry);
    }
}

} // namespace

std::optional<std::string> diskEntry(const Context& context, const std::string& uuid, const Disk& disk,
                                     bool hvm) {
    if (!disk.enabled || (disk.isEmptyDrive() && !hvm))
        return std::nullopt;
    if (disk.isCdrom() && !context.db.readBool(vmNode(uuid) + "/policies/cd-access", true))
        return std::nullopt;
    const std::string path = disk.isEmptyDrive() ? "" : disk.path;
    for (const std::string& field : {path, disk.device})
        if (field.find(':') != std::string::npos)
            throw Error(errors::invalidArgs,
                        "disk " + disk.id + " of VM " + uuid + ": \"" + field + "\" must not hold a colon");
    const bool writable = disk.isWritable() && !disk.isCdrom();
    return path + ":" + diskType(disk.isEmptyDrive() ? "file" : disk.type) + ":" + disk.device + ":" +
           (writable ? "w" : "r") + ":" + disk.devtype + ":" + (disk.snapshot == "none" ? "" : disk.snapshot);
}

std::optional<NicText> nicEntry(const Context& context, const std::string& uuid, const Nic& nic) {
    const char* policy = nic.wireless ? "/policies/wireless-networking" : "/policies/wired-networking";
    if (!nic.enabled || !context.db.readBool(vmNode(uuid) + policy, true))
        return std::nullopt;
    NicText entry;
    entry.text = "id=" + std::to_string(nic.id) + ",network=" + nic.network + ",mac=" + macOf(nic, uuid);
    const auto vm = context.vms.find(backendOf(context.db, uuid, nic).uuid);
    if (vm && vm->domid() > 0) { // which looks the network up by itself
        entry.backendDomid = vm->domid();
        entry.text += ",backend-domid=" + std::to_string(vm->domid());
        const auto bridge = context.db.read(networkNode(nic.network) + "/bridge");
        entry.bridge = bridge.empty() ? nic.network : bridge;
        if (!bridge.empty())
            entry.text += ",bridge=" + bridge;
    } else {
        entry.bridge = bridgeOf(context.db, nic.network);
        entry.text += ",bridge=" + entry.bridge;
    }
    if (!nic.model.empty())
        entry.text += ",model=" + nic.model;
    return entry;
}

std::string xenvmConfig(const Context& context, const std::string& uuid) {
    const Db& db = context.db;
    const std::string vm = vmNode(uuid);
    const std::string config = vm + "/config/";
    const std::string type = db.read(config + "virt-type", "pv");
    const bool hvm = type == "hvm";
    Lines lines; // paths are of the configuration: xenvm has our --root
    lines.add("uuid", uuid);
    const std::string name = db.read(vm + "/name");
    lines.add("name", name.empty() ? uuid : name);
    lines.add("startup", "poweroff");
    // xenmgr restarts a VM itself, with its configuration of then.
    lines.add("on_restart", "preserve");
    lines.add("type", type);
    for (const char* key : {"kernel", "initrd"})
        if (const std::string path = db.read(config + key); !path.empty())
            lines.add(key, path);
    lines.add("memory", std::to_string(db.readInt(config + "memory", 0)));
    if (const int maximum = db.readInt(config + "memory-static-max", 0); maximum > 0)
        lines.add("memory-max", std::to_string(maximum));
    lines.add("vcpus", std::to_string(std::max(1, db.readInt(config + "vcpus", 1))));
    for (const auto& each : copied)
        lines.addIfSet(each.key, db.read(config + each.node));
    addMachine(lines, db, vm);
    lines.add("time-offset", std::to_string(db.readInt(vm + "/time-offset", 0)));
    addDisks(lines, context, uuid, hvm);
    addNics(lines, context, uuid);
    if (hvm)
        addStubDomain(lines, db, uuid);
    addPci(lines, context, uuid);
    // The VM's own lines come last, so that they overrule ours.
    for (const auto& key : db.list(vm + "/config/extra-xenvm")) {
        const std::string line = db.read(vm + "/config/extra-xenvm/" + key);
        const auto equals = line.find('=');
        if (equals == std::string::npos)
            throw Error(errors::invalidArgs,
                        "extra-xenvm of VM " + uuid + ": \"" + line + "\" is not key=value");
        lines.add(line.substr(0, equals), line.substr(equals + 1));
    }
    return lines.take();
}

} // namespace xb::xenmgr
