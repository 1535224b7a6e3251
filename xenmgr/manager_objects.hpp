// SPDX-License-Identifier: Apache-2.0
// The interfaces of the object / that manage VMs: com.citrix.xenclient.xenmgr, its unrestricted twin, the
// policy interface and org.xenbroker.xenmgr.
#pragma once

#include "idl/org_xenbroker_xenmgr_server.hpp"
#include "idl/xenmgr_server.hpp"
#include "toolstack/libs/timer.hpp"
#include "xenmgr/context.hpp"

#include <map>
#include <memory>
#include <string>

namespace xb::xenmgr {

class VmFactory;

/// Also the emitter of all signals of com.citrix.xenclient.xenmgr.
class ManagerObject : public idl::xenmgr::XenmgrServer, public Signals {
public:
    explicit ManagerObject(Executor executor) : executor_(std::move(executor)) {}
    /// The rest of what it needs, which in turn needs its signals.
    void connect(Context& context, VmFactory& factory);

    Task<std::string> createVhd(Caller, std::int32_t sizeMb) override;
    Task<ObjectPath> createVm(Caller) override;
    Task<ObjectPath> createVmWithTemplate(Caller, std::string template_) override;
    Task<ObjectPath> createVmWithTemplateAndJson(Caller, std::string template_, std::string json) override;
    Task<ObjectPath> createVmWithTemplateAndUuid(Caller, std::string template_, std::string uuid) override;
    Task<ObjectPath> createVmWithUi(Caller, std::string template_, std::string name, std::string description,
                                    std::string imagePath) override;
    Task<ObjectPath> findVmByDomid(Caller, std::int32_t domid) override;
    Task<ObjectPath> findVmByUuid(Caller, std::string uuid) override;
    Task<std::vector<std::string>> listChildServiceVmTemplates(Caller) override;
    Task<std::vector<std::int32_t>> listDomids(Caller) override;
    Task<std::vector<StringMap>> listExtensionPacks(Caller) override;
    Task<std::vector<std::string>> listTemplates(Caller) override;
    Task<std::vector<StringMap>> listUiTemplates(Caller) override;
    Task<std::vector<ObjectPath>> listVms(Caller) override;

    void vmCreated(const std::string& uuid) override;
    void vmDeleted(const std::string& uuid) override;
    void vmNameChanged(const std::string& uuid) override;
    void vmTransferChanged(const std::string& uuid) override;
    void vmConfigChanged(const std::string& uuid) override;
    void vmStateChanged(const std::string& uuid, const std::string& publicState, int acpiState) override;
    void notify(const std::string& uuid, const std::string& message) override;
    void configChanged() override;
    void languageChanged() override;

private:
    Executor executor_;
    Context* context_ = nullptr;
    VmFactory* factory_ = nullptr;
    /// Running out: half a second after a VM's last change the signal leaves.
    std::map<std::string, std::unique_ptr<Timer>> pendingConfigChanges_;
};

class UnrestrictedManagerObject : public idl::xenmgr::XenmgrUnrestrictedServer {
public:
    explicit UnrestrictedManagerObject(VmFactory& factory) : factory_(factory) {}
    Task<ObjectPath> unrestrictedCreateVm(Caller) override;
    Task<ObjectPath> unrestrictedCreateVmWithTemplateAndJson(Caller, std::string template_,
                                                             std::string json) override;
    Task<> unrestrictedDeleteVm(Caller, std::string uuid) override;

private:
    VmFactory& factory_;
};

/// com.citrix.xenclient.policy: what a VM may not do, as one text.
class PolicyObject : public idl::xenmgr::PolicyServer {
public:
    explicit PolicyObject(Context& context) : context_(context) {}
    Task<> enforce(Caller, std::string uuid, std::string value) override;
    Task<std::string> retrieve(Caller, std::string uuid) override;

private:
    Context& context_;
};

/// org.xenbroker.xenmgr: whole lists in one call.
class ManagerExtensionObject : public idl::org_xenbroker_xenmgr::XenmgrServer {
public:
    explicit ManagerExtensionObject(Context& context) : context_(context) {}
    Task<std::vector<Struct<ObjectPath, std::map<std::string, Variant>>>>
    getVms(Caller, std::vector<std::string> properties) override;

private:
    Context& context_;
};

} // namespace xb::xenmgr
