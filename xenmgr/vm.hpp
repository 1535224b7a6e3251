// SPDX-License-Identifier: Apache-2.0
// One VM as xenmgr sees it: its state as its xenvm reports it, and the operations on its domain. The
// configuration is in the database and is read anew for every start; nothing here survives a restart of
// xenmgr but what xenvm tells.
//
// Operations on one VM's life happen one at a time, except destroy, which may interrupt a start.
#pragma once

#include "idl/xenvm_client.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/task.hpp"
#include "xenmgr/context.hpp"
#include "xenmgr/vm_state.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace xb::xenmgr {

class Vm : public std::enable_shared_from_this<Vm> {
public:
    Vm(Context& context, std::string uuid);

    const std::string& uuid() const { return uuid_; }
    /// /vm/<uuid> in the database.
    const std::string& node() const { return node_; }
    /// /vm/<uuid_> on the bus.
    const std::string& objectPath() const { return objectPath_; }
    /// The configured name, or the UUID.
    std::string displayName() const;

    VmState state() const { return state_; }
    /// -1 when there is no domain.
    int domid() const { return domid_; }
    int acpiState() const;
    /// Why the last operation failed or the VM stopped unexpectedly.
    const std::string& lastError() const { return lastError_; }

    Task<> start();
    Task<> shutdown();
    Task<> reboot();
    Task<> destroy();
    Task<> pause();
    Task<> unpause();
    // vm_saving.cpp
    /// Saves the running VM to `file`, an absolute path, and ends its domain.
    Task<> suspendToFile(std::string file);
    /// Starts the VM, which has no domain, from such a file; the file stays.
    Task<> resumeFromFile(std::string file);
    /// Makes the guest sleep (S3); nothing if it sleeps.
    Task<> sleep();
    /// Makes the guest hibernate (S4); nothing if it does not run.
    Task<> hibernate();
    /// Wakes the guest from S3.
    Task<> resume();
    /// Path of the console's pty. Throws while there is none.
    Task<std::string> console();
    /// Asks the monitor for the state, after a restart of xenmgr.
    Task<> adopt();
    /// Ends the monitor of a stopped VM, before it is deleted.
    Task<> dismiss();

    /// Serialises changes of the VM's disks and NICs.
    AsyncMutex& deviceLock() { return deviceLock_; }

    // Reports of the monitor (XenvmLinks::Listener).
    void stateReported(const std::string& word, int domid);
    void errorReported(const std::string& text);
    /// The guest set its clock: the next start uses this offset (s).
    void timeOffsetReported(int seconds);
    void monitorGone();

private:
    /// Asks the monitor, which has the configuration, to make the domain.
    using Bringer = std::function<Task<>(idl::xenvm::XenvmClient monitor)>;

    /// To ask it, once the bus has said whether it is there.
    Task<idl::xenvm::XenvmClient> monitor();
    Task<> startLocked();
    Task<> prepareAndStart();
    Task<> bringUp(const char* operation, Bringer bring);
    void requireRunning(const char* operation) const;
    void setAsleep(bool asleep);
    Task<> wake();
    Task<> configureMonitor(std::string file);
    Task<> stopForReboot();
    Task<> finishStart();
    void stayDown();
    Task<> restartAfterReboot();
    Task<> restartKeptAlive();
    Task<> recover();
    Task<> keepTimeOffset();
    /// Starts the monitor if need be, with the configuration in `file` if that is not empty, and asks it.
    Task<> reachMonitor(std::string file, std::function<Task<>()> ask);
    /// Asks the monitor, which is started if need be, how the VM is; false when it reported by itself
    /// meanwhile, which is newer.
    Task<bool> askMonitor(std::string& word, int& domid, bool& asleep);
    bool restartsTooOften();
    void setState(VmState state, int domid);
    void react(VmState state);
    /// "start of VM "name"", for errors.
    std::string describe(const char* operation) const;
    void requestFailed(const std::string& what, const Error& e);
    void failed(const std::string& what, const std::string& reason);

    Context& context_;
    std::string uuid_;
    std::string node_;
    std::string objectPath_;
    VmState state_ = VmState::shutdown;
    int domid_ = -1;
    std::string lastError_;
    std::uint64_t reports_ = 0;     ///< of the monitor, so far
    std::optional<int> timeOffset_; ///< still to be written to the database
    Event timeOffsetKept_;
    bool stopRequested_ = false;
    bool asleep_ = false; ///< in S3, as far as we made or found it; no one tells when a guest wakes by itself
    AsyncMutex operation_;
    AsyncMutex destruction_; ///< held by destroy, which does not wait for other operations
    AsyncMutex deviceLock_;
    std::deque<std::chrono::steady_clock::time_point> restarts_;
};

} // namespace xb::xenmgr
