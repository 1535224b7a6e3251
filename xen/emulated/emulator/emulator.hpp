// SPDX-License-Identifier: Apache-2.0
// The emulated machine: the table of domains, the memory that they share, xenstored, and the life cycle of a
// domain. Owns everything that runs; control_server.hpp puts it on a socket. All operations throw xb::Error.
#pragma once

#include "toolstack/libs/loop.hpp"
#include "xen/emulated/emulator/domain.hpp"
#include "xen/emulated/emulator/faults.hpp"
#include "xen/emulated/emulator/options.hpp"
#include "xen/emulated/emulator/vchan_hub.hpp"
#include "xen/emulated/emulator/xenstored_process.hpp"
#include "xen/xenstore_client.hpp"

#include <functional>
#include <map>
#include <memory>

namespace xb::xen::emulated {

class Backends;
class Interrupt;
class HotDevices;

class Emulator {
public:
    using EventHandler = std::function<void(DomId, DomainEvent)>;

    Emulator(const Executor& executor, EmulatorOptions options);
    Emulator(const Emulator&) = delete;
    Emulator& operator=(const Emulator&) = delete;
    ~Emulator();

    /// Starts xenstored and fills in domain 0. `onLost` is called when xenstored ends by itself.
    Task<> start(std::function<void(std::string)> onLost);
    /// Ends all domains and xenstored and removes every file.
    Task<> stop();
    /// Is told of every domain that goes on after a suspend.
    void setResumeHandler(std::function<void(DomId)> handler) { onResume_ = std::move(handler); }
    /// Is told of every shutdown and death.
    void setEventHandler(EventHandler handler) { onEvent_ = std::move(handler); }

    HostInfo hostInfo() const;
    std::vector<DomainInfo> domains() const;
    /// `state`: of the guest that goes on in it (guest_state.hpp); empty: it boots.
    Task<DomId> create(DomainConfig config, Hypervisor::ProgressHandler progress, std::string state = {});
    Task<> unpause(DomId domid);
    Task<> pause(DomId domid);
    Task<> destroy(DomId domid);
    Task<bool> requestShutdown(DomId domid, std::string word, std::chrono::seconds limit);
    void powerButton(DomId domid);
    Task<> forceShutdown(DomId domid, ShutdownReason reason);
    int acpiState(DomId domid) const { return existing(domid)->acpiState; }
    // emulator_saving.cpp
    Task<> save(DomId domid, UniqueFd stream);
    Task<> resume(DomId domid);
    Task<DomId> restore(DomainConfig config, UniqueFd stream, Hypervisor::ProgressHandler progress);
    /// Writes what there is of a core: emulated guests have no memory of their own.
    Task<> dumpCore(DomId domid, UniqueFd file);
    const DomainConfig& configuration(DomId domid) const { return existing(domid)->config; }
    bool hasPvDriver(DomId domid) const;
    /// Devices of running domains (hot_devices.hpp).
    Task<> addDisk(DomId domid, DiskConfig disk);
    Task<> removeDisk(DomId domid, std::string vdev, bool force);
    Task<> changeMedium(DomId domid, std::string vdev, std::string path);
    Task<> addNic(DomId domid, NicConfig nic);
    Task<> removeNic(DomId domid, std::uint32_t devid, bool force);

    // ---- memory, processors and host (resources.cpp), as in Hypervisor
    MemoryTarget memoryTarget(DomId domid) const;
    Task<> setMemoryTarget(DomId domid, std::uint64_t kib);
    void setMaxMemory(DomId domid, std::uint64_t kib);
    std::vector<VcpuInfo> vcpus(DomId domid) const;
    Task<> setOnlineVcpus(DomId domid, unsigned count);
    void setAffinity(DomId domid, unsigned vcpu, const std::optional<std::vector<unsigned>>& hard,
                     const std::optional<std::vector<unsigned>>& soft);
    SchedulerParameters schedulerParameters(DomId domid) const;
    void setSchedulerParameters(DomId domid, SchedulerParameters parameters);
    const std::string& consoleRing() const { return consoleRing_; }
    void sendDebugKeys(const std::string& keys);
    Task<> sendSysrq(DomId domid, std::string key);

    Faults& faults() { return faults_; }
    const EmulatorOptions& options() const { return options_; }

private:
    using DomainPtr = std::shared_ptr<Domain>;

    DomainPtr existing(DomId domid) const;
    DomainPtr running(DomId domid) const;
    std::uint64_t freeMemoryKib() const;
    std::uint64_t grantMemory(Domain& domain, std::uint64_t kib) const;
    void printOnXen(const std::string& line);
    void checkClash(const DomainConfig& config) const;
    DomId allocateDomId();
    Task<> build(DomainPtr domain, Hypervisor::ProgressHandler progress, bool restoring);
    Task<> startStubDomain(DomainPtr domain, bool restoring); // emulator_stub.cpp
    Task<> tearDown(DomainPtr domain);
    void onSuspended(const DomainPtr& domain);
    std::shared_ptr<Interrupt> newTransfer();
    void endTransfers();
    void onExit(const DomainPtr& domain, const ExitStatus& status);
    void removeFiles(bool all);
    Task<> watchXenstored(std::function<void(std::string)> onLost);

    Executor executor_;
    EmulatorOptions options_;
    Faults faults_;
    XenstoredProcess xenstored_;
    std::unique_ptr<XenStoreClient> store_;
    std::unique_ptr<Backends> backends_;
    std::unique_ptr<HotDevices> hotDevices_;
    VchanHub vchans_;
    std::map<DomId, DomainPtr> domains_;
    DomId nextDomId_ = 1;
    std::string consoleRing_; ///< what Xen printed; the beginning is lost when it is full
    EventHandler onEvent_;
    std::function<void(DomId)> onResume_;
    std::vector<std::weak_ptr<Interrupt>> transfers_;
    Event xenstoredGone_;
    bool stopping_ = false;
};

} // namespace xb::xen::emulated
