// SPDX-License-Identifier: Apache-2.0
// One VM: its life state, its domain while it has one, and the operations that lead from one to the other.
// Owns no bus; what happens is told to a listener. One operation at a time; destroy breaks into a start and
// into the waits of a halt, queries never wait. Everything runs on the loop; coroutines hold the Vm alive.
#pragma once

#include "toolstack/libs/log_watch.hpp"
#include "toolstack/libs/task.hpp"
#include "toolstack/libs/unique_fd.hpp"
#include "toolstack/xenvm/config_slots.hpp"
#include "toolstack/xenvm/core_files.hpp"
#include "toolstack/xenvm/domain_builder.hpp"
#include "toolstack/xenvm/life_cycle.hpp"
#include "toolstack/xenvm/node_watches.hpp"
#include "toolstack/xenvm/policy.hpp"
#include "toolstack/xenvm/restart_pace.hpp"
#include "toolstack/xenvm/state_mirror.hpp"
#include "xen/hypervisor.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace xb::xenvm {

/// How long things may take; each is an option of the program.
struct VmLimits {
    /// For the guest's driver to acknowledge a request to stop.
    std::chrono::seconds acknowledge{30};
    /// From the acknowledgement, or the power button, until the domain has stopped.
    std::chrono::milliseconds stop{30 * 60 * 1000};
    /// After which a guest that should stop and does not is stopped by force; 0: never.
    std::chrono::milliseconds forceAfter{0};
    /// Between the presses of the power button, for guests that take the first for a wake-up.
    std::chrono::milliseconds buttonSpacing{1000};
    /// Least time between two starts that xenvm makes by itself, and what it grows to while the VM ends soon
    /// after each, so that one that dies at once does not spin.
    std::chrono::milliseconds restartSpacing{5000};
    std::chrono::milliseconds maxRestartSpacing{5 * 60 * 1000};
};

/// Presses of the power button, the first included.
inline constexpr int powerButtonPresses = 3;

struct VmOptions {
    std::string uuid;
    std::filesystem::path configFile;
    bool strictConfig = false;
    /// Stands for / of the paths in the configuration.
    std::filesystem::path root = "/";
    /// Stands for / of sysfs and proc, which say what PCI devices this machine has.
    std::filesystem::path system = "/";
    VmLimits limits;
    /// Of crashed guests, with enable-dump.
    std::filesystem::path coreDirectory = "/var/lib/xenbroker/cores";
    CoreLimits coreLimits;
    /// Where xenconsoled logs what guests print (guest-NAME.log); empty: nobody does, or not without bounds.
    std::filesystem::path consoleDirectory;
    LogLimits consoleLimits;
};

/// Is told of what happens, on the loop, in order.
class VmListener {
public:
    virtual ~VmListener() = default;
    virtual void stateChanged(LifeState state, int domid) = 0;
    /// Something failed that no caller waits for.
    virtual void failed(const std::string& text) = 0;
    /// The guest set its clock: it is `seconds` off the host's now.
    virtual void timeOffsetChanged(std::int32_t seconds) = 0;
    /// A node of extra-vm-watch or extra-local-watch, called `node` there, has this value now.
    virtual void nodeChanged(const std::string& node, const std::string& value) = 0;
};

class Vm : public std::enable_shared_from_this<Vm> {
public:
    /// `hypervisor` and `listener` outlive the operations; close() ends what is registered with the former.
    Vm(const Executor& executor, xen::Hypervisor& hypervisor, VmOptions options, VmListener& listener);

    /// Finds out what is there: takes over a live domain with our UUID, or the state that the last xenvm
    /// left. Once, before anything else. Throws xb::Error when neither a domain nor a readable configuration
    /// exists.
    Task<> adopt();
    /// What the configuration says to do at start-up, unless a domain or a state was adopted; and the policy
    /// of what ended while nobody watched.
    void begin();

    Task<> start(bool paused);
    Task<> halt(bool forced);
    Task<> reboot(bool forced, bool autoStart);
    Task<> destroy();
    Task<> pause();
    Task<> unpause();
    /// Saves the running guest to `file`, an absolute path below the root, and takes the domain down. On
    /// failure there is no file and the guest goes on. A destroy breaks in.
    Task<> suspend(std::string file, bool live);
    /// The same, but the guest goes on.
    Task<> checkpoint(std::string file, bool live);
    /// Builds the domain from what suspend() or xl wrote; `remove`: the file, after success.
    Task<> restore(std::string file, bool paused, bool remove);
    /// Asks the guest for S3, waits until it sleeps.
    Task<> sleep(std::chrono::seconds limit);
    /// Asks the guest for S4, waits until its domain is gone.
    Task<> hibernate(std::chrono::seconds limit);
    /// Wakes a guest from S3.
    Task<> wakeGuest();

    // Devices (vm_devices.cpp): of the domain, if there is one, and of the configuration of the next start.
    // `entry` is written as in the configuration. Nothing is changed when one of both fails.
    Task<> addDisk(std::string entry);
    /// `force`: also when the guest does not let go of it.
    Task<> removeDisk(std::string device, bool force);
    Task<> addNic(std::string entry);
    Task<> removeNic(int id, bool force);
    /// Another medium for a CD drive of the domain; an empty path ejects.
    Task<> changeMedium(std::string device, std::string path);
    Task<> switchNetwork(int id, std::string network);
    Task<> setNicBackend(int id, int backendDomid);
    /// Plugs the cable of a NIC in or out, for guests whose driver looks at that.
    Task<> setNicLink(int id, bool up);
    Task<std::vector<DiskEntry>> disks();
    Task<std::vector<NicEntry>> nics();

    // PCI devices of the host (vm_pci.cpp), as above.
    Task<> addPci(std::string entry);
    /// `address` is DDDD:BB:SS.F.
    Task<> removePci(std::string address, bool force);
    Task<std::vector<xen::PciConfig>> pciDevices();

    // Memory, virtual CPUs and scheduling of the live domain (vm_resources.cpp), until it ends.
    /// Asks the guest to come to this; above 16 MiB, at most memory-max. Not awaited.
    Task<> setMemoryTarget(std::int32_t mib);
    Task<xen::MemoryTarget> memoryTarget();
    /// So many of its virtual CPUs, the first ones, are to be online.
    Task<> setOnlineVcpus(std::int32_t count);
    /// Weight 1 to 65535; cap in hundredths of a CPU, 0 for none.
    Task<> setScheduling(std::int32_t weight, std::int32_t cap);
    Task<xen::SchedulerParameters> scheduling();
    Task<std::vector<xen::VcpuInfo>> vcpus();
    /// CPUs by number that virtual CPU `vcpu` (-1: each) may run on, and should run on; empty: all.
    Task<> setAffinity(std::int32_t vcpu, std::vector<std::int32_t> hard, std::vector<std::int32_t> soft);

    LifeState state() const { return life_.state(); }
    /// -1 when there is no domain.
    int domid() const { return domid_ ? static_cast<int>(*domid_) : -1; }
    const std::string& uuid() const { return options_.uuid; }
    const std::string& lastError() const { return lastError_; }
    ConfigSlots& config() { return config_; }
    xen::Hypervisor& hypervisor() { return hypervisor_; }
    /// KiB that a start of the latest configuration needs.
    Task<std::uint64_t> memoryToStart();
    /// Whether an operation is under way.
    bool busy() const { return operations_.locked(); }

    /// Before the end of the process: forgets the state in xenstore when a successor has nothing to adopt.
    Task<> leave();
    /// Ends the watches. No operation may be started afterwards.
    void close();

private:
    class DestroyMark;
    struct Acknowledgement;
    struct SaveOutcome;

    // vm.cpp: the operations, under the lock
    /// `owed`: restart when nobody would start it again if we were killed on the way.
    Task<> startLocked(bool paused, Intent owed = Intent::none);
    Task<> build(Intent owed);
    Task<> letRun(Intent intent = Intent::none);
    Task<> abandon(LifeState rest);
    Task<> stopGuest(xen::ShutdownRequest request, bool forced, Intent intent);
    Task<bool> askGuest(xen::ShutdownRequest request);
    static Task<> listenToGuest(std::shared_ptr<Vm> self, std::shared_ptr<Acknowledgement> answer,
                                xen::DomId domid, xen::ShutdownRequest request);
    Task<> pressPowerButton();
    Task<bool> stopsWithin(std::chrono::milliseconds limit);
    Task<> awaitStop(std::chrono::milliseconds limit);
    Task<> takeDown();
    Task<> takeDownForGood();
    void markStopping(Intent intent);
    void recordIntent(Intent intent);
    void failOperation(const std::exception& reason);
    void reportStopReason(const char* what);

    // vm_saving.cpp
    Task<> saveTo(std::filesystem::path path, bool live);
    Task<> runSave(UniqueFd stream, xen::SaveMode mode);
    static Task<> saveInBackground(std::shared_ptr<Vm> self, std::shared_ptr<SaveOutcome> outcome,
                                   xen::DomId domid, UniqueFd stream, xen::SaveMode mode);
    Task<> goOn();
    Task<> restoreAtStartUp(std::string file, bool remove);
    Task<> adoptSave(xen::DomainInfo info, Intent intent);
    Task<> requireSleeper(const char* operation);
    Task<> requestSleep(xen::SleepState wanted, const char* operation);

    Task<> dumpCrash(xen::DomId domid);
    Workers& fileWorkers();

    // vm_adoption.cpp: what is found, and what happens unasked
    Task<> adoptDomain(xen::DomainInfo info, StateMirror::Recorded recorded);
    Task<bool> takeDownAdopted();
    Task<> undo(std::string what);
    Task<> undoDisk(std::string device);
    Task<> undoNic(int id, bool moved);
    Task<> undoPci(std::string address); // vm_pci.cpp
    void adoptState(StateMirror::Recorded recorded);
    Task<> watchDomain();
    void onDomainEvent(xen::DomainEvent event, xen::DomId domid);
    Task<> react(xen::DomId domid);
    Reaction reactionTo(const xen::DomainEvent& event) const;
    Task<> restartLater(unsigned generation);
    Task<> startUp(bool paused);
    Task<> finishRestart();

    // vm_resources.cpp
    Task<> giveShare(CpuShare share);
    /// The domain, when it runs or is paused; refuses otherwise.
    xen::DomId requireLive(const char* operation) const;

    // vm_watches.cpp: the nodes in xenstore that are watched while there is a domain
    Task<> watchNodes();
    void onTimeOffset(const std::string& text);
    Task<> watchConsoleLog();

    // vm_devices.cpp, under the lock
    bool hasLiveDomain() const { return domid_ && !ended_; }
    void requireLiveDomain(const char* operation) const;
    Task<std::optional<xen::NicConfig>> liveNic(int id);
    Task<> replug(xen::NicConfig from, xen::NicConfig to);
    Task<> replugNow(xen::NicConfig from, xen::NicConfig to);
    Task<> undoneIfKilled(std::string undo, Task<> work);
    void editNic(int id, const std::function<void(NicEntry&)>& change);
    MachineFacts machineFacts() const;

    // Both
    void enter(LifeState next, Intent intent = Intent::none);
    void announce();
    void report(const std::string& text);
    [[noreturn]] void refuse(const char* operation) const;
    void requireStartable() const;
    void throwIfDestroyed() const;

    Executor executor_;
    xen::Hypervisor& hypervisor_;
    VmOptions options_;
    VmListener& listener_;
    ConfigSlots config_;
    LifeCycle life_;
    std::shared_ptr<StateMirror> mirror_;
    AsyncMutex operations_;
    /// Set when the domain ends, a destroy is asked for or the guest answers: whoever holds the lock waits
    /// for it.
    Event wake_;

    std::optional<xen::DomId> domid_;
    std::unique_ptr<xen::DomainWatch> watch_;
    std::shared_ptr<NodeWatches> nodes_;
    std::shared_ptr<LogWatch> consoleLog_;
    std::int64_t timeOffset_ = 0; ///< s, of the domain as far as it is known
    std::optional<xen::DomainEvent> ended_;
    bool reacted_ = false; ///< to ended_
    Intent intent_ = Intent::none;
    UniqueFd restoreFrom_;       ///< of the build that is under way; none: the guest boots
    bool saving_ = false;        ///< the guest stops for us
    bool abandonedSave_ = false; ///< by the last xenvm: the guest may stop for a save that nobody makes
    bool adopted_ = false;       ///< a domain or a state of the last xenvm
    int destroyers_ = 0;
    unsigned generation_ = 0; ///< counts operations that make a pending restart pointless
    RestartPace pace_;
    std::string lastError_;
    std::optional<Workers> fileWorkers_; ///< the last member: its thread ends before what it reports to
};

} // namespace xb::xenvm
