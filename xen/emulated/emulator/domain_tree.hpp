// SPDX-License-Identifier: Apache-2.0
// What xenstore holds of a domain, written and removed as libxl does it: the home with its permissions, /vm,
// /libxl, the console and the two halves of each device. Functions on a xenstore connection, nothing kept. A
// guest may write only the leaves that libxl lets it write.
#pragma once

#include "xen/xenstore_client.hpp"

#include <string>
#include <vector>

namespace xb::xen::emulated {

std::string domainPath(DomId domid);
/// "/local/domain/0/backend/vbd/5/51712"
std::string backendPath(const std::string& kind, DomId frontend, std::uint32_t devid);
std::string frontendPath(const std::string& kind, DomId frontend, std::uint32_t devid);

/// A device of a domain by class and number.
struct DeviceId {
    std::string kind; ///< vbd or vif
    std::uint32_t devid = 0;
};
DeviceId deviceIdOf(const DiskConfig& disk);
DeviceId deviceIdOf(const NicConfig& nic);
std::vector<DeviceId> devicesOf(const DomainConfig& config);

/// Writes the home of domain 0.
Task<> writeControlDomain(XenStoreClient& store);
/// Writes everything of a new domain but its devices, and introduces it to xenstored.
Task<> writeDomain(XenStoreClient& store, DomId domid, DomainConfig config, std::string tty);
/// Writes both halves of all its devices, in state 1: their backends see them and start.
Task<> writeDevices(XenStoreClient& store, DomId domid, DomainConfig config);
/// Writes both halves of one device, in state 1.
Task<> writeDisk(XenStoreClient& store, DomId domid, DiskConfig disk);
Task<> writeNic(XenStoreClient& store, DomId domid, DomainType type, NicConfig nic);
/// Removes both halves of a device.
Task<> removeDevice(XenStoreClient& store, DomId domid, DeviceId id);
/// Removes everything of a domain.
Task<> removeDomain(XenStoreClient& store, DomId domid, std::string uuid);

} // namespace xb::xen::emulated
