// SPDX-License-Identifier: Apache-2.0
// A hypervisor that lives in the test: it keeps domains in memory, writes down every call, and fails, waits
// or stays silent as the test tells it to. Every call comes by moments at which the one who called can be
// killed, or the call fail; what is there then can be handed to the hypervisor of a successor.
#pragma once

#include "toolstack/libs/error.hpp"
#include "xen/hypervisor.hpp"

#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xb::xenvm::test {

/// Moments of the calls so far, counted from 1, and what is to happen at one of them.
class Moments {
public:
    explicit Moments(const Executor& executor) : never_(executor) {}

    std::size_t killAt = 0; ///< whoever called does not go on
    std::size_t failAt = 0; ///< the call fails, if it can there; otherwise where it next can
    bool killed = false;    ///< it came to that
    bool failed = false;
    std::size_t passed = 0;
    std::string last; ///< what it was

    /// Before a call has done anything: it may fail.
    Task<> step(std::string what);
    /// In the middle and at the end of what a call does.
    Task<> point(std::string what);

private:
    Event never_;
};

class FakeStore : public xen::XenStore {
public:
    FakeStore(Executor executor, Moments& moments) : executor_(std::move(executor)), moments_(moments) {}

    std::map<std::string, std::string> values;
    /// Every change, "path=value" or "path-", in order.
    std::vector<std::string> changes;

    Task<std::optional<std::string>> read(std::string path) override;
    Task<std::vector<std::string>> list(std::string path) override;
    Task<> write(std::string path, std::string value) override;
    Task<> remove(std::string path) override;
    Task<> setPermissions(std::string path, std::vector<xen::XenStorePermission> permissions) override;
    Task<> apply(Changes changed) override;
    Task<std::unique_ptr<xen::XenStoreWatch>> watch(std::string path, WatchHandler handler) override;

    /// Somebody writes, or removes a node with what is below.
    void change(const std::string& path, const std::optional<std::string>& value);
    std::vector<std::string> watched() const;
    std::string failWatch; ///< error text of watch()

private:
    class Watch;
    struct Watcher {
        std::string path;
        WatchHandler handler;
    };

    void tell(const std::shared_ptr<Watcher>& watcher, const std::string& path);

    Executor executor_;
    Moments& moments_;
    std::shared_ptr<std::list<std::shared_ptr<Watcher>>> watchers_ =
        std::make_shared<std::list<std::shared_ptr<Watcher>>>(); ///< with its watches, which may outlive it
};

class FakeHypervisor : public xen::Hypervisor {
    Executor executor_; // first: the gate below is made with it

public:
    explicit FakeHypervisor(Executor executor) : executor_(std::move(executor)) {}

    // What the test sets.
    xen::HostInfo host{.totalMemoryKib = 1 << 20,
                       .freeMemoryKib = 1 << 19,
                       .cpus = 2,
                       .version = "4.17",
                       .capabilities = "",
                       .hvm = true};
    std::uint64_t needed = 1 << 16;
    std::string failCreate; ///< error text of create(), before the domain is made
    std::string failUnpause;
    std::string failDestroy;
    bool acknowledges = true;  ///< the guest's driver answers
    bool obeys = true;         ///< and then stops
    int stopsAtPress = 1;      ///< of the power button; 0: never
    bool createWaits = false;  ///< create() waits for letGo() once the domain is made
    bool requestWaits = false; ///< requestShutdown() waits for letGo()
    Event gate{executor_};
    std::string failDump;   ///< error text of dumpCore()
    std::string failSave;   ///< error text of save(), which then lets the guest go on
    bool saveWaits = false; ///< save() waits for letGo(), or until the domain is gone
    bool pvDriver = true;   ///< of the guest
    int sleepsIn = 3;       ///< ACPI state that a guest comes to when it is asked for S3
    std::string failAdd;    ///< error text of addDisk() and addNic(), for failAddTimes of them
    int failAddTimes = 1;
    bool keepsDevices = false; ///< the guest lets go of none unless forced

    // What the test looks at.
    std::vector<std::string> calls;
    std::map<xen::DomId, xen::DomainInfo> alive;
    std::vector<xen::DomainConfig> built;
    std::map<xen::DomId, std::vector<xen::DiskConfig>> plugged; ///< disks of the domains
    std::map<xen::DomId, std::vector<xen::NicConfig>> cards;
    std::map<xen::DomId, std::vector<xen::PciConfig>> given; ///< PCI devices of the domains
    Moments moments{executor_};
    FakeStore xenstore{executor_, moments};
    /// Devices that are half plugged.
    std::vector<std::string> halfPlugged;

    /// The machine as somebody left it who was killed.
    void takeOver(const FakeHypervisor& other);

    /// Puts a domain there that somebody else built.
    xen::DomId add(const std::string& uuid, bool paused);
    /// The domain stops by itself.
    void stop(xen::DomId domid, xen::ShutdownReason reason);
    /// Somebody else destroys it.
    void vanish(xen::DomId domid);
    std::size_t watches() const { return watchers_->size(); }
    bool called(const std::string& call) const;

    Task<xen::HostInfo> hostInfo() override;
    Task<std::vector<xen::DomainInfo>> domains() override;
    Task<std::optional<xen::DomainInfo>> domain(xen::DomId domid) override;
    Task<std::optional<xen::DomainInfo>> findDomain(std::string uuid) override;
    Task<xen::DomId> create(xen::DomainConfig config, ProgressHandler progress) override;
    Task<> unpause(xen::DomId domid) override;
    Task<> pause(xen::DomId domid) override;
    Task<> destroy(xen::DomId domid) override;
    Task<bool> requestShutdown(xen::DomId domid, xen::ShutdownRequest request,
                               std::chrono::seconds limit) override;
    Task<> powerButton(xen::DomId domid) override;
    Task<> forceShutdown(xen::DomId domid, xen::ShutdownReason reason) override;
    Task<std::unique_ptr<xen::DomainWatch>> watch(xen::DomId domid, EventHandler handler) override;
    Task<std::string> consoleTty(xen::DomId domid) override;
    Task<int> acpiState(xen::DomId domid) override;
    Task<std::uint64_t> memoryNeeded(xen::DomainConfig config) override;
    Task<> save(xen::DomId domid, UniqueFd stream, xen::SaveMode mode) override;
    Task<> resume(xen::DomId domid) override;
    Task<xen::DomId> restore(xen::DomainConfig config, UniqueFd stream, ProgressHandler progress) override;
    Task<std::string> configurationJson(xen::DomId domid) override;
    Task<bool> requestSleep(xen::DomId domid, xen::SleepState wanted, std::chrono::seconds limit) override;
    Task<> dumpCore(xen::DomId domid, std::string path) override;
    Task<> wake(xen::DomId domid) override;
    Task<bool> hasPvDriver(xen::DomId domid) override;
    Task<std::vector<xen::DeviceInfo<xen::DiskConfig>>> disks(xen::DomId domid) override;
    Task<> addDisk(xen::DomId domid, xen::DiskConfig disk) override;
    Task<> removeDisk(xen::DomId domid, std::string vdev, bool force) override;
    Task<> changeMedium(xen::DomId domid, std::string vdev, std::string path) override;
    Task<std::vector<xen::DeviceInfo<xen::NicConfig>>> nics(xen::DomId domid) override;
    Task<> addNic(xen::DomId domid, xen::NicConfig nic) override;
    Task<> removeNic(xen::DomId domid, int devid, bool force) override;
    Task<std::vector<xen::PciConfig>> pciDevices(xen::DomId domid) override;
    Task<> addPci(xen::DomId domid, xen::PciConfig device) override;
    Task<> removePci(xen::DomId domid, xen::PciAddress address, bool force) override;
    Task<xen::MemoryTarget> memoryTarget(xen::DomId domid) override;
    Task<> setMemoryTarget(xen::DomId domid, std::uint64_t kib) override;
    Task<std::vector<xen::VcpuInfo>> vcpus(xen::DomId domid) override;
    Task<> setOnlineVcpus(xen::DomId domid, unsigned count) override;
    Task<> setAffinity(xen::DomId domid, unsigned vcpu, std::optional<std::vector<unsigned>> hard,
                       std::optional<std::vector<unsigned>> soft) override;
    Task<xen::SchedulerParameters> schedulerParameters(xen::DomId domid) override;
    Task<> setSchedulerParameters(xen::DomId domid, xen::SchedulerParameters parameters) override;
    xen::XenStore& store() override { return xenstore; }

private:
    class Watch;
    struct Watcher {
        xen::DomId domid;
        EventHandler handler;
    };

    void tell(xen::DomId domid, xen::DomainEvent event);
    xen::DomainInfo& get(xen::DomId domid);
    Task<> plug(std::string device);
    void requireConsent(const std::string& device, bool force) const;
    void failToAdd();

    xen::DomId next_ = 1;
    int presses_ = 0;
    int acpi_ = 0;
    std::shared_ptr<std::list<std::shared_ptr<Watcher>>> watchers_ =
        std::make_shared<std::list<std::shared_ptr<Watcher>>>();
};

} // namespace xb::xenvm::test
