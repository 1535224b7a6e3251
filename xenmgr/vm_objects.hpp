// SPDX-License-Identifier: Apache-2.0
// The object /vm/<uuid_> on the bus: com.citrix.xenclient.xenmgr.vm and its companions. Methods check what
// the bus side has to check (policy, arguments) and leave the work to Vm, VmFactory and the property table.
#pragma once

#include "idl/org_xenbroker_xenmgr_server.hpp"
#include "idl/xenmgr_vm_server.hpp"
#include "xenmgr/context.hpp"
#include "xenmgr/vm_properties.hpp"

#include <memory>
#include <vector>

namespace xb::xenmgr {

class DeviceObjects;
class Vm;
class VmFactory;

/// The rows of the property table in the order of an interface's properties. Throws std::logic_error for a
/// property of the interface that the table does not have, so that a new one cannot be forgotten.
std::vector<const VmProperty*> propertyRows(const InterfaceInfo& info);

class VmObject : public idl::xenmgr_vm::XenmgrVmServer {
public:
    VmObject(Context& context, VmFactory& factory, DeviceObjects& devices, std::shared_ptr<Vm> vm)
        : context_(context), factory_(factory), devices_(devices), vm_(std::move(vm)) {}

    Task<> readProperty(std::size_t index, Caller caller, PropertySink& sink) override;
    Task<> writeProperty(std::size_t index, Caller caller, PropertyValue value) override;
    Task<> readAllProperties(Caller caller, Message& reply) override;

    Task<> start(Caller) override;
    Task<> startInternal(Caller) override;
    Task<> shutdown(Caller) override;
    Task<> reboot(Caller) override;
    Task<> destroy(Caller) override;
    Task<> pause(Caller) override;
    Task<> unpause(Caller) override;
    Task<> delete_(Caller) override;

    Task<ObjectPath> addDisk(Caller) override;
    Task<ObjectPath> addNic(Caller) override;
    Task<std::vector<ObjectPath>> listDisks(Caller) override;
    Task<std::vector<ObjectPath>> listNics(Caller) override;

    Task<std::string> getDbKey(Caller, std::string key) override;
    Task<> setDbKey(Caller, std::string key, std::string value) override;
    Task<std::string> getDomstoreKey(Caller, std::string key) override;
    Task<> setDomstoreKey(Caller, std::string key, std::string value) override;
    Task<std::vector<std::uint8_t>> readIcon(Caller) override;
    Task<std::vector<std::string>> listArgoFirewallRules(Caller) override;
    Task<std::vector<StringMap>> listNetFirewallRules(Caller) override;

    // Not there yet (docs/not-supported.md).
    Task<> addArgoFirewallRule(Caller, std::string rule) override;
    Task<> deleteArgoFirewallRule(Caller, std::string rule) override;
    Task<> addNetFirewallRule(Caller, std::int32_t id, std::string direction, std::string remoteip,
                              std::string extra) override;
    Task<> deleteNetFirewallRule(Caller, std::int32_t id) override;
    Task<ObjectPath> createChildServiceVm(Caller, std::string template_) override;
    Task<> hibernate(Caller) override;
    Task<> resume(Caller) override;
    Task<> resumeFromFile(Caller, std::string file) override;
    Task<> sleep(Caller) override;
    Task<> suspendToFile(Caller, std::string file) override;
    Task<> switch_(Caller) override;

private:
    Context& context_;
    VmFactory& factory_;
    DeviceObjects& devices_;
    std::shared_ptr<Vm> vm_;
};

/// The same properties without the policy's say, and a few more.
class VmUnrestrictedObject : public idl::xenmgr_vm::XenmgrVmUnrestrictedServer {
public:
    VmUnrestrictedObject(Context& context, std::shared_ptr<Vm> vm) : context_(context), vm_(std::move(vm)) {}
    Task<> readProperty(std::size_t index, Caller caller, PropertySink& sink) override;
    Task<> writeProperty(std::size_t index, Caller caller, PropertyValue value) override;
    Task<> readAllProperties(Caller caller, Message& reply) override;

private:
    Context& context_;
    std::shared_ptr<Vm> vm_;
};

/// org.xenbroker.vm: what the platform's own tools need beyond the classic interface.
class VmExtensionObject : public idl::org_xenbroker_xenmgr::VmServer {
public:
    explicit VmExtensionObject(std::shared_ptr<Vm> vm) : vm_(std::move(vm)) {}
    Task<std::string> getConsole(Caller) override;
    Task<std::string> getLastError(Caller) override;

private:
    std::shared_ptr<Vm> vm_;
};

} // namespace xb::xenmgr
