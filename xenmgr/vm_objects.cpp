// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/vm_objects.hpp"

#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/device_objects.hpp"
#include "xenmgr/devices.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/vm_factory.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <stdexcept>

namespace xb::xenmgr {

namespace {

constexpr auto iconDirectory = "/usr/lib/xui";
constexpr std::size_t iconLimit = 4 * 1024 * 1024;

// Keys of get_db_key and its kin: dots stand for slashes.
std::string keyPath(std::string key) {
    std::ranges::replace(key, '.', '/');
    if (key.find_first_not_of('/') == std::string::npos)
        throw Error(errors::invalidArgs, "an empty key names the whole subtree, not a value");
    return key;
}

const std::vector<const VmProperty*>& vmRows() {
    static const auto rows = propertyRows(VmObject::staticInfo());
    return rows;
}

const std::vector<const VmProperty*>& unrestrictedRows() {
    static const auto rows = propertyRows(VmUnrestrictedObject::staticInfo());
    return rows;
}

Task<> readOne(const Context& context, std::shared_ptr<Vm> vm, const VmProperty& property,
               PropertySink& sink) {
    const PropertyContent content = co_await fetchVmProperty(context, vm, property);
    putContent(sink, content);
}

void leaveOut(const Vm& vm, const VmProperty& row, const Error& e) {
    log::warn("VM {}: GetAll leaves out {}: {}", vm.uuid(), row.name, e.what());
}

/// What others had to be asked for, by row; the others are read now.
using Fetched = std::map<const VmProperty*, PropertyContent>;

void putAll(const Context& context, const Vm& vm, const std::vector<const VmProperty*>& rows,
            const Fetched& fetched, Message& reply) {
    const Db::Focus focus(context.db, vm.node());
    for (const VmProperty* row : rows) {
        PropertySink sink(reply, row->name);
        try {
            if (!row->readLater)
                putContent(sink, readVmProperty(context, vm, *row));
            else if (const auto found = fetched.find(row); found != fetched.end())
                putContent(sink, found->second);
        } catch (const Error& e) {
            leaveOut(vm, *row, e);
        }
    }
}

Task<> readAll(const Context& context, std::shared_ptr<Vm> vm, const std::vector<const VmProperty*>& rows,
               Message& reply) {
    Fetched fetched;
    for (const VmProperty* row : rows) {
        if (!row->readLater)
            continue;
        try {
            fetched[row] = co_await row->readLater(context, vm);
        } catch (const Error& e) {
            leaveOut(*vm, *row, e);
        }
    }
    co_await context.db.fresh();
    putAll(context, *vm, rows, fetched, reply);
}

} // namespace

std::vector<const VmProperty*> propertyRows(const InterfaceInfo& info) {
    std::vector<const VmProperty*> rows;
    for (const auto& property : info.properties) {
        const VmProperty* row = findVmProperty(property.name);
        if (!row)
            throw std::logic_error("the property table lacks " + std::string(property.name));
        rows.push_back(row);
    }
    return rows;
}

// --- properties ---

Task<> VmObject::readProperty(std::size_t index, Caller, PropertySink& sink) {
    co_await readOne(context_, vm_, *vmRows()[index], sink);
}

Task<> VmObject::readAllProperties(Caller, Message& reply) {
    co_await readAll(context_, vm_, vmRows(), reply);
}

Task<> VmObject::writeProperty(std::size_t index, Caller, PropertyValue value) {
    const VmProperty& property = *vmRows()[index];
    co_await context_.db.fresh();
    if (property.policyChecked && !context_.db.readBool(vm_->node() + "/policies/modify-vm-settings", true))
        throw coded(Code::policyForbidsEdit);
    PropertyContent content = takeContent(value, property.type);
    co_await writeVmProperty(context_, vm_, property, std::move(content));
}

Task<> VmUnrestrictedObject::readProperty(std::size_t index, Caller, PropertySink& sink) {
    co_await readOne(context_, vm_, *unrestrictedRows()[index], sink);
}

Task<> VmUnrestrictedObject::readAllProperties(Caller, Message& reply) {
    co_await readAll(context_, vm_, unrestrictedRows(), reply);
}

Task<> VmUnrestrictedObject::writeProperty(std::size_t index, Caller, PropertyValue value) {
    const VmProperty& property = *unrestrictedRows()[index];
    PropertyContent content = takeContent(value, property.type);
    co_await writeVmProperty(context_, vm_, property, std::move(content));
}

// --- life ---

Task<> VmObject::start(Caller) {
    co_await vm_->start();
}
Task<> VmObject::startInternal(Caller) {
    co_await vm_->start();
}
Task<> VmObject::shutdown(Caller) {
    co_await vm_->shutdown();
}
Task<> VmObject::reboot(Caller) {
    co_await vm_->reboot();
}
Task<> VmObject::destroy(Caller) {
    co_await vm_->destroy();
}
Task<> VmObject::pause(Caller) {
    co_await vm_->pause();
}
Task<> VmObject::unpause(Caller) {
    co_await vm_->unpause();
}
Task<> VmObject::delete_(Caller) {
    co_await factory_.remove(vm_->uuid(), VmFactory::Policy::obeyed);
}

// --- devices ---

Task<ObjectPath> VmObject::addDisk(Caller) {
    co_return co_await devices_.addDisk(vm_);
}
Task<ObjectPath> VmObject::addNic(Caller) {
    co_return co_await devices_.addNic(vm_);
}

Task<std::vector<ObjectPath>> VmObject::listDisks(Caller) {
    co_await context_.db.fresh();
    std::vector<ObjectPath> paths;
    for (const auto& disk : disksOf(context_.db, vm_->uuid()))
        if (isPathElement(disk.id))
            paths.emplace_back(vm_->objectPath() + "/disk/" + disk.id);
    co_return paths;
}

Task<std::vector<ObjectPath>> VmObject::listNics(Caller) {
    co_await context_.db.fresh();
    std::vector<ObjectPath> paths;
    for (const auto& nic : nicsOf(context_.db, vm_->uuid()))
        if (nic.id >= 0)
            paths.emplace_back(vm_->objectPath() + "/nic/" + std::to_string(nic.id));
    co_return paths;
}

// --- keys, icon, rules ---

Task<std::string> VmObject::getDbKey(Caller, std::string key) {
    co_await context_.db.fresh();
    co_return context_.db.read(vm_->node() + "/" + keyPath(std::move(key)));
}

Task<> VmObject::setDbKey(Caller, std::string key, std::string value) {
    co_await context_.db.write(vm_->node() + "/" + keyPath(std::move(key)), std::move(value));
}

Task<std::string> VmObject::getDomstoreKey(Caller, std::string key) {
    co_return co_await context_.db.readRemote("/dom-store/" + vm_->uuid() + "/" + keyPath(std::move(key)));
}

Task<> VmObject::setDomstoreKey(Caller, std::string key, std::string value) {
    co_await context_.db.write("/dom-store/" + vm_->uuid() + "/" + keyPath(std::move(key)), std::move(value));
}

Task<std::vector<std::uint8_t>> VmObject::readIcon(Caller) {
    co_await context_.db.fresh();
    const std::string image = context_.db.read(vm_->node() + "/image_path");
    const auto relative = std::filesystem::path(image).relative_path().lexically_normal();
    if (image.empty() || (!relative.empty() && *relative.begin() == ".."))
        throw coded(Code::noSuchFile, "the image-path of VM " + vm_->uuid() + " is \"" + image + "\"");
    try {
        const std::string bytes =
            readFile(below(context_.settings.root, iconDirectory / relative), iconLimit);
        co_return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
    } catch (const Error& e) {
        throw coded(Code::io, e.what());
    }
}

Task<std::vector<std::string>> VmObject::listArgoFirewallRules(Caller) {
    co_await context_.db.fresh();
    const std::string node = vm_->node() + "/argo-firewall-rules";
    std::vector<std::string> rules;
    for (const auto& key : context_.db.list(node))
        rules.push_back(context_.db.read(node + "/" + key));
    co_return rules;
}

Task<std::vector<StringMap>> VmObject::listNetFirewallRules(Caller) {
    co_await context_.db.fresh();
    const std::string node = vm_->node() + "/firewall-rule";
    std::vector<StringMap> rules;
    for (const auto& id : context_.db.list(node)) {
        StringMap rule;
        rule["id"] = id;
        for (const char* field : {"direction", "remote-ip", "extra"})
            rule[field] = context_.db.read(node + "/" + id + "/" + field);
        rules.push_back(std::move(rule));
    }
    co_return rules;
}

// --- saving and sleep ---

Task<> VmObject::hibernate(Caller) {
    co_await vm_->hibernate();
}
Task<> VmObject::resume(Caller) {
    co_await vm_->resume();
}
Task<> VmObject::resumeFromFile(Caller, std::string file) {
    co_await vm_->resumeFromFile(std::move(file));
}
Task<> VmObject::sleep(Caller) {
    co_await vm_->sleep();
}
Task<> VmObject::suspendToFile(Caller, std::string file) {
    co_await vm_->suspendToFile(std::move(file));
}

// --- not there yet ---

Task<> VmObject::addArgoFirewallRule(Caller, std::string) {
    throw notSupported("add_argo_firewall_rule");
    co_return;
}
Task<> VmObject::deleteArgoFirewallRule(Caller, std::string) {
    throw notSupported("delete_argo_firewall_rule");
    co_return;
}
Task<> VmObject::addNetFirewallRule(Caller, std::int32_t, std::string, std::string, std::string) {
    throw notSupported("add_net_firewall_rule");
    co_return;
}
Task<> VmObject::deleteNetFirewallRule(Caller, std::int32_t) {
    throw notSupported("delete_net_firewall_rule");
    co_return;
}
Task<ObjectPath> VmObject::createChildServiceVm(Caller, std::string) {
    throw notSupported("create_child_service_vm");
    co_return ObjectPath();
}
Task<> VmObject::switch_(Caller) {
    throw notSupported("switch");
    co_return;
}

// --- extension ---

Task<std::string> VmExtensionObject::getConsole(Caller) {
    co_return co_await vm_->console();
}
Task<std::string> VmExtensionObject::getLastError(Caller) {
    co_return vm_->lastError();
}

} // namespace xb::xenmgr
