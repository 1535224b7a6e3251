// SPDX-License-Identifier: Apache-2.0
// From a VM's configuration to the description that the hypervisor layer builds a domain from. What cannot be
// honoured is an error that names it, where the guest would notice; the rest is listed. Pure but for what is
// passed in.
#pragma once

#include "toolstack/xenvm/config.hpp"
#include "xen/domain_config.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xb::xenvm {

/// What a domain gets of the host's CPUs, once it is there.
struct CpuShare {
    /// Numbers of CPUs that a virtual CPU may run on.
    std::map<unsigned, std::vector<unsigned>> affinity;
    std::optional<std::uint16_t> weight;
    std::optional<std::uint16_t> cap; ///< in hundredths of a CPU; 0: no limit

    bool operator==(const CpuShare&) const = default;
};

struct Translation {
    xen::DomainConfig domain;
    CpuShare cpus;
    /// Keys that are set and have no effect here; for the log.
    std::vector<std::string> ignored;
};

/// What the translation has to know of the machine.
struct MachineFacts {
    /// Directory that stands for / of all paths in the configuration but those of devices (/dev/...).
    std::filesystem::path root = "/";
    /// Names of the bridges of dom0, sorted.
    std::vector<std::string> bridges;
};

/// The description for `config`. Throws xb::Error naming the key and the reason.
Translation toDomainConfig(const Config& config, const std::string& uuid, const MachineFacts& machine);

/// One device of it. Throws as above.
xen::DiskConfig toDiskConfig(const DiskEntry& entry, const MachineFacts& machine);
xen::NicConfig toNicConfig(const NicEntry& entry, const MachineFacts& machine);
/// With the defaults that `config` has for such devices.
xen::PciConfig toPciConfig(const Config& config, const PciEntry& entry);

/// A file or device that a start needs.
struct NeededFile {
    std::string what; ///< "kernel", "disk xvda"
    std::string path;
    bool writable = false;
};

/// Kernel, initrd, those of the stub domain, and the media of dom0's disks.
std::vector<NeededFile> neededFiles(const xen::DomainConfig& domain);

/// The bridges of this machine, from sysfs.
std::vector<std::string> bridgesOfHost();

} // namespace xb::xenvm
