// SPDX-License-Identifier: Apache-2.0
// Sub-commands on devices of live domains, and on PCI devices that may be handed out.
#include "toolstack/libs/mac_address.hpp"
#include "toolstack/xenops/commands.hpp"
#include "toolstack/xenops/device_words.hpp"
#include "toolstack/xenops/domain_table.hpp"
#include "toolstack/xenops/words.hpp"

#include <algorithm>
#include <array>

namespace xb::xenops {

namespace {

constexpr int devidLimit = 4096;

Task<DomainNames> namesOf(xen::Hypervisor& hypervisor) {
    DomainNames names;
    const auto domains = co_await hypervisor.domains();
    for (const auto& info : domains)
        names.emplace(info.name, info.domid);
    co_return names;
}

const char* stateText(int state) {
    static constexpr std::array names{"Unknown", "Initialising", "InitWait",      "Initialised", "Connected",
                                      "Closing", "Closed",       "Reconfiguring", "Reconfigured"};
    return state >= 0 && static_cast<std::size_t>(state) < names.size()
               ? names[static_cast<std::size_t>(state)]
               : "?";
}

// ---- disks

Task<> blockAttach(Context& context) {
    const auto info = co_await theDomain(context);
    std::string text = context.arguments.take("DISK");
    // As xl has it: the parts may be words of their own.
    while (auto more = context.arguments.takeIfThere())
        text += "," + *more;
    const auto names = co_await namesOf(context.hypervisor);
    Warnings warnings;
    const auto disk = parseDisk(text, names, warnings);
    for (const auto& warning : warnings)
        context.warn(warning);
    co_await context.hypervisor.addDisk(info.domid, disk);
}

Task<> blockDetach(Context& context) {
    const auto info = co_await theDomain(context);
    const std::string vdev = context.arguments.take("VDEV");
    co_await context.hypervisor.removeDisk(info.domid, vdev, context.arguments.has("force"));
}

Task<> blockList(Context& context) {
    const auto info = co_await theDomain(context);
    const auto disks = co_await context.hypervisor.disks(info.domid);
    std::vector<std::vector<std::string>> table{{"Vdev", "BE", "Mode", "State", "Type", "Path"}};
    for (const auto& disk : disks)
        table.push_back({disk.config.vdev, fmt::format("{}", disk.config.backendDomid),
                         disk.config.writable ? "w" : "r", stateText(disk.state),
                         disk.config.cdrom ? "cdrom" : "disk",
                         disk.config.path.empty() ? "-" : disk.config.path});
    context.out += alignedTable(table);
}

xen::DiskConfig classicDisk(const Arguments& arguments) {
    xen::DiskConfig disk;
    const auto mode = arguments.text("mode").value_or("r");
    if (mode != "r" && mode != "w")
        throw notValid("mode", "it is r or w");
    disk.writable = mode == "w";
    disk.backend = diskBackend(arguments.text("phystype").value_or("file"), "phystype");
    disk.path = arguments.required("physpath");
    disk.vdev = arguments.required("virtpath");
    const auto type = arguments.text("devtype").value_or("disk");
    if (type != "disk" && type != "cdrom")
        throw notValid("devtype", "it is disk or cdrom");
    disk.cdrom = type == "cdrom";
    disk.backendDomid =
        static_cast<xen::DomId>(arguments.number("backend-domid", 0, domidLimit - 1).value_or(0));
    return disk;
}

Task<> addVbd(Context& context) {
    const auto disk = classicDisk(context.arguments);
    const auto info = co_await theGuest(context);
    co_await context.hypervisor.addDisk(info.domid, disk);
}

// What is not there cannot be forced either; what the guest does not let go is.
Task<> delVbd(Context& context) {
    const std::string vdev = context.arguments.required("virtpath");
    const auto info = co_await theGuest(context);
    bool force = false;
    try {
        co_await context.hypervisor.removeDisk(info.domid, vdev, false);
    } catch (const Error& e) {
        if (e.name() == errors::notSupported)
            throw;
        context.warn(fmt::format("{}: forced", e.what()));
        force = true;
    }
    if (force)
        co_await context.hypervisor.removeDisk(info.domid, vdev, true);
}

// ---- network cards

Task<int> freeDevid(xen::Hypervisor& hypervisor, xen::DomId domid) {
    const auto nics = co_await hypervisor.nics(domid);
    int devid = 0;
    while (std::ranges::any_of(nics, [&](const auto& nic) { return nic.config.devid == devid; }))
        ++devid;
    co_return devid;
}

Task<> networkAttach(Context& context) {
    const auto info = co_await theDomain(context);
    std::string text = context.arguments.takeIfThere().value_or("");
    while (auto more = context.arguments.takeIfThere())
        text += "," + *more;
    const auto names = co_await namesOf(context.hypervisor);
    const int devid = co_await freeDevid(context.hypervisor, info.domid);
    const auto nic = parseNic(text, devid, info.uuid, names);
    co_await context.hypervisor.addNic(info.domid, nic);
}

int devidOf(const std::string& word) {
    return static_cast<int>(numberWithin(word, "devid", 0, devidLimit));
}

// By number or address.
Task<> networkDetach(Context& context) {
    const auto info = co_await theDomain(context);
    const std::string word = context.arguments.take("DEVID|MAC");
    int devid = -1;
    if (isMacAddress(word)) {
        const auto nics = co_await context.hypervisor.nics(info.domid);
        for (const auto& nic : nics)
            if (nic.config.mac == word)
                devid = nic.config.devid;
        if (devid < 0)
            throw Error(fmt::format("{} has no network card {}", domainText(info), word));
    } else {
        devid = devidOf(word);
    }
    co_await context.hypervisor.removeNic(info.domid, devid, context.arguments.has("force"));
}

Task<> networkList(Context& context) {
    const auto info = co_await theDomain(context);
    const auto nics = co_await context.hypervisor.nics(info.domid);
    std::vector<std::vector<std::string>> table{{"Idx", "BE", "MAC", "State", "Bridge"}};
    for (const auto& nic : nics)
        table.push_back({fmt::format("{}", nic.config.devid), fmt::format("{}", nic.config.backendDomid),
                         nic.config.mac, stateText(nic.state),
                         nic.config.bridge.empty() ? "-" : nic.config.bridge});
    context.out += alignedTable(table);
}

Task<> addVif(Context& context) {
    const auto& arguments = context.arguments;
    xen::NicConfig nic;
    const auto netty = arguments.text("netty").value_or("bridge:xenbr0");
    if (netty.starts_with("bridge:"))
        nic.bridge = netty.substr(netty.find(':') + 1);
    else if (netty != "DriverDomain")
        throw notValid("netty", "it is bridge:NAME or DriverDomain");
    nic.backendDomid =
        static_cast<xen::DomId>(arguments.number("backend-domid", 0, domidLimit - 1).value_or(0));
    const auto wanted = arguments.number("devid", 0, devidLimit);
    const auto mac = arguments.text("mac");
    if (mac && !isMacAddress(*mac))
        throw notValid("mac", "an address is written as 00:16:3e:01:02:03");
    const auto info = co_await theGuest(context);
    if (wanted)
        nic.devid = static_cast<int>(*wanted);
    else
        nic.devid = co_await freeDevid(context.hypervisor, info.domid);
    nic.mac = mac ? *mac : generatedMac(info.uuid, nic.devid);
    co_await context.hypervisor.addNic(info.domid, nic);
}

Task<> delVif(Context& context) {
    const auto devid = static_cast<int>(context.arguments.requiredNumber("devid", 0, devidLimit));
    const auto info = co_await theGuest(context);
    bool force = false;
    try {
        co_await context.hypervisor.removeNic(info.domid, devid, false);
    } catch (const Error& e) {
        if (e.name() == errors::notSupported)
            throw;
        context.warn(fmt::format("{}: forced", e.what()));
        force = true;
    }
    if (force)
        co_await context.hypervisor.removeNic(info.domid, devid, true);
}

// ---- PCI devices

std::vector<xen::PciAddress> addresses(Context& context) {
    std::vector<xen::PciAddress> result;
    std::string words =
        context.arguments.has("pci") ? context.arguments.required("pci") : context.arguments.take("DEVICE");
    while (auto more = context.arguments.takeIfThere())
        words += "," + *more;
    for (const std::string& word : splitWords(words, ','))
        result.push_back(parsePciAddress(word, "pci"));
    return result;
}

Task<> addPci(Context& context) {
    const auto info = co_await theGuest(context);
    for (const auto& address : addresses(context)) {
        xen::PciConfig device;
        device.address = address;
        device.permissive = context.arguments.has("permissive");
        co_await context.hypervisor.addPci(info.domid, device);
        context.print("{}", pciText(address));
    }
}

Task<> delPci(Context& context) {
    const auto info = co_await theGuest(context);
    for (const auto& address : addresses(context)) {
        co_await context.hypervisor.removePci(info.domid, address, context.arguments.has("force"));
        context.print("{}", pciText(address));
    }
}

Task<> pciList(Context& context) {
    const auto info = co_await theDomain(context);
    const auto devices = co_await context.hypervisor.pciDevices(info.domid);
    for (const auto& device : devices)
        context.print("{}{}", pciText(device.address), device.permissive ? " permissive" : "");
}

Task<> bindPci(Context& context) {
    for (const auto& address : addresses(context))
        co_await context.hypervisor.makeAssignable(address);
}

Task<> unbindPci(Context& context) {
    for (const auto& address : addresses(context))
        co_await context.hypervisor.makeUnassignable(address, !context.arguments.has("keep-unbound"));
}

Task<> assignableList(Context& context) {
    const auto devices = co_await context.hypervisor.assignableDevices();
    for (const auto& address : devices)
        context.print("{}", pciText(address));
}

// ---- all of them

// The frontend's side of a device, as the guest says.
Task<std::string> frontendState(xen::Hypervisor& hypervisor, xen::DomId domid, std::string kind,
                                std::string devid) {
    const auto node = fmt::format("/local/domain/{}/device/{}/{}/state", domid, kind, devid);
    const auto value = co_await hypervisor.store().read(node);
    co_return value.value_or("-");
}

// Each line: kind[devid], the frontend's state, the backend's domain, kind, number, name and state.
Task<> listDevices(Context& context) {
    const auto info = co_await theDomain(context);
    auto& store = context.hypervisor.store();
    const auto home = fmt::format("/local/domain/{}/device", info.domid);
    const auto kinds = co_await store.list(home);
    for (const std::string& kind : kinds) {
        const auto devids = co_await store.list(home + "/" + kind);
        for (const std::string& devid : devids) {
            const auto backend = co_await store.read(fmt::format("{}/{}/{}/backend", home, kind, devid));
            if (!backend)
                continue; // no device, as what is below suspend
            const auto state = co_await frontendState(context.hypervisor, info.domid, kind, devid);
            const auto backendDomid =
                co_await store.read(fmt::format("{}/{}/{}/backend-id", home, kind, devid));
            const auto name = co_await store.read(*backend + "/dev");
            const auto backendState = co_await store.read(*backend + "/state");
            context.print("{}[{}] {} | {} {} {} {} {}", kind, devid, state, backendDomid.value_or("-"), kind,
                          devid, name.value_or("-"), backendState.value_or("-"));
        }
    }
}

Task<> addDm(Context&) {
    throw Error(errors::notSupported,
                "a device model is not started by itself: libxl starts qemu when it makes an HVM domain "
                "(xenops create FILE)");
}

} // namespace

std::vector<SubCommand> deviceCommands() {
    const Flag force{"force", "", "without the guest's consent"};
    const Flag backend{"backend-domid", "N", "the domain of the backend (0)"};
    const Flag devid{"devid", "N", "the card's number"};
    const Flag pci{"pci", "DEVICE[,DEVICE]", "DDDD:BB:SS.F, as the operand"};
    const std::vector<Flag> disk{domidFlag,
                                 {"mode", "r|w", "read only (default) or writable"},
                                 {"phystype", "TYPE", "file (default), phy, qcow, vhd or aio"},
                                 {"physpath", "PATH", "the file or device"},
                                 {"virtpath", "VDEV", "what the guest sees: xvda, hda"},
                                 {"devtype", "TYPE", "disk (default) or cdrom"},
                                 backend};
    return {
        {"block-attach",
         {"disk-attach"},
         "DOMAIN DISK...",
         {domidFlag},
         "adds a disk, as in disk=[]",
         blockAttach},
        {"block-detach", {"disk-detach"}, "DOMAIN VDEV", {domidFlag, force}, "takes it away", blockDetach},
        {"block-list", {}, "DOMAIN", {domidFlag}, "its disks", blockList},
        {"network-attach",
         {},
         "DOMAIN [VIF...]",
         {domidFlag},
         "adds a network card, as in vif=[]",
         networkAttach},
        {"network-detach", {}, "DOMAIN DEVID|MAC", {domidFlag, force}, "takes it away", networkDetach},
        {"network-list", {}, "DOMAIN", {domidFlag}, "its network cards", networkList},
        {"add_vbd", {"disk-add"}, "DOMAIN", disk, "adds a disk", addVbd},
        {"del_vbd", {}, "DOMAIN", disk, "takes it away, with force if need be", delVbd},
        {"add_vif",
         {},
         "DOMAIN",
         {domidFlag,
          devid,
          {"mac", "ADDRESS", "generated by default"},
          {"netty", "TYPE", "bridge:NAME (bridge:xenbr0) or DriverDomain"},
          backend},
         "adds a network card",
         addVif},
        {"del_vif",
         {},
         "DOMAIN",
         {domidFlag, devid, backend},
         "takes it away, with force if need be",
         delVif},
        {"add_pci",
         {"pci-attach"},
         "DOMAIN [DEVICE...]",
         {domidFlag, pci, devid, {"permissive", "", "the guest may write all of its configuration"}},
         "hands PCI devices to a domain",
         addPci},
        {"del_pci",
         {"pci-detach"},
         "DOMAIN [DEVICE...]",
         {domidFlag, pci, devid, force},
         "takes them back",
         delPci},
        {"pci-list", {}, "DOMAIN", {domidFlag}, "those that it has", pciList},
        {"bind_pci",
         {"pci-bind", "pci-assignable-add"},
         "[DEVICE...]",
         {pci},
         "takes PCI devices from their drivers, to be handed out",
         bindPci},
        {"pci-unbind",
         {"pci-assignable-remove"},
         "[DEVICE...]",
         {pci, {"keep-unbound", "", "do not give them back to their drivers"}},
         "gives them back",
         unbindPci},
        {"pci-assignable-list", {}, "", {}, "those that may be handed out", assignableList},
        {"list_devices",
         {},
         "DOMAIN",
         {domidFlag},
         "every device, with the states of both ends",
         listDevices},
        {"add_dm", {}, "DOMAIN", {domidFlag}, "not supported: create starts the device model", addDm},
    };
}

} // namespace xb::xenops
