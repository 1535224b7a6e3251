// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenvm/service.hpp"

#include "toolstack/libs/log.hpp"
#include "toolstack/libs/utf8.hpp"
#include "toolstack/xenvm/errors.hpp"
#include "toolstack/xenvm/text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace xb::xenvm {

namespace {

constexpr int acpiOff = 5;

// The methods that work, with their arguments.
constexpr const char* helpText =
    R"(quit                                   end the monitor, leave the domain as it is
start PAUSED                           build the domain and let it run
halt FORCED                            shut the guest down
reboot FORCED AUTO-START               shut the guest down, start it again
destroy                                take the domain down at once
pause, unpause                         stop its processors, let them run
suspend FILE LIVE                      save it to a file and take it down
checkpoint FILE LIVE                   save it to a file, it goes on
restore FILE PAUSED DELETE             build it from such a file
s3suspend SECONDS, s4suspend SECONDS   let the guest sleep, hibernate
trigger s3resume                       wake it from sleep
get_domid, get_stubdomid               numbers of its domains, -1 if none
get_status, get_acpi_state             life state, ACPI sleep state
get_console, get_vnc                   terminal of its console, port of its screen
read_config PATH                       read the configuration for the next start
get KEY, set KEY VALUE                 one key of it; get required-to-boot-kib
disk_list, nic_list                    its disks and NICs
disk_add PATH DEVICE TYPE MODE DEVTYPE add a disk, also to the running guest
pci_list, pci_add ID DOMAIN BUS SLOT FUNC BIND MSITRANSLATE POWER_MGMT   PCI devices of the host
pci_remove DDDD:BB:SS.F FORCE          take one away
disk_plug ENTRY, nic_plug ENTRY        as these two, written as in the configuration
disk_remove DEVICE FORCE               take it away
nic_add BRIDGE MAC MODEL               add a NIC, also to the running guest
nic_remove ID FORCE                    take it away
nic_set_link ID UP                     plug its cable in or out
nic_network_switch ID NETWORK          move it to another bridge
set_nic_backend_dom ID DOMID           move it to another backend domain
set_mem_target MIB, get_memory         memory that it is to use, that it uses
set_vcpus COUNT, list_vcpus            its virtual CPUs
set_affinity VCPU HARD SOFT            CPUs that one may and should run on
set_scheduling WEIGHT CAP, get_scheduling    its share of the CPUs
cd_insert_file, cd_insert_real DEVICE PATH   put a medium into a drive
cd_eject DEVICE                        empty a drive
help                                   this list
)";

// What the interface file says is what is thrown.
namespace declared = idl::xenvm::errorNames;
static_assert(std::string_view(declared::notEnoughMemory) == errorNames::notEnoughMemory);
static_assert(std::string_view(declared::badState) == errorNames::badState);
static_assert(std::string_view(declared::didNotShutDown) == errorNames::didNotShutDown);
static_assert(std::string_view(declared::alreadyCreated) == errorNames::alreadyCreated);
static_assert(std::string_view(declared::missingCapability) == errorNames::missingCapability);
static_assert(std::string_view(declared::noPvDriver) == errorNames::noPvDriver);

std::chrono::seconds sleepLimit(std::int32_t seconds) {
    constexpr std::int32_t longest = 3600;
    if (seconds < 0 || seconds > longest)
        throw Error(errors::invalidArgs,
                    fmt::format("timeout {} is not between 0 and {} seconds", seconds, longest));
    return std::chrono::seconds(seconds);
}

// The separators of an entry must not come from within an argument.
void requirePlain(const std::string& text, char separator, const char* what) {
    if (text.find(separator) != std::string::npos || !isPrintable(text))
        throw Error(errors::invalidArgs,
                    fmt::format("{} \"{}\" contains '{}' or control characters", what, text, separator));
}

const char* stateOf(const xen::VcpuInfo& vcpu) {
    if (!vcpu.online)
        return "offline";
    return vcpu.running ? "running" : vcpu.blocked ? "blocked" : "ready";
}

std::string cpusText(const std::vector<unsigned>& cpus) {
    return cpus.empty() ? "all" : fmt::format("{}", fmt::join(cpus, ","));
}

} // namespace

// ---- life

Task<> Service::quit(Caller caller) {
    log::info("asked to quit by {}", caller.uniqueName);
    quit_();
    co_return;
}

Task<> Service::destroy(Caller) {
    co_await vm_->destroy();
}

Task<> Service::halt(Caller, bool forced) {
    co_await vm_->halt(forced);
}

Task<> Service::reboot(Caller, bool forced, bool autoStart) {
    co_await vm_->reboot(forced, autoStart);
}

Task<> Service::start(Caller, bool paused) {
    co_await vm_->start(paused);
}

Task<> Service::pause(Caller) {
    co_await vm_->pause();
}

Task<> Service::unpause(Caller) {
    co_await vm_->unpause();
}

Task<> Service::suspend(Caller, std::string file, bool live) {
    co_await vm_->suspend(std::move(file), live);
}

Task<> Service::checkpoint(Caller, std::string file, bool live) {
    co_await vm_->checkpoint(std::move(file), live);
}

Task<> Service::restore(Caller, std::string file, bool paused, bool remove) {
    co_await vm_->restore(std::move(file), paused, remove);
}

Task<> Service::s3suspend(Caller, std::int32_t timeout) {
    co_await vm_->sleep(sleepLimit(timeout));
}

Task<> Service::s4suspend(Caller, std::int32_t timeout) {
    co_await vm_->hibernate(sleepLimit(timeout));
}

Task<> Service::trigger(Caller, std::string trigger) {
    if (trigger != "s3resume")
        throw Error(errors::invalidArgs,
                    fmt::format("there is no trigger \"{}\", only s3resume", printable(trigger, 64)));
    co_await vm_->wakeGuest();
}

// ---- queries

Task<std::int32_t> Service::getDomid(Caller) {
    co_return vm_->domid();
}

Task<std::int32_t> Service::getStubdomid(Caller) {
    if (vm_->domid() < 0)
        co_return -1;
    const std::string node = fmt::format("/local/domain/{}/image/device-model-domid", vm_->domid());
    const auto text = co_await vm_->hypervisor().store().read(node);
    const auto number = parseInteger(text.value_or(""));
    co_return number&&* number > 0 ? static_cast<std::int32_t>(*number) : -1;
}

Task<std::string> Service::getStatus(Caller) {
    co_return std::string(toString(vm_->state()));
}

Task<std::int32_t> Service::getAcpiState(Caller) {
    if (vm_->domid() < 0)
        co_return acpiOff;
    const auto domid = static_cast<xen::DomId>(vm_->domid());
    try {
        co_return co_await vm_->hypervisor().acpiState(domid);
    } catch (const Error& e) {
        log::warn("the ACPI state of domain {} is not known: {}", domid, e.what());
    }
    co_return acpiOff;
}

Task<std::string> Service::getConsole(Caller) {
    if (vm_->domid() < 0)
        co_return std::string();
    const auto domid = static_cast<xen::DomId>(vm_->domid());
    try {
        co_return co_await vm_->hypervisor().consoleTty(domid);
    } catch (const Error& e) {
        log::debug("domain {} has no console: {}", domid, e.what());
    }
    co_return std::string();
}

// libxl writes what the device model told it.
Task<std::string> Service::getVnc(Caller) {
    if (vm_->domid() < 0)
        co_return std::string();
    const std::string node = fmt::format("/local/domain/{}/console/vnc-port", vm_->domid());
    const auto text = co_await vm_->hypervisor().store().read(node);
    const auto port = parseInteger(text.value_or(""));
    if (!port || *port <= 0 || *port > UINT16_MAX)
        co_return std::string();
    co_return std::to_string(*port);
}

Task<std::string> Service::help(Caller) {
    co_return std::string(helpText);
}

// ---- configuration

Task<> Service::readConfig(Caller, std::string path) {
    vm_->config().read(path);
    co_return;
}

Task<std::string> Service::get(Caller, std::string field) {
    if (field == "required-to-boot-kib") {
        const std::uint64_t needed = co_await vm_->memoryToStart();
        co_return std::to_string(needed);
    }
    co_return vm_->config().get(field);
}

Task<> Service::set(Caller, std::string field, std::string value) {
    vm_->config().set(field, value);
    co_return;
}

Task<> Service::diskAdd(Caller, std::string path, std::string device, std::string type, std::string mode,
                        std::string devtype) {
    for (const std::string& part : {path, device, type, mode, devtype})
        requirePlain(part, ':', "disk argument");
    auto entry = fmt::format("{}:{}:{}:{}:{}:", path, type, device, mode, devtype);
    co_await vm_->addDisk(std::move(entry));
}

Task<> Service::nicAdd(Caller, std::string bridge, std::string mac, std::string model) {
    for (const std::string& part : {bridge, mac, model})
        requirePlain(part, ',', "NIC argument");
    auto entry = fmt::format("bridge={},mac={},model={}", bridge, mac, model);
    co_await vm_->addNic(std::move(entry));
}

Task<std::vector<StringMap>> Service::diskList(Caller) {
    std::vector<StringMap> list;
    const auto disks = co_await vm_->disks();
    for (const DiskEntry& disk : disks)
        list.push_back({{"path", disk.path},
                        {"device", disk.device},
                        {"type", disk.type},
                        {"mode", disk.writable ? "w" : "r"},
                        {"devtype", disk.cdrom ? "cdrom" : "disk"}});
    co_return list;
}

Task<std::vector<StringMap>> Service::nicList(Caller) {
    std::vector<StringMap> list;
    const auto nics = co_await vm_->nics();
    for (const NicEntry& nic : nics)
        list.push_back({{"id", std::to_string(nic.id)},
                        {"network", nic.network.empty() ? nic.bridge : nic.network},
                        {"mac", nic.mac},
                        {"model", nic.model.empty() ? "rtl8139" : nic.model}});
    co_return list;
}

// ---- devices of the running guest

Task<> Service::diskPlug(Caller, std::string entry) {
    requirePlain(entry, '\n', "disk entry");
    co_await vm_->addDisk(std::move(entry));
}

Task<> Service::nicPlug(Caller, std::string entry) {
    requirePlain(entry, '\n', "NIC entry");
    co_await vm_->addNic(std::move(entry));
}

Task<> Service::diskRemove(Caller, std::string device, bool force) {
    co_await vm_->removeDisk(std::move(device), force);
}

Task<> Service::nicRemove(Caller, std::int32_t id, bool force) {
    co_await vm_->removeNic(id, force);
}

Task<> Service::nicSetLink(Caller, std::int32_t id, bool up) {
    co_await vm_->setNicLink(id, up);
}

Task<> Service::cdEject(Caller, std::string virtpath) {
    co_await vm_->changeMedium(std::move(virtpath), "");
}

Task<> Service::cdInsertFile(Caller, std::string virtpath, std::string physpath) {
    requirePlain(physpath, ':', "path");
    if (physpath.empty())
        throw Error(errors::invalidArgs, "no path of an image is given; cd_eject empties the drive");
    co_await vm_->changeMedium(std::move(virtpath), std::move(physpath));
}

Task<> Service::cdInsertReal(Caller, std::string virtpath, std::string physpath) {
    requirePlain(physpath, ':', "path");
    if (!physpath.starts_with("/dev/"))
        throw Error(errors::invalidArgs, fmt::format("{} is not a device of this machine (/dev/...); "
                                                     "cd_insert_file takes images",
                                                     physpath));
    co_await vm_->changeMedium(std::move(virtpath), std::move(physpath));
}

Task<> Service::nicNetworkSwitch(Caller, std::int32_t id, std::string network) {
    requirePlain(network, ',', "network");
    co_await vm_->switchNetwork(id, std::move(network));
}

Task<> Service::setNicBackendDom(Caller, std::int32_t id, std::int32_t domid) {
    co_await vm_->setNicBackend(id, domid);
}

// ---- PCI devices

Task<> Service::pciAdd(Caller, std::int32_t id, std::int32_t domain, std::int32_t bus, std::int32_t slot,
                       std::int32_t func, bool bind, bool msitranslate, bool powerMgmt) {
    for (const std::int32_t number : {id, domain, bus, slot, func})
        if (number < 0)
            throw Error(errors::invalidArgs,
                        fmt::format("{} is no part of a PCI address, and no id", number));
    auto entry = fmt::format("{}{},{:04x}:{:02x}:{:02x}.{:x},msitranslate={:d},power_mgmt={:d}", id,
                             bind ? ",bind" : "", domain, bus, slot, func, msitranslate, powerMgmt);
    co_await vm_->addPci(std::move(entry));
}

Task<> Service::pciRemove(Caller, std::string address, bool force) {
    requirePlain(address, ',', "PCI address");
    co_await vm_->removePci(std::move(address), force);
}

Task<std::vector<StringMap>> Service::pciList(Caller) {
    std::vector<StringMap> list;
    const auto devices = co_await vm_->pciDevices();
    for (const xen::PciConfig& device : devices)
        list.push_back({{"domain", std::to_string(device.address.domain)},
                        {"bus", std::to_string(device.address.bus)},
                        {"slot", std::to_string(device.address.device)},
                        {"func", std::to_string(device.address.function)},
                        {"bind", device.seize ? "true" : "false"},
                        {"msitranslate", device.msiTranslate ? "true" : "false"},
                        {"power-mgmt", device.powerManagement ? "true" : "false"},
                        {"guest-slot", device.guestSlot == 0 ? "" : std::to_string(device.guestSlot)}});
    co_return list;
}

// ---- properties

Task<std::string> Service::getState(Caller) {
    co_return std::string(toString(vm_->state()));
}

Task<std::int32_t> Service::getDomid2(Caller) {
    co_return vm_->domid();
}

Task<std::string> Service::getLastError(Caller) {
    co_return vm_->lastError();
}

// ---- memory, virtual CPUs, scheduling

Task<> Service::setMemTarget(Caller, std::int32_t mb) {
    return vm_->setMemoryTarget(mb);
}

Task<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>> Service::getMemory(Caller) {
    const auto memory = co_await vm_->memoryTarget();
    co_return std::tuple{memory.targetKib, memory.currentKib, memory.maxKib};
}

Task<> Service::setVcpus(Caller, std::int32_t count) {
    return vm_->setOnlineVcpus(count);
}

Task<> Service::setScheduling(Caller, std::int32_t weight, std::int32_t cap) {
    return vm_->setScheduling(weight, cap);
}

Task<std::tuple<std::int32_t, std::int32_t>> Service::getScheduling(Caller) {
    const auto parameters = co_await vm_->scheduling();
    co_return std::tuple<std::int32_t, std::int32_t>{parameters.weight, parameters.cap};
}

Task<std::vector<StringMap>> Service::listVcpus(Caller) {
    std::vector<StringMap> list;
    const auto vcpus = co_await vm_->vcpus();
    for (const xen::VcpuInfo& vcpu : vcpus)
        list.push_back({{"vcpu", std::to_string(vcpu.number)},
                        {"cpu", std::to_string(vcpu.cpu)},
                        {"state", stateOf(vcpu)},
                        {"seconds", fmt::format("{:.1f}", static_cast<double>(vcpu.timeNs) / 1e9)},
                        {"hard-affinity", cpusText(vcpu.hardAffinity)},
                        {"soft-affinity", cpusText(vcpu.softAffinity)}});
    co_return list;
}

Task<> Service::setAffinity(Caller, std::int32_t vcpu, std::vector<std::int32_t> hard,
                            std::vector<std::int32_t> soft) {
    return vm_->setAffinity(vcpu, std::move(hard), std::move(soft));
}

} // namespace xb::xenvm
