// SPDX-License-Identifier: Apache-2.0
// dbd on the bus: com.citrix.xenclient.db and its extension org.xenbroker.db, both on the object /.
//
// Calls are answered in the order in which they came, but for those that read files or wait for the disk. Who
// watches a prefix hears of a change before its maker gets his answer; the maker himself does not hear of it.
#pragma once

#include "dbd/database.hpp"
#include "toolstack/libs/bus.hpp"
#include "xen/domain_uuids.hpp"

#include <string>

namespace xb::dbd {

/// The bus name of dbd.
inline constexpr auto serviceName = "com.citrix.xenclient.db";

/// How guests are told from dom0, and from each other.
struct CallerOptions {
    std::string proxyUser = defaultProxyUser;
    xen::HypervisorOptions hypervisor;
};

/// Everything on the bus but the name.
class Service {
public:
    Service(Bus& bus, FileSystem& fs, Store& store, Saver& saver, const CallerOptions& options);

    /// Tells of changes that came from files, not from a caller.
    void announceForeign() { database_.announceForeign(); }

private:
    xen::DomainUuids domains_;
    Database database_;
};

} // namespace xb::dbd
