// SPDX-License-Identifier: Apache-2.0
#include "fake_hypervisor.hpp"

#include "toolstack/libs/files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unistd.h>

namespace xb::xenvm::test {

// ---- moments

Task<> Moments::step(std::string what) {
    if (failAt != 0 && !failed && passed + 1 >= failAt) {
        ++passed;
        failed = true;
        last = what;
        throw Error("injected fault: " + what);
    }
    co_await point("before " + what);
}

Task<> Moments::point(std::string what) {
    if (killed || ++passed == killAt) {
        if (!std::exchange(killed, true))
            last = what;
        co_await never_.wait();
    }
}

// ---- xenstore

class FakeStore::Watch : public xen::XenStoreWatch {
public:
    Watch(const FakeStore& owner, std::shared_ptr<Watcher> watcher)
        : all_(owner.watchers_), watcher_(std::move(watcher)) {}
    ~Watch() override { all_->remove(watcher_); }

private:
    std::shared_ptr<std::list<std::shared_ptr<Watcher>>> all_;
    std::shared_ptr<Watcher> watcher_;
};

void FakeStore::tell(const std::shared_ptr<Watcher>& watcher, const std::string& path) {
    asio::post(executor_, [watcher, path] { watcher->handler(path); });
}

std::vector<std::string> FakeStore::watched() const {
    std::vector<std::string> paths;
    for (const auto& watcher : *watchers_)
        paths.push_back(watcher->path);
    return paths;
}

void FakeStore::change(const std::string& path, const std::optional<std::string>& value) {
    changes.push_back(path + (value ? "=" + *value : "-"));
    for (const auto& watcher : *watchers_)
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
    co_await moments_.step("reading " + path);
    const auto value = values.find(path);
    if (value == values.end())
        co_return std::nullopt;
    co_return value->second;
}

Task<std::vector<std::string>> FakeStore::list(std::string path) {
    co_await moments_.step("listing " + path);
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
    co_await moments_.step("writing " + path);
    change(path, value);
    co_await moments_.point("after writing " + path);
}

Task<> FakeStore::remove(std::string path) {
    co_await moments_.step("removing " + path);
    change(path, std::nullopt);
    co_await moments_.point("after removing " + path);
}

Task<> FakeStore::setPermissions(std::string, std::vector<xen::XenStorePermission>) {
    co_return;
}

Task<> FakeStore::apply(Changes changed) {
    const std::string what =
        changed.empty() ? "" : changed[0].first + "=" + changed[0].second.value_or("(none)");
    co_await moments_.step("writing " + what);
    for (const auto& [path, value] : changed)
        change(path, value);
    co_await moments_.point("after writing " + what);
}

Task<std::unique_ptr<xen::XenStoreWatch>> FakeStore::watch(std::string path, WatchHandler handler) {
    co_await moments_.step("watching " + path);
    if (!failWatch.empty())
        throw Error(failWatch);
    auto watcher = std::make_shared<Watcher>(Watcher{path, std::move(handler)});
    watchers_->push_back(watcher);
    tell(watcher, path);
    co_return std::make_unique<Watch>(*this, watcher);
}

// ---- the hypervisor

class FakeHypervisor::Watch : public xen::DomainWatch {
public:
    Watch(const FakeHypervisor& owner, std::shared_ptr<Watcher> watcher)
        : all_(owner.watchers_), watcher_(std::move(watcher)) {}
    ~Watch() override { all_->remove(watcher_); }

private:
    std::shared_ptr<std::list<std::shared_ptr<Watcher>>> all_;
    std::shared_ptr<Watcher> watcher_;
};

void FakeHypervisor::takeOver(const FakeHypervisor& other) {
    alive = other.alive;
    plugged = other.plugged;
    cards = other.cards;
    given = other.given;
    halfPlugged = other.halfPlugged;
    xenstore.values = other.xenstore.values;
    next_ = other.next_;
    acpi_ = other.acpi_;
}

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
    for (const auto& watcher : *watchers_) {
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
    co_await moments.step("host facts");
    co_return host;
}

Task<std::vector<xen::DomainInfo>> FakeHypervisor::domains() {
    std::vector<xen::DomainInfo> all;
    for (const auto& [domid, info] : alive)
        all.push_back(info);
    co_return all;
}

Task<std::optional<xen::DomainInfo>> FakeHypervisor::domain(xen::DomId domid) {
    co_await moments.step("the domain's facts");
    if (!alive.contains(domid))
        co_return std::nullopt;
    co_return alive[domid];
}

Task<std::optional<xen::DomainInfo>> FakeHypervisor::findDomain(std::string uuid) {
    co_await moments.step("finding the domain");
    for (const auto& [domid, info] : alive) {
        if (info.uuid == uuid && !info.dying)
            co_return info;
    }
    co_return std::nullopt;
}

Task<xen::DomId> FakeHypervisor::create(xen::DomainConfig config, ProgressHandler progress) {
    calls.push_back("create");
    co_await moments.step("create");
    if (!failCreate.empty())
        throw Error(failCreate);
    const xen::DomId domid = add(config.uuid, true);
    alive.at(domid).name = config.name;
    plugged[domid] = config.disks;
    cards[domid] = config.nics;
    given[domid] = config.pciDevices;
    built.push_back(std::move(config));
    progress(xen::CreateStep::domainMade, domid);
    if (createWaits)
        co_await gate.wait();
    std::exception_ptr failure;
    try {
        co_await moments.step("making the devices");
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) { // everything is undone
        vanish(domid);
        std::rethrow_exception(failure);
    }
    progress(xen::CreateStep::devicesMade, domid);
    co_await moments.point("after create");
    co_return domid;
}

Task<> FakeHypervisor::unpause(xen::DomId domid) {
    calls.push_back(fmt::format("unpause {}", domid));
    co_await moments.step("unpause");
    if (!failUnpause.empty())
        throw Error(failUnpause);
    get(domid).paused = false;
    co_await moments.point("after unpause");
}

Task<> FakeHypervisor::pause(xen::DomId domid) {
    calls.push_back(fmt::format("pause {}", domid));
    co_await moments.step("pause");
    get(domid).paused = true;
    co_await moments.point("after pause");
}

Task<> FakeHypervisor::destroy(xen::DomId domid) {
    calls.push_back(fmt::format("destroy {}", domid));
    co_await moments.step("destroy");
    if (!failDestroy.empty())
        throw Error(failDestroy);
    if (alive.contains(
            domid)) { // as libxl: it stands still, then its devices go, then it is dying, then gone
        get(domid).paused = true;
        plugged[domid].clear();
        cards[domid].clear();
        co_await moments.point("while it is taken apart");
    }
    if (alive.contains(domid)) {
        get(domid).dying = true;
        co_await moments.point("while it is dying");
    }
    if (alive.contains(domid))
        vanish(domid);
    if (saveWaits)
        gate.set(); // a save of what is gone ends
    co_await moments.point("after destroy");
}

Task<bool> FakeHypervisor::requestShutdown(xen::DomId domid, xen::ShutdownRequest request,
                                           std::chrono::seconds) {
    const bool reboot = request == xen::ShutdownRequest::reboot;
    calls.push_back(fmt::format("request {} {}", reboot ? "reboot" : "poweroff", domid));
    co_await moments.step("request");
    if (requestWaits)
        co_await gate.wait();
    if (acknowledges && obeys && alive.contains(domid))
        stop(domid, reboot ? xen::ShutdownReason::reboot : xen::ShutdownReason::poweroff);
    co_await moments.point("after request");
    co_return acknowledges;
}

Task<> FakeHypervisor::powerButton(xen::DomId domid) {
    calls.push_back(fmt::format("button {}", domid));
    co_await moments.step("power button");
    if (++presses_ == stopsAtPress)
        stop(domid, xen::ShutdownReason::poweroff);
    co_await moments.point("after power button");
}

Task<> FakeHypervisor::forceShutdown(xen::DomId domid, xen::ShutdownReason reason) {
    calls.push_back(fmt::format("force {} {}", toString(reason), domid));
    co_await moments.step("stopping by force");
    stop(domid, reason);
    co_await moments.point("after stopping by force");
}

Task<std::unique_ptr<xen::DomainWatch>> FakeHypervisor::watch(xen::DomId domid, EventHandler handler) {
    co_await moments.step("watching the domain");
    auto watcher = std::make_shared<Watcher>(Watcher{domid, std::move(handler)});
    watchers_->push_back(watcher);
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
    co_await moments.step("ACPI state");
    co_return acpi_;
}

Task<> FakeHypervisor::save(xen::DomId domid, UniqueFd stream, xen::SaveMode mode) {
    calls.push_back(fmt::format("save {}{}", domid, mode == xen::SaveMode::live ? " live" : ""));
    co_await moments.step("save");
    stop(domid, xen::ShutdownReason::suspend);
    co_await moments.point("when it stands suspended");
    writeAll(stream.get(), "half", "fake");
    co_await moments.point("when half is written");
    if (saveWaits)
        co_await gate.wait();
    if (!alive.contains(domid))
        throw Error("the domain is gone");
    if (!failSave.empty()) {
        get(domid).shutdown = false;
        throw Error(failSave);
    }
    writeAll(stream.get(), " and half", "fake");
    co_await moments.point("after save");
}

Task<> FakeHypervisor::resume(xen::DomId domid) {
    calls.push_back(fmt::format("resume {}", domid));
    co_await moments.step("resume");
    get(domid).shutdown = false;
    co_await moments.point("after resume");
}

Task<xen::DomId> FakeHypervisor::restore(xen::DomainConfig config, UniqueFd stream,
                                         ProgressHandler progress) {
    char text[64];
    const ssize_t size = ::read(stream.get(), text, sizeof text);
    calls.push_back("restore " + std::string(text, size > 0 ? static_cast<std::size_t>(size) : 0));
    co_return co_await create(std::move(config), std::move(progress));
}

Task<std::string> FakeHypervisor::configurationJson(xen::DomId) {
    co_await moments.step("its configuration");
    co_return "{}";
}

Task<bool> FakeHypervisor::requestSleep(xen::DomId domid, xen::SleepState wanted, std::chrono::seconds) {
    const bool s3 = wanted == xen::SleepState::s3;
    calls.push_back(fmt::format("sleep {} {}", s3 ? "s3" : "s4", domid));
    co_await moments.step("request to sleep");
    if (acknowledges && obeys && s3)
        acpi_ = sleepsIn;
    if (acknowledges && obeys && !s3)
        stop(domid, xen::ShutdownReason::poweroff);
    co_await moments.point("after request to sleep");
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
    co_await moments.step("wake");
    acpi_ = 0;
    co_await moments.point("after wake");
}

Task<bool> FakeHypervisor::hasPvDriver(xen::DomId) {
    co_await moments.step("whether it has a driver");
    co_return pvDriver;
}

Task<std::uint64_t> FakeHypervisor::memoryNeeded(xen::DomainConfig) {
    co_await moments.step("memory needed");
    co_return needed;
}

// ---- devices

void FakeHypervisor::requireConsent(const std::string& device, bool force) const {
    if (keepsDevices && !force)
        throw Error("the guest does not let go of " + device);
}

// It is in the lists of the domain before it is of any use.
Task<> FakeHypervisor::plug(std::string device) {
    halfPlugged.push_back(device);
    co_await moments.point("while it is half plugged: " + device);
    std::erase(halfPlugged, device);
}

void FakeHypervisor::failToAdd() {
    if (!failAdd.empty() && failAddTimes-- > 0)
        throw Error(failAdd);
}

Task<std::vector<xen::DeviceInfo<xen::DiskConfig>>> FakeHypervisor::disks(xen::DomId domid) {
    co_await moments.step("its disks");
    get(domid);
    std::vector<xen::DeviceInfo<xen::DiskConfig>> list;
    for (const auto& each : plugged[domid])
        list.push_back({each, 4});
    co_return list;
}

Task<> FakeHypervisor::addDisk(xen::DomId domid, xen::DiskConfig disk) {
    get(domid);
    calls.push_back(fmt::format("add disk {} {}", domid, disk.vdev));
    co_await moments.step("add disk");
    failToAdd();
    std::string name = "disk " + disk.vdev;
    plugged[domid].push_back(std::move(disk));
    co_await plug(std::move(name));
    co_await moments.point("after add disk");
}

Task<> FakeHypervisor::removeDisk(xen::DomId domid, std::string vdev, bool force) {
    calls.push_back(fmt::format("remove disk {} {}{}", domid, vdev, force ? " by force" : ""));
    co_await moments.step("remove disk");
    requireConsent("disk " + vdev, force);
    std::erase_if(plugged[domid], [&](const auto& each) { return each.vdev == vdev; });
    std::erase(halfPlugged, "disk " + vdev);
    co_await moments.point("after remove disk");
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
    co_await moments.step("its network cards");
    get(domid);
    std::vector<xen::DeviceInfo<xen::NicConfig>> list;
    for (const auto& each : cards[domid])
        list.push_back({each, 4});
    co_return list;
}

Task<std::vector<xen::PciConfig>> FakeHypervisor::pciDevices(xen::DomId domid) {
    get(domid);
    co_return given[domid];
}

Task<> FakeHypervisor::addPci(xen::DomId domid, xen::PciConfig device) {
    co_await moments.step("adding a PCI device");
    calls.push_back(fmt::format("add pci {} {}", domid, toString(device.address)));
    failToAdd();
    given[domid].push_back(device);
}

Task<> FakeHypervisor::removePci(xen::DomId domid, xen::PciAddress address, bool force) {
    calls.push_back(fmt::format("remove pci {} {}{}", domid, toString(address), force ? " by force" : ""));
    requireConsent("PCI device", force);
    std::erase_if(given[domid], [&](const xen::PciConfig& each) { return each.address == address; });
    co_return;
}

Task<> FakeHypervisor::addNic(xen::DomId domid, xen::NicConfig nic) {
    get(domid);
    calls.push_back(fmt::format("add nic {} {} {} {}", domid, nic.devid, nic.bridge, nic.backendDomid));
    co_await moments.step("add nic");
    failToAdd();
    std::string name = fmt::format("nic {}", nic.devid);
    cards[domid].push_back(std::move(nic));
    co_await plug(std::move(name));
    co_await moments.point("after add nic");
}

Task<> FakeHypervisor::removeNic(xen::DomId domid, int devid, bool force) {
    calls.push_back(fmt::format("remove nic {} {}{}", domid, devid, force ? " by force" : ""));
    co_await moments.step("remove nic");
    requireConsent(fmt::format("network card {}", devid), force);
    std::erase_if(cards[domid], [&](const auto& each) { return each.devid == devid; });
    std::erase(halfPlugged, fmt::format("nic {}", devid));
    co_await moments.point("after remove nic");
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

Task<> FakeHypervisor::setAffinity(xen::DomId domid, unsigned vcpu, std::optional<std::vector<unsigned>> hard,
                                   std::optional<std::vector<unsigned>> soft) {
    const auto text = [](const std::optional<std::vector<unsigned>>& cpus) {
        return cpus ? fmt::format("[{}]", fmt::join(*cpus, ",")) : std::string("-");
    };
    co_await moments.step("affinity");
    calls.push_back(fmt::format("affinity {} {} {} {}", domid, vcpu, text(hard), text(soft)));
}

Task<xen::SchedulerParameters> FakeHypervisor::schedulerParameters(xen::DomId) {
    co_return xen::SchedulerParameters{};
}

Task<> FakeHypervisor::setSchedulerParameters(xen::DomId domid, xen::SchedulerParameters parameters) {
    calls.push_back(fmt::format("scheduling {} {} {}", domid, parameters.weight, parameters.cap));
    co_return;
}

} // namespace xb::xenvm::test
