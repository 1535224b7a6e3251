// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/manager_objects.hpp"

#include "toolstack/libs/child.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/vm_factory.hpp"
#include "xenmgr/vm_properties.hpp"
#include "xenmgr/vm_registry.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

namespace xb::xenmgr {

namespace {

// How long a VM must be left alone before vm_config_changed is sent (contract of the classic interface).
constexpr std::chrono::milliseconds configChangeQuiet{500};

// Largest disk that create_vhd makes, in MiB: the VHD format ends at 2040 GiB.
constexpr int largestVhdMib = 2040 * 1024;

ObjectPath pathOf(const std::string& uuid) {
    return ObjectPath("/vm/" + uuidToPathElement(uuid));
}

struct PolicyItem {
    const char* denied; ///< in the policy text
    const char* node;   ///< below policies/; true when absent
};

constexpr std::array policyItems{
    PolicyItem{"block-cd-access", "cd-access"},
    PolicyItem{"block-cd-rec", "cd-rec"},
    PolicyItem{"block-audio-access", "audio-access"},
    PolicyItem{"block-audio-rec", "audio-rec"},
    PolicyItem{"block-wireless-networking", "wireless-networking"},
    PolicyItem{"block-wired-networking", "wired-networking"},
    PolicyItem{"block-modify-vm-settings", "modify-vm-settings"},
};

NewVm fromTemplate(std::string name) {
    NewVm wish;
    wish.templateName = std::move(name);
    return wish;
}

} // namespace

// --- com.citrix.xenclient.xenmgr ---

void ManagerObject::connect(Context& context, VmFactory& factory) {
    context_ = &context;
    factory_ = &factory;
}

Task<ObjectPath> ManagerObject::createVm(Caller) {
    NewVm wish;
    co_return co_await factory_->create(std::move(wish), VmFactory::Policy::obeyed);
}

Task<ObjectPath> ManagerObject::createVmWithTemplate(Caller, std::string template_) {
    NewVm wish = fromTemplate(std::move(template_));
    co_return co_await factory_->create(std::move(wish), VmFactory::Policy::obeyed);
}

Task<ObjectPath> ManagerObject::createVmWithTemplateAndJson(Caller, std::string template_, std::string json) {
    NewVm wish = fromTemplate(std::move(template_));
    wish.json = std::move(json);
    co_return co_await factory_->create(std::move(wish), VmFactory::Policy::obeyed);
}

Task<ObjectPath> ManagerObject::createVmWithTemplateAndUuid(Caller, std::string template_, std::string uuid) {
    NewVm wish = fromTemplate(std::move(template_));
    wish.uuid = std::move(uuid);
    co_return co_await factory_->create(std::move(wish), VmFactory::Policy::obeyed);
}

Task<ObjectPath> ManagerObject::createVmWithUi(Caller, std::string template_, std::string name,
                                               std::string description, std::string imagePath) {
    NewVm wish = fromTemplate(std::move(template_));
    wish.name = std::move(name);
    wish.description = std::move(description);
    wish.imagePath = std::move(imagePath);
    co_return co_await factory_->create(std::move(wish), VmFactory::Policy::obeyed);
}

Task<std::string> ManagerObject::createVhd(Caller, std::int32_t sizeMb) {
    if (sizeMb <= 0 || sizeMb > largestVhdMib)
        throw Error(errors::invalidArgs, "a VHD of " + std::to_string(sizeMb) + " MiB: it must be 1 to " +
                                             std::to_string(largestVhdMib) + " MiB");
    const auto directory = below(context_->settings.root, context_->settings.diskDirectory);
    makeDirectories(directory);
    const std::string name = randomUuid() + ".vhd";
    Command command;
    command.arguments = {
        "qemu-img", "create", "-q", "-f", "vpc", (directory / name).string(), std::to_string(sizeMb) + "M"};
    const Output output = co_await runCommand(command);
    if (!output.status.success()) {
        std::error_code ignored; // it was half made, or not at all
        std::filesystem::remove(directory / name, ignored);
        throw coded(Code::io,
                    "qemu-img cannot create " + (directory / name).string() + ": " +
                        (output.standardError.empty() ? "it " + output.status.text() : output.standardError));
    }
    co_return (context_->settings.diskDirectory / name).string();
}

Task<ObjectPath> ManagerObject::findVmByUuid(Caller, std::string uuid) {
    if (!context_->vms.find(uuid))
        throw Error("no vm with uuid " + uuid);
    co_return pathOf(uuid);
}

Task<ObjectPath> ManagerObject::findVmByDomid(Caller, std::int32_t domid) {
    for (const auto& [uuid, vm] : context_->vms.all())
        if (domid >= 0 && vm->domid() == domid)
            co_return pathOf(uuid);
    throw Error("no vm with domid " + std::to_string(domid));
}

Task<std::vector<std::int32_t>> ManagerObject::listDomids(Caller) {
    std::vector<std::int32_t> domids;
    for (const auto& [uuid, vm] : context_->vms.all())
        if (vm->domid() >= 0)
            domids.push_back(vm->domid());
    co_return domids;
}

Task<std::vector<ObjectPath>> ManagerObject::listVms(Caller) {
    co_await context_->db.fresh();
    std::vector<ObjectPath> paths;
    const dbd::Node* const vms = context_->db.find("/vm");
    if (!vms)
        co_return paths;
    paths.reserve(vms->childCount());
    for (const dbd::Node* node = vms->firstChild(); node; node = node->next())
        if (const Vm* vm = context_->vms.get(node->name()))
            paths.emplace_back(vm->objectPath());
    co_return paths;
}

Task<std::vector<std::string>> ManagerObject::listTemplates(Caller) {
    co_return factory_->templates().names();
}
Task<std::vector<std::string>> ManagerObject::listChildServiceVmTemplates(Caller) {
    co_return factory_->templates().childNames();
}
Task<std::vector<StringMap>> ManagerObject::listUiTemplates(Caller) {
    co_return factory_->templates().selectable();
}

Task<std::vector<StringMap>> ManagerObject::listExtensionPacks(Caller) {
    co_await context_->db.fresh();
    std::vector<StringMap> packs;
    for (const auto& id : context_->db.list("/extpack")) {
        StringMap pack;
        pack["id"] = id;
        for (const char* field : {"vendor", "name", "description", "version", "image"})
            pack[field] = context_->db.read("/extpack/" + id + "/" + field);
        packs.push_back(std::move(pack));
    }
    co_return packs;
}

// --- signals ---

void ManagerObject::vmCreated(const std::string& uuid) {
    emitVmCreated(uuid, pathOf(uuid));
}
void ManagerObject::vmDeleted(const std::string& uuid) {
    pendingConfigChanges_.erase(uuid);
    emitVmDeleted(uuid, pathOf(uuid));
}
void ManagerObject::vmNameChanged(const std::string& uuid) {
    emitVmNameChanged(uuid, pathOf(uuid));
}
void ManagerObject::vmTransferChanged(const std::string& uuid) {
    emitVmTransferChanged(uuid, pathOf(uuid));
}

void ManagerObject::vmConfigChanged(const std::string& uuid) {
    auto& timer = pendingConfigChanges_[uuid];
    if (!timer)
        timer = std::make_unique<Timer>(executor_);
    auto quiet = [this, uuid] { // this object owns the timer, so it is there
        pendingConfigChanges_.erase(uuid);
        emitVmConfigChanged(uuid, pathOf(uuid));
    };
    timer->callAfter(configChangeQuiet, quiet);
}

void ManagerObject::vmStateChanged(const std::string& uuid, const std::string& publicState, int acpiState) {
    emitVmStateChanged(uuid, pathOf(uuid), publicState, acpiState);
}

void ManagerObject::notify(const std::string& uuid, const std::string& message) {
    emitNotify(uuid, message);
}
void ManagerObject::configChanged() {
    emitConfigChanged();
}
void ManagerObject::languageChanged() {
    emitLanguageChanged();
}

// --- com.citrix.xenclient.xenmgr.unrestricted ---

Task<ObjectPath> UnrestrictedManagerObject::unrestrictedCreateVm(Caller) {
    NewVm wish;
    co_return co_await factory_.create(std::move(wish), VmFactory::Policy::ignored);
}

Task<ObjectPath> UnrestrictedManagerObject::unrestrictedCreateVmWithTemplateAndJson(Caller,
                                                                                    std::string template_,
                                                                                    std::string json) {
    NewVm wish = fromTemplate(std::move(template_));
    wish.json = std::move(json);
    co_return co_await factory_.create(std::move(wish), VmFactory::Policy::ignored);
}

Task<> UnrestrictedManagerObject::unrestrictedDeleteVm(Caller, std::string uuid) {
    co_await factory_.remove(std::move(uuid), VmFactory::Policy::ignored);
}

// --- com.citrix.xenclient.policy ---

Task<std::string> PolicyObject::retrieve(Caller, std::string uuid) {
    co_await context_.db.fresh();
    if (!context_.vms.find(uuid))
        throw Error("no vm with uuid " + uuid);
    std::string denied;
    for (const auto& item : policyItems)
        if (!context_.db.readBool(vmNode(uuid) + "/policies/" + item.node, true))
            denied += (denied.empty() ? "" : ";") + std::string(item.denied);
    co_return denied;
}

Task<> PolicyObject::enforce(Caller, std::string uuid, std::string value) {
    co_await context_.db.fresh();
    if (!context_.vms.find(uuid))
        throw Error("no vm with uuid " + uuid);
    std::vector<std::string> words;
    for (std::size_t start = 0; start <= value.size();) {
        const std::size_t end = std::min(value.find(';', start), value.size());
        if (end > start)
            words.push_back(value.substr(start, end - start));
        start = end + 1;
    }
    for (const auto& word : words)
        if (std::ranges::none_of(policyItems, [&](const auto& item) { return word == item.denied; }))
            throw Error(errors::invalidArgs, "\"" + word + "\" is not an item of a policy");
    for (const auto& item : policyItems) {
        const bool denied = std::ranges::find(words, item.denied) != words.end();
        co_await context_.db.write(vmNode(uuid) + "/policies/" + item.node, denied ? "false" : "true");
    }
    context_.signals.vmConfigChanged(uuid);
}

// --- org.xenbroker.xenmgr ---

namespace {

Variant variantOf(const PropertyContent& content) {
    return std::visit([](const auto& value) { return Variant(value); }, content);
}

} // namespace

Task<std::vector<Struct<ObjectPath, std::map<std::string, Variant>>>>
ManagerExtensionObject::getVms(Caller, std::vector<std::string> properties) {
    co_await context_.db.fresh();
    std::vector<const VmProperty*> rows;
    for (const auto& name : properties) {
        const VmProperty* row = findVmProperty(name);
        if (!row)
            throw Error(errors::unknownProperty, "com.citrix.xenclient.xenmgr.vm has no property " + name);
        rows.push_back(row);
    }
    std::vector<Struct<ObjectPath, std::map<std::string, Variant>>> result;
    for (const auto& uuid : context_.db.list("/vm")) {
        auto vm = context_.vms.find(uuid);
        if (!vm)
            continue;
        std::map<std::string, Variant> values;
        for (const VmProperty* row : rows) {
            try {
                if (!row->readLater) {
                    values.emplace(row->name, variantOf(readVmProperty(context_, *vm, *row)));
                    continue;
                }
                const PropertyContent content = co_await row->readLater(context_, vm);
                values.emplace(row->name, variantOf(content));
            } catch (const Error& e) {
                log::warn("VM {}: get_vms leaves out {}: {}", uuid, row->name, e.what());
            }
        }
        result.emplace_back(ObjectPath(vm->objectPath()), std::move(values));
    }
    co_return result;
}

} // namespace xb::xenmgr
