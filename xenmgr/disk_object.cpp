// SPDX-License-Identifier: Apache-2.0
#include "xenmgr/disk_object.hpp"

#include "toolstack/libs/child.hpp"
#include "toolstack/libs/files.hpp"
#include "xenmgr/db.hpp"
#include "xenmgr/device_objects.hpp"
#include "xenmgr/errors.hpp"
#include "xenmgr/live_devices.hpp"
#include "xenmgr/vm.hpp"

#include <rapidjson/document.h>

#include <algorithm>
#include <array>
#include <initializer_list>

namespace xb::xenmgr {

namespace {

using Property = idl::vm_disk::VmdiskProperty;
constexpr std::int64_t bytesPerMiB = 1024 * 1024;

// Properties that are one text node of the database, and what that node may hold (nothing listed: anything).
struct TextNode {
    Property property;
    const char* key;
    std::array<std::string_view, 7> allowed{};
    bool emptyAllowed = false;
};

constexpr std::array textNodes{
    TextNode{Property::devtype, "devtype", {"disk", "cdrom"}},
    TextNode{Property::managedDisktype, "managed-disktype", {"system", "application", "user"}, true},
    TextNode{Property::mode, "mode", {"r", "w", "rw"}},
    TextNode{Property::physPath, "path", {}, true},
    TextNode{Property::physType, "type", {"file", "phy", "qcow", "vdi", "aio", "vhd", "raw"}},
    TextNode{Property::snapshot,
             "snapshot",
             {"none", "temporary", "temporary-encrypted", "coalesce", "scripted", "scripted-author",
              "scripted-no-snapshot"},
             true},
    TextNode{Property::virtPath, "device", {}},
};

const TextNode* findTextNode(Property property) {
    auto it = std::ranges::find(textNodes, property, &TextNode::property);
    return it == textNodes.end() ? nullptr : &*it;
}

void checkAllowed(const TextNode& node, const std::string& value) {
    if (value.empty()
            ? node.emptyAllowed
            : node.allowed[0].empty() || std::ranges::find(node.allowed, value) != node.allowed.end())
        return;
    std::string text;
    for (auto each : node.allowed)
        if (!each.empty())
            text += (text.empty() ? "" : ", ") + std::string(each);
    throw Error(errors::invalidArgs, "a disk's " + std::string(node.key) + " is \"" + value + "\"; it must " +
                                         (text.empty() ? "not be empty" : "be one of " + text));
}

} // namespace

Disk DiskObject::disk() const {
    auto found = findDisk(context_.db, vm_->uuid(), id_);
    if (!found)
        throw coded(Code::noSuchDisk, path());
    return std::move(*found);
}

Task<> DiskObject::readProperty(std::size_t index, Caller, PropertySink& sink) {
    co_await context_.db.fresh();
    const Disk current = disk();
    const auto property = static_cast<Property>(index);
    if (const TextNode* node = findTextNode(property)) {
        sink.put(context_.db.read(diskNode(vm_->uuid(), id_) + "/" + node->key));
        co_return;
    }
    switch (property) {
    case Property::enabled:
        sink.put(current.enabled);
        break;
    case Property::shared:
        sink.put(current.shared);
        break;
    case Property::encryptionKeySet:
        sink.put(false); // no keys in this version
        break;
    case Property::utilizationBytes:
        sink.put(co_await imageSize("actual-size"));
        break;
    case Property::virtualSizeMb:
        sink.put(static_cast<std::int32_t>(co_await imageSize("virtual-size") / bytesPerMiB));
        break;
    default: // backend-name, backend-uuid: disks are always served by dom0
        sink.put(std::string());
    }
}

Task<std::int64_t> DiskObject::imageSize(std::string key) {
    const Disk current = disk();
    const auto file = below(context_.settings.root, current.path);
    std::error_code missing;
    if (current.path.empty() || current.type == "phy" || !std::filesystem::is_regular_file(file, missing))
        co_return 0;
    Command command;
    command.arguments = {"qemu-img", "info", "--force-share", "--output=json", file.string()};
    if (current.type == "file" || current.type == "raw" || current.type == "aio")
        command.arguments.insert(command.arguments.begin() + 2, {"-f", "raw"});
    const Output output = co_await runCommand(command);
    if (!output.status.success())
        throw coded(Code::io, "qemu-img cannot read " + file.string() + ": " + output.standardError);
    rapidjson::Document document;
    constexpr unsigned flags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
    document.Parse<flags>(output.standardOutput.data(), output.standardOutput.size());
    if (document.HasParseError() || !document.IsObject() || !document.HasMember(key.c_str()) ||
        !document[key.c_str()].IsInt64())
        throw coded(Code::io, "qemu-img says nothing of the " + key + " of " + file.string());
    co_return document[key.c_str()].GetInt64();
}

Task<> DiskObject::writeProperty(std::size_t index, Caller, PropertyValue value) {
    co_await context_.db.fresh();
    static_cast<void>(disk());
    const auto property = static_cast<Property>(index);
    if (const TextNode* node = findTextNode(property)) {
        std::string text = value.get<std::string>();
        checkAllowed(*node, text);
        if (property == Property::mode && text == "rw")
            text = "w";
        co_await store(node->key, text);
        co_await follow();
        co_return;
    }
    switch (property) {
    case Property::enabled: {
        const std::string text = value.get<bool>() ? "true" : "false";
        co_await store("enable", text);
        co_await follow();
        break;
    }
    case Property::shared: {
        const std::string text = value.get<bool>() ? "true" : "false";
        co_await store("shared", text);
        break;
    }
    default:
        throw notSupported("a disk whose backend is another VM");
    }
}

Task<> DiskObject::store(std::string key, std::string value) {
    const std::string node = diskNode(vm_->uuid(), id_) + "/" + key;
    if (context_.db.exists(node) && context_.db.read(node) == value)
        co_return;
    co_await context_.db.write(node, value);
    context_.signals.vmConfigChanged(vm_->uuid());
}

Task<> DiskObject::attach(std::string type, std::string path) {
    auto lock = co_await vm_->deviceLock().lock();
    co_await context_.db.fresh();
    static_cast<void>(disk());
    if (path.empty() || path.front() != '/')
        throw Error(errors::invalidArgs, "\"" + path + "\" is not an absolute path");
    co_await store("path", path);
    co_await store("type", type);
    co_await followLocked();
}

// The setting is kept when the domain cannot follow: another one may be what is missing.
Task<> DiskObject::follow() {
    auto lock = co_await vm_->deviceLock().lock();
    co_await followLocked();
}

Task<> DiskObject::followLocked() {
    Disk now = disk();
    if (now.path.empty() && !now.isCdrom())
        co_return; // not complete yet
    co_await followDisk(context_, vm_, std::move(now));
}

Task<> DiskObject::attachPhy(Caller, std::string path) {
    co_await attach("phy", std::move(path));
}
Task<> DiskObject::attachVhd(Caller, std::string path) {
    co_await attach("vhd", std::move(path));
}

Task<> DiskObject::delete_(Caller) {
    auto self = shared_from_this();
    co_await devices_.removeDisk(vm_, id_);
}

Task<> DiskObject::generateCryptoKey(Caller, std::int32_t) {
    throw notSupported("generate_crypto_key");
    co_return;
}
Task<> DiskObject::generateCryptoKeyIn(Caller, std::int32_t, std::string) {
    throw notSupported("generate_crypto_key_in");
    co_return;
}
Task<> DiskObject::mount(Caller, std::string, bool) {
    throw notSupported("mount");
    co_return;
}
Task<> DiskObject::umount(Caller) {
    throw notSupported("umount");
    co_return;
}

} // namespace xb::xenmgr
