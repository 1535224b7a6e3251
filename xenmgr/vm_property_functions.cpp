// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/vm_property_functions.hpp"

#include "toolstack/libs/files.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/dependencies.hpp"
#include "xenmgr/devices.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/host_facts.hpp"
#include "xenmgr/live_devices.hpp"
#include "xenmgr/slots.hpp"
#include "xenmgr/templates.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/vm_registry.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <sys/stat.h>

namespace xb::xenmgr::property_functions {

namespace {

constexpr std::uintmax_t bytesPerMiB = 1024 * 1024;
constexpr auto isoDirectory = "/storage/isos";
constexpr auto cdDevice = "hdc";
/// Below it the files of a user who has logged in are mounted, at s-<user>.
constexpr auto sessionDirectory = "/config/sec";

std::string nodeOf(const Vm& vm, const VmProperty& property) {
    return vm.node() + "/" + std::string(property.path);
}

std::vector<std::string> splitAtSemicolons(const std::string& text) {
    std::vector<std::string> parts;
    std::size_t start = 0;
    while (start < text.size()) {
        const std::size_t end = std::min(text.find(';', start), text.size());
        if (end > start)
            parts.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return parts;
}

std::string stripped(const std::string& text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

PropertyContent networkOf(const Context& context, const Vm& vm, bool wireless) {
    for (const auto& nic : nicsOf(context.db, vm.uuid()))
        if (nic.wireless == wireless)
            return nic.network;
    return std::string();
}

bool isLocked(const Context& context, const Vm& vm) {
    const std::string user = context.db.read(vm.node() + "/crypto-user");
    if (user.empty())
        return false;
    if (user.find('/') != std::string::npos)
        return true; // no such user can log in
    const auto parent = below(context.settings.root, sessionDirectory);
    struct stat outside {};
    struct stat inside {};
    const bool mounted = ::stat(parent.c_str(), &outside) == 0 &&
                         ::stat((parent / ("s-" + user)).c_str(), &inside) == 0 &&
                         inside.st_dev != outside.st_dev;
    return !mounted;
}

} // namespace

// --- of the running VM ---

PropertyContent acpiState(const Context&, const Vm& vm, const VmProperty&) {
    return vm.acpiState();
}
PropertyContent domid(const Context&, const Vm& vm, const VmProperty&) {
    return vm.domid();
}
// A stopped VM whose user's files are not there (not logged in) is locked.
PropertyContent state(const Context& context, const Vm& vm, const VmProperty&) {
    if (vm.state() == VmState::shutdown && isLocked(context, vm))
        return std::string("locked");
    return std::string(publicWord(vm.state()));
}
PropertyContent uuid(const Context&, const Vm& vm, const VmProperty&) {
    return vm.uuid();
}

// No GPU placement yet: no neighbour on either side.
PropertyContent seamlessMouse(const Context&, const Vm&, const VmProperty&) {
    return -1;
}

// As libxl writes it. Only of a VM that has one, so that the others need not be asked for.
Task<PropertyContent> stubDomid(const Context& context, std::shared_ptr<Vm> vm) {
    if (vm->domid() < 0 || !context.db.readBool(std::string(vm->node()) + "/stubdom", false))
        co_return -1;
    const std::string node = "/local/domain/" + std::to_string(vm->domid()) + "/image/device-model-domid";
    const auto text = co_await context.hypervisor.store().read(node);
    int domid = -1;
    if (text)
        std::from_chars(text->data(), text->data() + text->size(), domid);
    co_return domid > 0 ? domid : -1;
}

Task<PropertyContent> memoryTarget(const Context& context, std::shared_ptr<Vm> vm) {
    if (vm->domid() < 0)
        co_return 0;
    const std::string node = "/local/domain/" + std::to_string(vm->domid()) + "/memory/target";
    const auto text = co_await context.hypervisor.store().read(node);
    long long kib = 0;
    if (text)
        std::from_chars(text->data(), text->data() + text->size(), kib);
    co_return static_cast<int>(kib / 1024);
}

// --- of the configuration ---

PropertyContent autostartPending(const Context& context, const Vm& vm, const VmProperty&) {
    const std::string node = "/xenmgr/autostart-pending-vms";
    return std::ranges::any_of(context.db.list(node), [&](const auto& key) {
        return context.db.read(node + "/" + key) == vm.uuid();
    });
}

PropertyContent type(const Context& context, const Vm& vm, const VmProperty& property) {
    const std::string text = context.db.read(nodeOf(vm, property), property.fallback);
    return text == "pvm" ? std::string("svm") : text;
}

PropertyContent stubdom(const Context& context, const Vm& vm, const VmProperty& property) {
    return context.db.readBool(nodeOf(vm, property), false) &&
           context.db.read(vm.node() + "/config/virt-type", "pv") == "hvm";
}

// Service VMs never have it; what the others have by default is the flavour's to say.
PropertyContent seamlessTraffic(const Context& context, const Vm& vm, const VmProperty&) {
    const Db& db = context.db;
    const std::string kind = db.read(vm.node() + "/type", "svm");
    if (kind != "svm" && kind != "pvm")
        return false;
    const std::string node = vm.node() + "/seamless-traffic";
    if (db.exists(node))
        return db.readBool(node, false);
    return hasCapability(readCapabilities(context.settings.root), "seamless-traffic-default", false);
}

PropertyContent porticaEnabled(const Context& context, const Vm& vm, const VmProperty& property) {
    const Db& db = context.db;
    if (!db.readBool(vm.node() + "/portica-installed", false))
        return 0;
    const bool enabled = db.readBool(vm.node() + "/portica-enabled", false) &&
                         std::get<bool>(seamlessTraffic(context, vm, property));
    return enabled ? 1 : 2;
}

PropertyContent memoryLimit(const Context& context, const Vm& vm, const VmProperty& property) {
    const int limit = context.db.readInt(nodeOf(vm, property), 0);
    return limit > 0 ? limit : context.db.readInt(vm.node() + "/config/memory", 0);
}

PropertyContent printScreenAllowed(const Context& context, const Vm& vm, const VmProperty& property) {
    return !context.db.readBool(nodeOf(vm, property), false);
}

PropertyContent joinedList(const Context& context, const Vm& vm, const VmProperty& property) {
    const std::string node = nodeOf(vm, property);
    std::string joined;
    for (const auto& key : context.db.list(node))
        joined += (joined.empty() ? "" : ";") + context.db.read(node + "/" + key);
    return joined;
}

PropertyContent dependencies(const Context& context, const Vm& vm, const VmProperty&) {
    std::vector<ObjectPath> paths;
    for (const auto& each : dependenciesOf(context.db, vm.uuid()))
        if (isUuid(each)) // anything may be written there
            paths.emplace_back("/vm/" + uuidToPathElement(each));
    return paths;
}

// --- of its devices ---

PropertyContent cd(const Context& context, const Vm& vm, const VmProperty&) {
    for (const auto& disk : disksOf(context.db, vm.uuid()))
        if (disk.device == cdDevice)
            return disk.isEmptyDrive() ? std::string() : std::filesystem::path(disk.path).filename().string();
    return std::string();
}

PropertyContent lowestMac(const Context& context, const Vm& vm, const VmProperty&) {
    const auto nics = nicsOf(context.db, vm.uuid());
    return nics.empty() ? std::string() : macOf(nics.front(), vm.uuid());
}

PropertyContent privateSpace(const Context& context, const Vm& vm, const VmProperty&) {
    std::uintmax_t bytes = 0;
    for (const auto& disk : disksOf(context.db, vm.uuid())) {
        std::error_code missing;
        const auto file = below(context.settings.root, disk.path);
        if (disk.type != "phy" && !disk.shared && std::filesystem::is_regular_file(file, missing))
            bytes += std::filesystem::file_size(file, missing);
    }
    return static_cast<int>(bytes / bytesPerMiB);
}

PropertyContent wiredNetwork(const Context& context, const Vm& vm, const VmProperty&) {
    return networkOf(context, vm, false);
}

PropertyContent wirelessNetwork(const Context& context, const Vm& vm, const VmProperty&) {
    return networkOf(context, vm, true);
}

// --- setters ---

Task<> setCd(Context& context, std::shared_ptr<Vm> vm, const VmProperty&, PropertyContent value) {
    const auto name = std::get<std::string>(value);
    if (name.find('/') != std::string::npos)
        throw Error(errors::invalidArgs,
                    "cd of VM " + vm->uuid() + ": \"" + name + "\" is a path, not the name of an ISO");
    const std::string directory = context.db.read("/xenmgr/isos", isoDirectory);
    const std::string path = directory + "/" + (name.empty() ? std::string("null.iso") : name);
    bool changed = false;
    for (const auto& disk : disksOf(context.db, vm->uuid())) {
        if (disk.device != cdDevice)
            continue;
        Disk next = disk;
        next.path = path;
        auto lock = co_await vm->deviceLock().lock();
        co_await followDisk(context, vm, std::move(next));
        co_await context.db.write(diskNode(vm->uuid(), disk.id) + "/path", path);
        changed = true;
    }
    if (changed)
        context.signals.vmConfigChanged(vm->uuid());
}

Task<> setName(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property, PropertyContent value) {
    const std::string name = stripped(std::get<std::string>(value));
    const std::string node = nodeOf(*vm, property);
    if (context.db.exists(node) && context.db.read(node) == name)
        co_return;
    co_await context.db.write(node, name);
    context.signals.vmConfigChanged(vm->uuid());
    context.signals.vmNameChanged(vm->uuid());
}

Task<> setDownloadProgress(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                           PropertyContent value) {
    co_await context.db.write(nodeOf(*vm, property), std::to_string(std::get<int>(value)));
    context.signals.vmTransferChanged(vm->uuid());
}

Task<> setGpu(Context&, std::shared_ptr<Vm>, const VmProperty&, PropertyContent value) {
    if (!std::get<std::string>(value).empty())
        throw notSupported("passing a graphics card to a VM");
    co_return;
}

// In one step, so that nobody finds half a list.
Task<> setJoinedList(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                     PropertyContent value) {
    const std::string node = nodeOf(*vm, property);
    const auto parts = splitAtSemicolons(std::get<std::string>(value));
    std::vector<std::string> before;
    for (const auto& key : context.db.list(node))
        before.push_back(context.db.read(node + "/" + key));
    if (parts == before)
        co_return;
    if (parts.empty()) {
        co_await context.db.remove(node);
        context.signals.vmConfigChanged(vm->uuid());
        co_return;
    }
    std::string json = "{}";
    for (std::size_t i = 0; i < parts.size(); ++i)
        json = withJsonMember(json, std::to_string(i), parts[i]);
    co_await context.db.inject(node, json);
    context.signals.vmConfigChanged(vm->uuid());
}

Task<> setNativeExperience(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                           PropertyContent value) {
    const bool on = std::get<bool>(value);
    if (on)
        for (const auto& [otherUuid, other] : std::map(context.vms.all()))
            if (other != vm && context.db.readBool(nodeOf(*other, property), false)) {
                co_await context.db.write(nodeOf(*other, property), "false");
                context.signals.vmConfigChanged(otherUuid);
            }
    if (context.db.readBool(nodeOf(*vm, property), false) == on)
        co_return;
    co_await context.db.write(nodeOf(*vm, property), on ? "true" : "false");
    context.signals.vmConfigChanged(vm->uuid());
}

Task<> setNetwork(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                  PropertyContent value) {
    const bool wireless = property.name == "wireless-network";
    for (const auto& nic : nicsOf(context.db, vm->uuid())) {
        if (nic.wireless != wireless)
            continue;
        const auto& network = std::get<std::string>(value);
        if (network.empty())
            throw Error(errors::invalidArgs, "the network of a NIC must not be empty");
        if (network == nic.network)
            co_return;
        Nic next = nic;
        next.network = modernNetwork(network);
        auto lock = co_await vm->deviceLock().lock();
        co_await followNic(context, vm, nic, std::move(next));
        co_await context.db.write(nicNode(vm->uuid(), nic.key) + "/network", network);
        context.signals.vmConfigChanged(vm->uuid());
        co_return;
    }
    throw coded(Code::noSuchNic,
                "VM " + vm->uuid() + " has no " + (wireless ? "wireless" : "wired") + " NIC");
}

Task<> setOrRemovePositive(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                           PropertyContent value) {
    const std::string node = nodeOf(*vm, property);
    const int number = std::get<int>(value);
    if (number <= 0) {
        if (context.db.exists(node))
            co_await context.db.remove(node);
        co_return;
    }
    if (context.db.readInt(node, 0) == number)
        co_return;
    co_await context.db.write(node, std::to_string(number));
    context.signals.vmConfigChanged(vm->uuid());
}

Task<> setPrintScreenAllowed(Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
                             PropertyContent value) {
    // Stored the other way round, as print-screen-disallowed; no signal, as ever.
    const std::string node = nodeOf(*vm, property);
    if (!std::get<bool>(value))
        co_await context.db.write(node, "true");
    else if (context.db.exists(node))
        co_await context.db.remove(node);
}

Task<> setSlot(Context& context, std::shared_ptr<Vm> vm, const VmProperty&, PropertyContent value) {
    co_await moveToSlot(context, vm, std::get<int>(value));
}

} // namespace xb::xenmgr::property_functions
