// SPDX-License-Identifier: Apache-2.0
// The kernel's command line from the keys that classic Xen configurations have for its parts: root, extra,
// the network (ip, netmask, gateway, hostname, dhcp) and a root file system over NFS (nfs_server, nfs_root).
// Their form is Linux's (Documentation/admin-guide/nfs/nfsroot.rst). Pure.
#pragma once

#include "toolstack/xenvm/config.hpp"

#include <string>
#include <string_view>

namespace xb::xenvm {

/// cmdline, then ip=, root=, nfsroot= and extra, each if there is something to say. Throws xb::Error
/// (InvalidArgs) naming keys that contradict each other.
std::string kernelCommandLine(const Config& config);

/// The first key that is set of those above; empty: none.
std::string_view bootParameterOf(const Config& config);

/// Error texts (empty: fine). An address as 192.0.2.1; a name of letters, digits, dashes and dots; an
/// absolute path without blanks, which may have NFS options after a comma.
std::string checkIpv4(std::string_view text);
std::string checkHostname(std::string_view text);
std::string checkNfsPath(std::string_view text);

} // namespace xb::xenvm
