// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/vm_factory.hpp"

#include "idl/xenmgr_vm_server.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/device_objects.hpp"
#include "xenmgr/devices.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/pci_object.hpp"
#include "xenmgr/slots.hpp"
#include "xenmgr/unsupported.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/vm_objects.hpp"
#include "xenmgr/vm_registry.hpp"
#include "xenmgr/xenvm_links.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>

namespace xb::xenmgr {

namespace {

std::string lowered(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

} // namespace

std::string VmFactory::configuration(const NewVm& wish, std::string& uuid) const {
    std::string json = templates_.load(wish.templateName);
    if (!wish.json.empty())
        json = mergeJson(json, wish.json, "the JSON given for the new VM");
    uuid = wish.uuid.empty() ? jsonMember(json, "uuid") : wish.uuid;
    if (uuid.empty())
        uuid = randomUuid();
    uuid = lowered(uuid);
    if (!isUuid(uuid))
        throw Error(errors::invalidArgs, "\"" + uuid + "\" is not a UUID");
    if (context_.db.exists(vmNode(uuid)))
        throw Error(errors::invalidArgs, "there is a VM with UUID " + uuid + " already");
    auto set = [&json](const char* member, const std::string& value) {
        json = withJsonMember(json, member, value);
    };
    set("uuid", uuid);
    set("seamless-id", uuid);
    if (jsonMember(json, "name").empty())
        set("name", wish.name.empty() ? "name-" + uuid : wish.name);
    if (!wish.description.empty())
        set("description", wish.description);
    if (!wish.imagePath.empty())
        set("image_path", wish.imagePath);
    if (jsonMember(json, "type").empty())
        set("type", "svm");
    if (jsonMember(json, "slot").empty()) {
        const auto slot = freeSlot(context_.db);
        if (!slot)
            throw coded(Code::tooManyVms, "all slots from " + std::to_string(firstSlot) + " to " +
                                              std::to_string(lastSlot) +
                                              " are taken; delete a VM, or give the template a slot");
        set("slot", std::to_string(*slot));
    }
    return json;
}

Task<ObjectPath> VmFactory::create(NewVm wish, Policy policy) {
    auto lock = co_await context_.slots.lock();
    co_await context_.db.fresh();
    if (policy == Policy::obeyed && context_.db.readBool("/vm-create-disallowed", false))
        throw coded(Code::suppressedByPolicy, "creation of VMs");
    std::string uuid;
    std::string json = configuration(wish, uuid);
    co_await context_.db.inject(vmNode(uuid), std::move(json));
    auto vm = exportVm(uuid);
    log::info("VM \"{}\" ({}) created from template {}", vm->displayName(), uuid,
              wish.templateName.empty() ? "(none)" : wish.templateName);
    context_.signals.vmCreated(uuid);
    co_return ObjectPath(vm->objectPath());
}

std::shared_ptr<Vm> VmFactory::exportVm(const std::string& uuid) {
    if (auto known = context_.vms.find(uuid)) {
        devices_.refresh(known);
        return known;
    }
    auto vm = std::make_shared<Vm>(context_, uuid);
    auto& objects = context_.bus.objects();
    const std::string path = vm->objectPath();
    objects.add(path, std::make_shared<VmObject>(context_, *this, devices_, vm));
    objects.add(path, unsupported<idl::xenmgr_vm::XenmgrVmAuthServer>());
    objects.add(path, std::make_shared<PciObject>(context_, vm));
    objects.add(path, unsupported<idl::xenmgr_vm::XenmgrVmProductServer>());
    objects.add(path, std::make_shared<VmUnrestrictedObject>(context_, vm));
    objects.add(path, std::make_shared<VmExtensionObject>(vm));
    context_.vms.add(uuid, vm);
    devices_.refresh(vm);
    return vm;
}

void VmFactory::retractVm(const std::string& uuid) {
    auto vm = context_.vms.find(uuid);
    if (!vm)
        return;
    devices_.removeAll(vm);
    context_.bus.objects().remove(vm->objectPath());
    context_.vms.remove(uuid);
}

Task<> VmFactory::remove(std::string uuid, Policy policy) {
    auto lock = co_await context_.slots.lock();
    co_await context_.db.fresh();
    auto vm = context_.vms.find(uuid);
    if (!vm)
        throw Error("no vm with uuid " + uuid);
    if (policy == Policy::obeyed && context_.db.readBool("/vm-delete-disallowed", false))
        throw coded(Code::suppressedByPolicy, "deletion of VMs");
    if (isRunning(vm->state()))
        throw coded(Code::cannotRemoveRunning,
                    "VM \"" + vm->displayName() + "\" is " + publicWord(vm->state()));
    const std::string name = vm->displayName();
    co_await vm->dismiss();
    // Files last: a deletion that fails before must not have taken them. Paths are gone from the database by
    // then.
    std::vector<std::string> diskFiles;
    const bool managed = context_.db.exists(vm->node() + "/backend");
    if (!managed)
        for (const auto& disk : disksOf(context_.db, uuid))
            if (isOnlyUser(context_.db, uuid, disk))
                diskFiles.push_back(disk.path);
    retractVm(uuid);
    try {
        co_await context_.db.remove(vm->node());
    } catch (...) {
        exportVm(uuid);
        throw;
    }
    co_await context_.db.remove("/dom-store/" + uuid);
    co_await context_.hypervisor.store().remove("/state/" + uuid); // left by a monitor that was killed
    for (const auto& file : diskFiles)
        removeDiskFile(context_, uuid, file);
    std::error_code ignored; // a copy of what is gone
    std::filesystem::remove(context_.settings.runDirectory / ("xenvm-" + uuid), ignored);
    log::info("VM \"{}\" ({}) deleted", name, uuid);
    context_.signals.vmDeleted(uuid);
}

} // namespace xb::xenmgr
