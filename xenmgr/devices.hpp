// SPDX-License-Identifier: Apache-2.0
// A VM's disks and NICs as the database has them (/vm/<uuid>/config/disk/<n>, config/nic/<n>), read into
// plain values.
#pragma once

#include "xenmgr/context.hpp"

#include <optional>
#include <string>
#include <vector>

namespace xb::xenmgr {

struct Disk {
    std::string id; ///< key in the database
    std::string path;
    std::string type;    ///< file, phy, vhd, qcow, aio, raw, vdi
    std::string mode;    ///< r or w
    std::string device;  ///< hda, xvda ...
    std::string devtype; ///< disk or cdrom
    std::string snapshot;
    bool enabled = true;
    bool shared = false;

    bool isCdrom() const { return devtype == "cdrom"; }
    /// The empty drive of the classic configurations.
    bool isEmptyDrive() const;
    bool isWritable() const { return mode.find('w') != std::string::npos; }
};

struct Nic {
    std::string key; ///< key in the database
    int id = 0;
    std::string network;
    std::string mac; ///< empty: derived
    std::string model;
    std::string backendUuid;
    std::string backendName;
    bool enabled = true;
    bool wireless = false;
};

/// The NIC's network where none is configured.
/// The network that a name in a configuration means: some are of old.
std::string modernNetwork(const std::string& network);

inline constexpr auto defaultNetwork = "/wired/0/bridged";

std::vector<Disk> disksOf(const Db& db, const std::string& uuid);
std::optional<Disk> findDisk(const Db& db, const std::string& uuid, const std::string& id);
/// NICs in the order of their ids.
std::vector<Nic> nicsOf(const Db& db, const std::string& uuid);
std::optional<Nic> findNic(const Db& db, const std::string& uuid, int id);

std::string diskNode(const std::string& uuid, const std::string& id);
std::string nicNode(const std::string& uuid, const std::string& key);

/// Whether a key of the database can be the last element of an object path.
bool isPathElement(const std::string& key);

/// The address of a NIC: the configured one, or one derived from the NIC's id and the VM's UUID, the same at
/// every start, so that guests keep their leases.
std::string macOf(const Nic& nic, const std::string& uuid);

/// First free id from 0 for a new disk or NIC, given those there are.
int firstFreeId(const std::vector<std::string>& taken);

} // namespace xb::xenmgr
