// SPDX-License-Identifier: Apache-2.0
// What sysfs and the backend nodes of pciback say (libxl's layout: backend/pci/DOMID/0/dev-N).
#include "toolstack/xenvm/pci_assignment.hpp"

#include "toolstack/libs/error.hpp"
#include "xen/pci_use.hpp"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <string>

namespace xb::xenvm {

namespace {

namespace fs = std::filesystem;

const std::string backends = "/local/domain/0/backend/pci";
constexpr std::string_view givingDriver = "pciback";
constexpr std::string_view bridgeClass =
    "0x06"; // base class of host, ISA and PCI bridges (PCI code and ID list)

std::string firstLine(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    return line;
}

// Which domain has which device.
Task<std::map<std::string, std::string>> assigned(xen::XenStore& store, int own) {
    std::map<std::string, std::string> owners;
    const auto domains = co_await store.list(backends);
    for (const auto& domid : domains) {
        if (domid == std::to_string(own))
            continue;
        const std::string home = backends + "/" + domid;
        const auto buses = co_await store.list(home);
        for (const auto& bus : buses) {
            const std::string node = home + "/" + bus;
            const auto names = co_await store.list(node);
            for (const auto& name : names) {
                if (!name.starts_with("dev-"))
                    continue;
                const auto address = co_await store.read(node + "/" + name);
                if (address)
                    owners[*address] = domid;
            }
        }
    }
    co_return owners;
}

void checkDevice(const xen::PciConfig& pci, const fs::path& system) {
    const std::string address = toString(pci.address);
    const fs::path device = system / "sys/bus/pci/devices" / address;
    std::error_code ignored; // what cannot be read is not there
    if (!fs::exists(device, ignored))
        throw Error(
            fmt::format("PCI device {} cannot be given to the VM: the host has no such device", address));
    if (firstLine(device / "class").starts_with(bridgeClass))
        throw Error(fmt::format(
            "PCI device {} cannot be given to the VM: it is a bridge, which the host needs", address));
    if (!fs::exists(system / "sys/bus/pci/drivers" / givingDriver, ignored))
        throw Error(
            fmt::format("PCI device {} cannot be given to the VM: the driver {} is not there; load it with "
                        "modprobe xen-pciback",
                        address, givingDriver));
    const std::string driver = fs::read_symlink(device / "driver", ignored).filename().string();
    if (driver == givingDriver)
        return;
    if (!pci.seize)
        throw Error(fmt::format(
            "PCI device {} cannot be given to the VM: it {}; say bind in its line, or make it "
            "assignable with xenops pci-bind {}",
            address, driver.empty() ? "was not made assignable" : "belongs to the driver " + driver,
            address));
    if (const std::string use = xen::useInControlDomain(pci.address, system); !use.empty())
        throw Error(fmt::format("PCI device {} cannot be given to the VM: {}", address, use));
}

} // namespace

Task<> checkPciDevices(xen::XenStore& store, std::vector<xen::PciConfig> devices, int own, fs::path system) {
    if (devices.empty())
        co_return;
    for (const xen::PciConfig& pci : devices)
        checkDevice(pci, system); // sysfs is memory: no thread is needed
    const auto owners = co_await assigned(store, own);
    for (const xen::PciConfig& pci : devices)
        if (const auto owner = owners.find(toString(pci.address)); owner != owners.end())
            throw Error(fmt::format("PCI device {} cannot be given to the VM: domain {} has it",
                                    toString(pci.address), owner->second));
}

} // namespace xb::xenvm
