// SPDX-License-Identifier: Apache-2.0
#include "fake_hypervisor.hpp"

#include "toolstack/libs/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unistd.h>

namespace xb::xenvm::test {

// ---- xenstore

class FakeStore::Watch : public xen::XenStoreWatch {
public:
    Watch(FakeStore& owner, std::shared_ptr<Watcher> watcher) : owner_(owner), watcher_(std::move(watcher)) {}
    ~Watch() override { owner_.watchers_.remove(watcher_); }

private:
    FakeStore& owner_;
    std::shared_ptr<Watcher> watcher_;
};

void FakeStore::tell(const std::shared_ptr<Watcher>& watcher, const std::string& path) {
    asio::post(executor_, [watcher, path] { watcher->handler(path); });
}

std::vector<std::string> FakeStore::watched() const {
    std::vector<std::string> paths;
    for (const auto& watcher : watchers_)
        paths.push_back(watcher->path);
    return paths;
}

void FakeStore::change(const std::string& path, const std::optional<std::string>& value) {
    changes.push_back(path + (value ? "=" + *value : "-"));
    for (const auto& watcher : watchers_)
        if (watcher->path == path || (watcher->path + "/").starts_with(path + "/"))
            tell(watcher, path);
    if (value) {
        values[path] = *value;
        return;
    }
    std::erase_if(values, [&](const auto& entry) {
        return entry.first == path || entry.first.starts_with(path + "/");
    });
}

Task<std::optional<std::string>> FakeStore::read(std::string path) {
    const auto value = values.find(path);
    if (value == values.end())
        co_return std::nullopt;
    co_return value->second;
}

Task<std::vector<std::string>> FakeStore::list(std::string path) {
    std::vector<std::string> names;
    for (const auto& [node, value] : values) {
        if (!node.starts_with(path + "/"))
            continue;
        const std::string rest = node.substr(path.size() + 1);
        const std::string name = rest.substr(0, rest.find('/'));
        if (names.empty() || names.back() != name)
            names.push_back(name);
    }
    co_return names;
}

Task<> FakeStore::write(std::string path, std::string value) {
    change(path, value);
    co_return;
}

Task<> FakeStore::remove(std::string path) {
    change(path, std::nullopt);
    co_return;
}

Task<> FakeStore::setPermissions(std::string, std::vector<xen::XenStorePermission>) {
    co_return;
}

Task<> FakeStore::apply(Changes changed) {
    for (const auto& [path, value] : changed)
        change(path, value);
    co_return;
}

Task<std::unique_ptr<xen::XenStoreWatch>> FakeStore::watch(std::string path, WatchHandler handler) {
    if (!failWatch.empty())
        throw Error(failWatch);
    auto watcher = std::make_shared<Watcher>(Watcher{path, std::move(handler)});
    watchers_.push_back(watcher);
    tell(watcher, path);
    co_return std::make_unique<Watch>(*this, watcher);
}

// ---- the hypervisor

class FakeHypervisor::Watch : public xen::DomainWatch {
public:
    Watch(FakeHypervisor& owner, std::shared_ptr<Watcher> watcher)
        : owner_(owner), watcher_(std::move(watcher)) {}
    ~Watch() override { owner_.watchers_.remove(watcher_); }

private:
    FakeHypervisor& owner_;
    std::shared_ptr<Watcher> watcher_;
};

bool FakeHypervisor::called(const std::string& call) const {
    return std::ranges::find(calls, call) != calls.end();
}

xen::DomainInfo& FakeHypervisor::get(xen::DomId domid) {
    const auto found = alive.find(domid);
    if (found == alive.end())
        throw Error(fmt::format("there is no domain {}", domid));
    return found->second;
}

xen::DomId FakeHypervisor::add(const std::string& uuid, bool paused) {
    const xen::DomId domid = next_++;
    xen::DomainInfo info;
    info.domid = domid;
    info.uuid = uuid;
    info.paused = paused;
    alive[domid] = info;
    return domid;
}

void FakeHypervisor::tell(xen::DomId domid, xen::DomainEvent event) {
    for (const auto& watcher : watchers_) {
        if (watcher->domid == domid)
            asio::post(executor_, [handler = watcher->handler, event] { handler(event); });
    }
}

void FakeHypervisor::stop(xen::DomId domid, xen::ShutdownReason reason) {
    auto& info = get(domid);
    info.shutdown = true;
    info.reason = reason;
    tell(domid, {xen::DomainEvent::Kind::shutdown, reason});
}

void FakeHypervisor::vanish(xen::DomId domid) {
    alive.erase(domid);
    tell(domid, {xen::DomainEvent::Kind::death, xen::ShutdownReason::poweroff});
}

Task<xen::HostInfo> FakeHypervisor::hostInfo() {
    co_return host;
}

Task<std::vector<xen::DomainInfo>> FakeHypervisor::domains() {
    std::vector<xen::DomainInfo> all;
    for (const auto& [domid, info] : alive)
        all.push_back(info);
    co_return all;
}

Task<std::optional<xen::DomainInfo>> FakeHypervisor::domain(xen::DomId domid) {
    if (!alive.contains(domid))
        co_return std::nullopt;
    co_return alive[domid];
}

Task<std::optional<xen::DomainInfo>> FakeHypervisor::findDomain(std::string uuid) {
    for (const auto& [domid, info] : alive) {
        if (info.uuid == uuid)
            co_return info;
    }
    co_return std::nullopt;
}

Task<xen::DomId> FakeHypervisor::create(xen::DomainConfig config, ProgressHandler progress) {
    calls.push_back("create");
    if (!failCreate.empty())
        throw Error(failCreate);
    const xen::DomId domid = add(config.uuid, true);
    plugged[domid] = config.disks;
    cards[domid] = config.nics;
    built.push_back(std::move(config));
    progress(xen::CreateStep::domainMade, domid);
    if (createWaits)
        co_await gate.wait();
    progress(xen::CreateStep::devicesMade, domid);
    co_return domid;
}

Task<> FakeHypervisor::unpause(xen::DomId domid) {
    calls.push_back(fmt::format("unpause {}", domid));
    if (!failUnpause.empty())
        throw Error(failUnpause);
    get(domid).paused = false;
    co_return;
}

Task<> FakeHypervisor::pause(xen::DomId domid) {
    calls.push_back(fmt::format("pause {}", domid));
    get(domid).paused = true;
    co_return;
}

Task<> FakeHypervisor::destroy(xen::DomId domid) {
    calls.push_back(fmt::format("destroy {}", domid));
    if (!failDestroy.empty())
        throw Error(failDestroy);
    if (alive.contains(domid))
        vanish(domid);
    if (saveWaits)
        gate.set(); // a save of what is gone ends
    co_return;
}

Task<bool> FakeHypervisor::requestShutdown(xen::DomId domid, xen::ShutdownRequest request,
                                           std::chrono::seconds) {
    const bool reboot = request == xen::ShutdownRequest::reboot;
    calls.push_back(fmt::format("request {} {}", reboot ? "reboot" : "poweroff", domid));
    if (requestWaits)
        co_await gate.wait();
    if (acknowledges && obeys && alive.contains(domid))
        stop(domid, reboot ? xen::ShutdownReason::reboot : xen::ShutdownReason::poweroff);
    co_return acknowledges;
}

Task<> FakeHypervisor::powerButton(xen::DomId domid) {
    calls.push_back(fmt::format("button {}", domid));
    if (++presses_ == stopsAtPress)
        stop(domid, xen::ShutdownReason::poweroff);
    co_return;
}

Task<> FakeHypervisor::forceShutdown(xen::DomId domid, xen::ShutdownReason reason) {
    calls.push_back(fmt::format("force {} {}", toString(reason), domid));
    stop(domid, reason);
    co_return;
}

Task<std::unique_ptr<xen::DomainWatch>> FakeHypervisor::watch(xen::DomId domid, EventHandler handler) {
    auto watcher = std::make_shared<Watcher>(Watcher{domid, std::move(handler)});
    watchers_.push_back(watcher);
    if (!alive.contains(domid))
        tell(domid, {});
    else if (alive[domid].shutdown)
        tell(domid, {xen::DomainEvent::Kind::shutdown, alive[domid].reason});
    co_return std::make_unique<Watch>(*this, watcher);
}

Task<std::string> FakeHypervisor::consoleTty(xen::DomId) {
    throw Error("no console");
}

Task<int> FakeHypervisor::acpiState(xen::DomId) {
    co_return acpi_;
}

Task<> FakeHypervisor::save(xen::DomId domid, UniqueFd stream, xen::SaveMode mode) {
    calls.push_back(fmt::format("save {}{}", domid, mode == xen::SaveMode::live ? " live" : ""));
    stop(domid, xen::ShutdownReason::suspend);
    writeAll(stream.get(), "half", "fake");
    if (saveWaits)
        co_await gate.wait();
    if (!alive.contains(domid))
        throw Error("the domain is gone");
    if (!failSave.empty()) {
        get(domid).shutdown = false;
        throw Error(failSave);
    }
    writeAll(stream.get(), " and half", "fake");
}

Task<> FakeHypervisor::resume(xen::DomId domid) {
    calls.push_back(fmt::format("resume {}", domid));
    get(domid).shutdown = false;
    co_return;
}

Task<xen::DomId> FakeHypervisor::restore(xen::DomainConfig config, UniqueFd stream,
                                         ProgressHandler progress) {
    char text[64];
    const ssize_t size = ::read(stream.get(), text, sizeof text);
    calls.push_back("restore " + std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0));
    co_return co_await create(std::move(config), std::move(progress));
}

Task<std::string> FakeHypervisor::configurationJson(xen::DomId) {
    co_return "{}";
}

Task<bool> FakeHypervisor::requestSleep(xen::DomId domid, xen::SleepState wanted, std::chrono::seconds) {
    const bool s3 = wanted == xen::SleepState::s3;
    calls.push_back(fmt::format("sleep {} {}", s3 ? "s3" : "s4", domid));
    if (acknowledges && obeys && s3)
        acpi_ = sleepsIn;
    if (acknowledges && obeys && !s3)
        stop(domid, xen::ShutdownReason::poweroff);
    co_return acknowledges;
}

Task<> FakeHypervisor::dumpCore(xen::DomId domid, std::string path) {
    calls.push_back(fmt::format("dump {}", domid));
    if (!failDump.empty())
        throw Error(failDump);
    writeFileAtomically(path, "core");
    co_return;
}

Task<> FakeHypervisor::wake(xen::DomId domid) {
    calls.push_back(fmt::format("wake {}", domid));
    acpi_ = 0;
    co_return;
}

Task<bool> FakeHypervisor::hasPvDriver(xen::DomId) {
    co_return pvDriver;
}

Task<std::uint64_t> FakeHypervisor::memoryNeeded(xen::DomainConfig) {
    co_return needed;
}

// ---- devices

void FakeHypervisor::requireConsent(const std::string& device, bool force) const {
    if (keepsDevices && !force)
        throw Error("the guest does not let go of " + device);
}

void FakeHypervisor::failToAdd() {
    if (!failAdd.empty() && failAddTimes-- > 0)
        throw Error(failAdd);
}

Task<std::vector<xen::DeviceInfo<xen::DiskConfig>>> FakeHypervisor::disks(xen::DomId domid) {
    get(domid);
    std::vector<xen::DeviceInfo<xen::DiskConfig>> list;
    for (const auto& each : plugged[domid])
        list.push_back({each, 4});
    co_return list;
}

Task<> FakeHypervisor::addDisk(xen::DomId domid, xen::DiskConfig disk) {
    get(domid);
    calls.push_back(fmt::format("add disk {} {}", domid, disk.vdev));
    failToAdd();
    plugged[domid].push_back(std::move(disk));
    co_return;
}

Task<> FakeHypervisor::removeDisk(xen::DomId domid, std::string vdev, bool force) {
    calls.push_back(fmt::format("remove disk {} {}{}", domid, vdev, force ? " by force" : ""));
    requireConsent("disk " + vdev, force);
    std::erase_if(plugged[domid], [&](const auto& each) { return each.vdev == vdev; });
    co_return;
}

Task<> FakeHypervisor::changeMedium(xen::DomId domid, std::string vdev, std::string path) {
    calls.push_back(fmt::format("medium {} {} {}", domid, vdev, path));
    for (auto& each : plugged[domid]) {
        if (each.vdev != vdev)
            continue;
        each.path = path;
        co_return;
    }
    throw Error(fmt::format("domain {} has no disk {}", domid, vdev));
}

Task<std::vector<xen::DeviceInfo<xen::NicConfig>>> FakeHypervisor::nics(xen::DomId domid) {
    get(domid);
    std::vector<xen::DeviceInfo<xen::NicConfig>> list;
    for (const auto& each : cards[domid])
        list.push_back({each, 4});
    co_return list;
}

Task<> FakeHypervisor::addNic(xen::DomId domid, xen::NicConfig nic) {
    get(domid);
    calls.push_back(fmt::format("add nic {} {} {} {}", domid, nic.devid, nic.bridge, nic.backendDomid));
    failToAdd();
    cards[domid].push_back(std::move(nic));
    co_return;
}

Task<> FakeHypervisor::removeNic(xen::DomId domid, int devid, bool force) {
    calls.push_back(fmt::format("remove nic {} {}{}", domid, devid, force ? " by force" : ""));
    requireConsent(fmt::format("network card {}", devid), force);
    std::erase_if(cards[domid], [&](const auto& each) { return each.devid == devid; });
    co_return;
}

Task<xen::MemoryTarget> FakeHypervisor::memoryTarget(xen::DomId domid) {
    const auto& info = get(domid);
    co_return xen::MemoryTarget{info.memoryKib, info.memoryKib, info.maxMemoryKib};
}

Task<> FakeHypervisor::setMemoryTarget(xen::DomId domid, std::uint64_t kib) {
    calls.push_back(fmt::format("memory target {} {}", domid, kib));
    get(domid).memoryKib = kib;
    co_return;
}

Task<std::vector<xen::VcpuInfo>> FakeHypervisor::vcpus(xen::DomId domid) {
    std::vector<xen::VcpuInfo> list(get(domid).vcpus);
    for (unsigned i = 0; i < list.size(); ++i)
        list[i].number = i;
    co_return list;
}

Task<> FakeHypervisor::setOnlineVcpus(xen::DomId domid, unsigned count) {
    calls.push_back(fmt::format("online vcpus {} {}", domid, count));
    co_return;
}

Task<> FakeHypervisor::setSchedulerParameters(xen::DomId domid, xen::SchedulerParameters parameters) {
    calls.push_back(fmt::format("scheduling {} {} {}", domid, parameters.weight, parameters.cap));
    co_return;
}

} // namespace xb::xenvm::test
