// SPDX-License-Identifier: Apache-2.0
// All VMs with some of their properties: in one call where xenmgr knows org.xenbroker.xenmgr, with many calls
// in flight where it does not. And what is made of them: the selection of one VM, and the table.
#pragma once

#include "toolstack/xec/client.hpp"
#include "toolstack/xec/options.hpp"

#include <map>
#include <string>
#include <vector>

namespace xb::xec {

inline constexpr auto xenmgrService = "com.citrix.xenclient.xenmgr";
inline constexpr auto xenmgrInterface = "com.citrix.xenclient.xenmgr";
inline constexpr auto vmInterface = "com.citrix.xenclient.xenmgr.vm";

/// Calls in flight at a time where properties are read one by one; the system bus allows 128 per connection.
inline constexpr std::size_t callsInFlight = 64;

/// A VM's object and those of the wanted properties that could be read.
struct Vm {
    std::string path;
    std::map<std::string, Value> properties;

    /// The property's text; empty if it could not be read.
    std::string text(const std::string& property) const;
    /// The domain number; -1 for a VM that does not run.
    std::int64_t domid() const;
};

/// All VMs in the order of list_vms. Throws xb::Error that names what could not be read.
Task<std::vector<Vm>> readVms(Client& client, std::vector<std::string> properties);

/// The object that the selector and -k, -c stand for: path, name, uuid, domid, in this order; the first VM
/// that matches. Throws UsageError if there is none.
Task<std::string> selectObject(Client& client, VmOptions options);

/// The table of all VMs, or its JSON form.
Task<std::string> showTable(Client& client, VmOptions options);
/// The names of all VMs, one per line.
Task<std::string> listNames(Client& client);

/// The table: running VMs by domid, then stopped ones, which have no ID. Control characters in names, which
/// could play tricks with a terminal, are shown as '?'.
std::string printTable(std::vector<Vm> vms);
std::string printTableJson(std::vector<Vm> vms, JsonStyle style);

} // namespace xb::xec
