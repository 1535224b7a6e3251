// SPDX-License-Identifier: Apache-2.0
#include "fake_xenmgr.hpp"

#include <algorithm>

namespace xb::test {

namespace {

constexpr auto service = "com.citrix.xenclient.xenmgr";

} // namespace

FakeXenmgr::FakeXenmgr(Bus& bus, bool bulk) : bus_(bus) {
    addRoot(bulk);
    addHost();
    bus_.requestName(service);
}

void FakeXenmgr::addRoot(bool bulk) {
    root = std::make_shared<FakeInterface>("com.citrix.xenclient.xenmgr");
    root->method("list_vms", "", "ao", [this](auto call) -> Task<> {
        std::vector<ObjectPath> paths;
        for (const FakeVm& vm : vms_)
            paths.emplace_back(vm.path);
        call->reply(paths);
        co_return;
    });
    root->method("list_domids", "", "ai", [this](auto call) -> Task<> {
        std::vector<std::int32_t> domids;
        for (FakeVm& vm : vms_)
            if (const auto domid = std::get<std::int64_t>(vm.vm->value("domid").data); domid >= 0)
                domids.push_back(static_cast<std::int32_t>(domid));
        call->reply(domids);
        co_return;
    });
    root->method("create_vm_with_template", "s", "o", [this](auto call) -> Task<> {
        auto [name] = call->template arguments<std::string>();
        calls.push_back("create_vm_with_template " + name);
        call->reply(ObjectPath("/vm/new"));
        co_return;
    });
    root->method("create_vhd", "i", "s", [this](auto call) -> Task<> {
        auto [size] = call->template arguments<std::int32_t>();
        calls.push_back("create_vhd " + std::to_string(size));
        call->reply(std::string("/storage/disks/1.vhd"));
        co_return;
    });
    root->method("list_templates", "", "as", [](auto call) -> Task<> {
        call->reply(std::vector<std::string>{});
        co_return;
    });
    auto config = std::make_shared<FakeInterface>("com.citrix.xenclient.xenmgr.config");
    config->property("language", "readwrite", text("en-us"));
    config->property("autolock-cd-drives", "readwrite", boolean(true));
    config->property("secret", "write", text(""));
    bus_.objects().add("/", root);
    bus_.objects().add("/", config);
    if (bulk) {
        auto extra = std::make_shared<FakeInterface>("org.xenbroker.xenmgr");
        extra->method("get_vms", "as", "a(oa{sv})", [this](auto call) { return getVms(call); });
        bus_.objects().add("/", extra);
    }
}

Task<> FakeXenmgr::getVms(std::shared_ptr<IncomingCall> call) {
    auto [names] = call->arguments<std::vector<std::string>>();
    std::vector<Struct<ObjectPath, std::map<std::string, Variant>>> rows;
    for (FakeVm& vm : vms_) {
        std::map<std::string, Variant> row;
        for (const std::string& name : names) {
            const xec::Value& value = vm.vm->value(name);
            row.emplace(name, value.type == "i"
                                  ? Variant(static_cast<std::int32_t>(std::get<std::int64_t>(value.data)))
                                  : Variant(std::get<std::string>(value.data)));
        }
        rows.emplace_back(ObjectPath(vm.path), std::move(row));
    }
    call->reply(rows);
    co_return;
}

void FakeXenmgr::addHost() {
    host = std::make_shared<FakeInterface>("com.citrix.xenclient.xenmgr.host");
    host->method("list_cd_devices", "", "aa{ss}", [](auto call) -> Task<> {
        const StringMap drive{{"id", "1:0:0:0"}, {"name", "Vendor Model"}, {"vm-sticky", "0"}};
        call->reply(std::vector<StringMap>{drive, drive});
        co_return;
    });
    host->property("state", "read", text("idle"));
    bus_.objects().add("/host", host);
}

FakeInterface::Handler FakeXenmgr::operation(FakeVm& vm, const std::string& name) {
    return [this, &vm, name](std::shared_ptr<IncomingCall> call) -> Task<> {
        calls.push_back(name + " " + vm.path);
        if (onOperation)
            co_await onOperation(name, vm);
        call->reply();
    };
}

void FakeXenmgr::addDevice(FakeVm& vm, const std::string& path, const std::string& interface,
                           const std::string& property) {
    auto device = std::make_shared<FakeInterface>(interface);
    device->property(property, "readwrite", text("initial"));
    device->method("attach_vhd", "s", "", [this](auto call) -> Task<> {
        auto [vhd] = call->template arguments<std::string>();
        calls.push_back("attach_vhd " + vhd);
        call->reply();
        co_return;
    });
    bus_.objects().add(vm.path + path, device);
}

FakeVm& FakeXenmgr::addVm(const std::string& uuid, const std::string& name, std::int32_t domid,
                          const std::string& state) {
    std::string path = "/vm/" + uuid;
    std::replace(path.begin(), path.end(), '-', '_');
    FakeVm& vm = vms_.emplace_back();
    vm.path = path;
    vm.vm = std::make_shared<FakeInterface>("com.citrix.xenclient.xenmgr.vm");
    vm.vm->property("name", "readwrite", text(name));
    vm.vm->property("uuid", "read", text(uuid));
    vm.vm->property("domid", "read", number(domid));
    vm.vm->property("state", "read", text(state));
    vm.vm->property("stubdom", "readwrite", boolean(false));
    vm.vm->property("crypto-user", "readwrite", text(""));
    vm.vm->property("policy-modify-vm-settings", "readwrite", boolean(false));
    vm.vm->property("memory", "readwrite", number(256));
    for (const char* method : {"start", "shutdown", "reboot", "destroy", "pause", "unpause", "resume"})
        vm.vm->method(method, "", "", operation(vm, method),
                      "<annotation name=\"org.xenbroker.Timeout\" value=\"900\"/>");
    vm.vm->method("add_disk", "", "o", [&vm](auto call) -> Task<> {
        call->reply(ObjectPath(vm.path + "/disk/1"));
        co_return;
    });
    vm.vm->method("list_disks", "", "ao", [&vm](auto call) -> Task<> {
        call->reply(
            std::vector<ObjectPath>{ObjectPath(vm.path + "/disk/0"), ObjectPath(vm.path + "/disk/1")});
        co_return;
    });
    vm.vm->method("list_nics", "", "ao", [](auto call) -> Task<> {
        call->reply(std::vector<ObjectPath>{});
        co_return;
    });
    vm.unrestricted = std::make_shared<FakeInterface>("com.citrix.xenclient.xenmgr.vm.unrestricted");
    vm.unrestricted->property("policy-modify-vm-settings", "readwrite", boolean(false));
    vm.unrestricted->property("memory", "readwrite", number(256));
    vm.extra = std::make_shared<FakeInterface>("org.xenbroker.vm");
    vm.extra->method("get_console", "", "s", [this](auto call) -> Task<> {
        if (console.empty())
            throw Error("203:No such device");
        call->reply(console);
        co_return;
    });
    vm.extra->method("get_last_error", "", "s", [this](auto call) -> Task<> {
        call->reply(lastError);
        co_return;
    });
    bus_.objects().add(path, vm.vm);
    bus_.objects().add(path, vm.unrestricted);
    bus_.objects().add(path, vm.extra);
    addDevice(vm, "/disk/1", "com.citrix.xenclient.vmdisk", "virt-path");
    addDevice(vm, "/nic/0", "com.citrix.xenclient.vmnic", "network");
    return vm;
}

FakeVm& FakeXenmgr::vm(const std::string& name) {
    for (FakeVm& vm : vms_)
        if (std::get<std::string>(vm.vm->value("name").data) == name)
            return vm;
    throw std::logic_error("the fake has no VM " + name);
}

void FakeXenmgr::change(FakeVm& vm, const std::string& state, std::int32_t domid) {
    vm.vm->value("state").data = state;
    vm.vm->value("domid").data = std::int64_t{domid};
    root->emit("vm_state_changed", std::get<std::string>(vm.vm->value("uuid").data), ObjectPath(vm.path),
               state, std::int32_t{0});
}

} // namespace xb::test
