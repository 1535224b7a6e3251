// SPDX-License-Identifier: Apache-2.0
// The objects /vm/<uuid_>/disk/<key> and /vm/<uuid_>/nic/<id>, and their coming and going. They follow the
// database: a disk or NIC that somebody adds or removes there gets or loses its object.
#pragma once

#include "idl/vm_disk_server.hpp"
#include "idl/vm_nic_server.hpp"
#include "xenmgr/context.hpp"
#include "xenmgr/devices.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>

namespace xb::xenmgr {

class Vm;

class DeviceObjects {
public:
    explicit DeviceObjects(Context& context) : context_(context) {}

    /// Makes the objects of a VM those that its configuration has.
    void refresh(const std::shared_ptr<Vm>& vm);
    /// Takes all objects of a VM off the bus.
    void removeAll(const std::shared_ptr<Vm>& vm);

    /// Adds a disk (next free key, first free hdX, type vhd, writable, no path) and its object.
    Task<ObjectPath> addDisk(std::shared_ptr<Vm> vm);
    /// Adds a NIC (next free id, the default network) and its object.
    Task<ObjectPath> addNic(std::shared_ptr<Vm> vm);
    /// Removes a disk with its object and, where nobody else has a use for it, its file.
    Task<> removeDisk(std::shared_ptr<Vm> vm, std::string id);
    Task<> removeNic(std::shared_ptr<Vm> vm, int id);

private:
    Context& context_;
    std::map<std::string, std::set<std::string>> exported_; ///< VM path -> object paths
};

/// Whether the disk's file is a VHD that no other disk of any VM uses and that is not marked as shared: it
/// goes with the disk.
bool isOnlyUser(const Db& db, const std::string& uuid, const Disk& disk);
/// Deletes a disk's file; what goes wrong is logged.
void removeDiskFile(const Context& context, const std::string& uuid, const std::string& path);

} // namespace xb::xenmgr
