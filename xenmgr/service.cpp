// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/service.hpp"

#include "idl/xenmgr_host_server.hpp"
#include "toolstack/control/control.hpp"
#include "toolstack/libs/daemon.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xenmgr/config_objects.hpp"
#include "xenmgr/host_object.hpp"
#include "xenmgr/power_settings_object.hpp"
#include "xenmgr/unsupported.hpp"
#include "xenmgr/vm.hpp"

#include <filesystem>

namespace xb::xenmgr {

Service::Service(Bus& bus, Settings settings)
    : bus_(bus), settings_(std::move(settings)),
      hypervisor_(xen::openHypervisor(bus.loop().executor(), settings_.hypervisor)),
      callers_(bus, settings_.proxyUser, nullptr), db_(bus), links_(bus, settings_),
      slots_(bus.loop().executor()),
      manager_(std::make_shared<ManagerObject>(bus.loop().executor())), context_{bus_,         settings_,
                                                                                 db_,          *manager_,
                                                                                 *hypervisor_, links_,
                                                                                 vms_,         slots_},
      devices_(context_), factory_(context_, devices_, Templates(settings_.templates)) {
    manager_->connect(context_, factory_);
    makeDirectories(settings_.runDirectory, 0700);
}

Task<> Service::start() {
    XenvmLinks::Listener listener;
    listener.stateChanged = [this](const std::string& uuid, const std::string& state, int domid) {
        auto vm = vms_.find(uuid);
        if (!vm)
            return;
        vm->stateReported(state, domid);
        if (!isRunning(vm->state()) && !db_.exists(vmNode(uuid)))
            vmNodeChanged(uuid); // removed while it ran
    };
    listener.error = [this](const std::string& uuid, const std::string& text) {
        if (auto vm = vms_.find(uuid))
            vm->errorReported(text);
    };
    listener.timeOffsetChanged = [this](const std::string& uuid, int seconds) {
        if (auto vm = vms_.find(uuid))
            vm->timeOffsetReported(seconds);
    };
    listener.gone = [this](const std::string& uuid) {
        if (auto vm = vms_.find(uuid))
            vm->monitorGone();
    };
    links_.setListener(std::move(listener));
    db_.onForeignChange([this](const std::string& path) { databaseChanged(path); });
    co_await db_.start();
    exportManager();
    exportAll();
    co_await adoptAll();
    bus_.requestName(serviceName);
    notifyReady();
    log::info("{} VMs; serving {} on the bus", vms_.all().size(), serviceName);
}

void Service::exportManager() {
    auto& objects = bus_.objects();
    // A caller finds what was in the database when he called: also a VM that somebody put there just before.
    objects.setGuard([this](const Message& call) {
        std::string caller = call.sender();
        if (callers_.isDom0(caller))
            return db_.fresh();
        return admit(std::move(caller));
    });
    objects.add("/", manager_);
    objects.add("/", std::make_shared<ConfigObject>(context_));
    objects.add("/", std::make_shared<ConfigUiObject>(context_));
    objects.add("/", unsupported<idl::xenmgr::XenmgrDiagServer>());
    objects.add("/", unsupported<idl::xenmgr::XenmgrGuestreqServer>());
    objects.add("/", unsupported<idl::xenmgr::XenmgrTestingServer>());
    objects.add("/", std::make_shared<UnrestrictedManagerObject>(factory_));
    objects.add("/", std::make_shared<PolicyObject>(context_));
    objects.add("/", std::make_shared<ManagerExtensionObject>(context_));
    objects.add("/host", std::make_shared<HostObject>(context_));
    objects.add("/host", unsupported<idl::xenmgr_host::XenmgrInstallerServer>());
    objects.add("/host", std::make_shared<PowerSettingsObject>(context_));
    exportControl(bus_);
}

// What guests may call is decided by rpc-proxy's rules; here only that somebody stands behind its connection.
Task<> Service::admit(std::string caller) {
    co_await callers_.of(std::move(caller));
    co_await db_.fresh();
}

void Service::exportAll() {
    for (const auto& uuid : db_.list("/vm")) {
        if (isUuid(uuid))
            factory_.exportVm(uuid);
        else
            log::warn("/vm/{} in the database is not a VM: its name is not a UUID", uuid);
    }
}

// Somebody else wrote to the database: VMs and devices may have come or gone.
void Service::databaseChanged(const std::string& path) {
    constexpr std::string_view below = "/vm/";
    if (path.starts_with(below)) {
        vmNodeChanged(path.substr(below.size(), path.find('/', below.size()) - below.size()));
    } else if (path == "/vm" || path == "/") {
        for (const auto& [uuid, vm] : std::map(vms_.all()))
            vmNodeChanged(uuid);
        for (const auto& uuid : db_.list("/vm"))
            if (!vms_.find(uuid))
                vmNodeChanged(uuid);
    }
}

void Service::vmNodeChanged(const std::string& uuid) {
    auto vm = vms_.find(uuid);
    if (db_.exists(vmNode(uuid))) {
        if (!isUuid(uuid))
            return;
        factory_.exportVm(uuid);
        if (!vm)
            manager_->vmCreated(uuid);
    } else if (vm && isRunning(vm->state())) {
        log::warn("VM {} was removed from the database while it is {}", uuid, publicWord(vm->state()));
    } else if (vm) {
        factory_.retractVm(uuid);
        manager_->vmDeleted(uuid);
        bus_.loop().spawn("ending the monitor of a deleted VM", dismiss(vm));
    }
}

Task<> Service::dismiss(std::shared_ptr<Vm> vm) {
    co_await vm->dismiss();
}

Task<> Service::adoptAll() {
    co_await links_.findRunning();
    const auto domains = co_await hypervisor_->domains();
    for (const auto& [uuid, vm] : std::map(vms_.all())) {
        bool alive = links_.isRunning(uuid);
        for (const auto& domain : domains)
            alive = alive || (domain.uuid == uuid && !domain.dying);
        if (alive)
            co_await adoptOne(vm);
    }
    for (const auto& uuid : links_.running())
        if (!vms_.find(uuid))
            log::warn("a monitor runs for {}, which is no VM in the database", uuid);
}

// One VM whose monitor cannot be had must not keep the others from being served.
Task<> Service::adoptOne(std::shared_ptr<Vm> vm) {
    try {
        co_await vm->adopt();
    } catch (const std::exception& e) {
        vm->errorReported(std::string("cannot adopt it: ") + e.what());
    }
}

} // namespace xb::xenmgr
