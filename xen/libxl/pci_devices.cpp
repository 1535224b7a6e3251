// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/pci_devices.hpp"

#include "xen/libxl/domain_config_builder.hpp"
#include "xen/libxl/domain_info.hpp"
#include "xen/pci_use.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace xb::xen {

namespace {

class Pci {
public:
    explicit Pci(const PciConfig& from) {
        libxl_device_pci_init(&value);
        DomainConfig owner; // only its name counts, in the text of an error
        owner.name = "that is to have it";
        translatePciDevice(owner, from, value);
    }
    explicit Pci(const PciAddress& address) : Pci(PciConfig{address}) {}
    Pci(const Pci&) = delete;
    Pci& operator=(const Pci&) = delete;
    ~Pci() { libxl_device_pci_dispose(&value); }
    libxl_device_pci value;
};

PciAddress addressOf(const libxl_device_pci& from) {
    return {static_cast<unsigned>(from.domain), from.bus, from.dev, from.func};
}

/// The list that libxl gives, freed by `release`.
template <void (*release)(libxl_device_pci*, int)>
class PciList {
public:
    template <class List>
    explicit PciList(List list) : devices_(list(&count_)) {}
    PciList(const PciList&) = delete;
    PciList& operator=(const PciList&) = delete;
    ~PciList() {
        if (devices_)
            release(devices_, count_);
    }
    const libxl_device_pci* begin() const { return devices_; }
    const libxl_device_pci* end() const { return devices_ ? devices_ + count_ : nullptr; }

private:
    int count_ = 0;
    libxl_device_pci* devices_;
};

void requireDomain(LibxlContext& libxl, DomId domid) {
    if (!queryDomainState(libxl, domid))
        throw Error(fmt::format("there is no {}", domainText(domid)));
}

void requireDevice(const PciAddress& address) {
    std::error_code ignored; // what cannot be read is not there
    if (!std::filesystem::exists("/sys/bus/pci/devices/" + toString(address), ignored))
        throw Error(fmt::format("the host has no PCI device {}", toString(address)));
}

// Without one libxl stops half way: the device is with pciback then, and libxl cannot give it back either.
void requireIommu(LibxlContext& libxl) {
    if (!queryHost(libxl).directIo)
        throw Error(
            "PCI devices of this host cannot be handed out: it has no IOMMU (VT-d or AMD-Vi is absent, or "
            "switched off in the firmware)");
}

void requireGivingDriver() {
    std::error_code ignored;
    if (!std::filesystem::exists("/sys/bus/pci/drivers/pciback", ignored))
        throw Error(
            "the driver pciback, which holds devices that may be handed out, is not there; load it with "
            "modprobe xen-pciback");
}

bool has(const std::vector<PciConfig>& devices, const PciAddress& address) {
    return std::ranges::find(devices, address, &PciConfig::address) != devices.end();
}

} // namespace

std::vector<PciConfig> queryPciDevices(LibxlContext& libxl, DomId domid) {
    requireDomain(libxl, domid);
    const PciList<libxl_device_pci_list_free> list(
        [&](int* count) { return libxl_device_pci_list(libxl.get(), domid, count); });
    std::vector<PciConfig> devices;
    for (const libxl_device_pci& each : list)
        devices.push_back({addressOf(each), each.permissive, each.msitranslate, each.power_mgmt, each.seize,
                           each.vdevfn >> 3U});
    return devices;
}

void plugPci(LibxlContext& libxl, DomId domid, const PciConfig& device) {
    if (has(queryPciDevices(libxl, domid), device.address))
        throw Error(fmt::format("{} has PCI device {} already", domainText(domid), toString(device.address)));
    requireDevice(device.address);
    requireIommu(libxl);
    requireGivingDriver();
    Pci made(device);
    libxl.log().clear();
    libxl.check(fmt::format("adding PCI device {} to {}", toString(device.address), domainText(domid)),
                libxl_device_pci_add(libxl.get(), domid, &made.value, nullptr));
}

void unplugPci(LibxlContext& libxl, DomId domid, const PciAddress& address, bool force) {
    if (!has(queryPciDevices(libxl, domid), address))
        throw Error(fmt::format("{} has no PCI device {}", domainText(domid), toString(address)));
    Pci device(address);
    libxl.log().clear();
    const int code = force ? libxl_device_pci_destroy(libxl.get(), domid, &device.value, nullptr)
                           : libxl_device_pci_remove(libxl.get(), domid, &device.value, nullptr);
    libxl.check(fmt::format("removing PCI device {} from {}", toString(address), domainText(domid)), code);
    // libxl calls it done where a PV guest without the driver never connected the backend.
    if (has(queryPciDevices(libxl, domid), address))
        throw Error(
            fmt::format("{} keeps PCI device {}: its guest has no driver (xen-pcifront) that could let go of "
                        "it; it comes back when the domain is destroyed",
                        domainText(domid), toString(address)));
}

std::vector<PciAddress> queryAssignableDevices(LibxlContext& libxl) {
    requireGivingDriver();
    const PciList<libxl_device_pci_assignable_list_free> list(
        [&](int* count) { return libxl_device_pci_assignable_list(libxl.get(), count); });
    std::vector<PciAddress> devices;
    for (const libxl_device_pci& each : list)
        devices.push_back(addressOf(each));
    return devices;
}

void makeDeviceAssignable(LibxlContext& libxl, const PciAddress& address) {
    requireDevice(address);
    if (const std::string use = useInControlDomain(address); !use.empty())
        throw Error(fmt::format("PCI device {} is not taken from its driver: {}", toString(address), use));
    requireIommu(libxl);
    requireGivingDriver();
    Pci device(address);
    libxl.log().clear();
    libxl.check(fmt::format("making PCI device {} assignable", toString(address)),
                libxl_device_pci_assignable_add(libxl.get(), &device.value, /*rebind*/ 1));
}

void makeDeviceUnassignable(LibxlContext& libxl, const PciAddress& address, bool rebind) {
    requireDevice(address);
    Pci device(address);
    libxl.log().clear();
    libxl.check(fmt::format("giving PCI device {} back", toString(address)),
                libxl_device_pci_assignable_remove(libxl.get(), &device.value, rebind ? 1 : 0));
}

} // namespace xb::xen
