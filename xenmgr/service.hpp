// SPDX-License-Identifier: Apache-2.0
// xenmgr put together: the database mirror, the VMs and their monitors, and the objects on the bus.
#pragma once

#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/guest_callers.hpp"
#include "xenmgr/context.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/device_objects.hpp"
#include "xenmgr/manager_objects.hpp"
#include "xenmgr/vm_factory.hpp"
#include "xenmgr/vm_registry.hpp"
#include "xenmgr/xenvm_links.hpp"

#include <memory>

namespace xb::xenmgr {

/// The bus name of xenmgr.
inline constexpr auto serviceName = "com.citrix.xenclient.xenmgr";

class Service {
public:
    Service(Bus& bus, Settings settings);

    /// Reads the database, exports all VMs, adopts those that run, and owns the bus name: the service is
    /// complete when this is done.
    Task<> start();

private:
    Task<> adoptAll();
    Task<> adoptOne(std::shared_ptr<Vm> vm);
    static Task<> dismiss(std::shared_ptr<Vm> vm);
    void databaseChanged(const std::string& path);
    void vmNodeChanged(const std::string& uuid);
    void exportAll();
    void exportManager();
    Task<> admit(std::string caller);

    Bus& bus_;
    Settings settings_;
    std::unique_ptr<xen::Hypervisor> hypervisor_;
    GuestCallers callers_;
    Db db_;
    XenvmLinks links_;
    VmRegistry vms_;
    AsyncMutex slots_;
    std::shared_ptr<ManagerObject> manager_;
    Context context_;
    DeviceObjects devices_;
    VmFactory factory_;
};

} // namespace xb::xenmgr
