// SPDX-License-Identifier: Apache-2.0
// One emulated domain: its configuration, its state as Xen would tell it, and the process, ring files and
// console that it is made of. Owns all of them: destroying it removes the files, kill() ends the process.
#pragma once

#include "toolstack/libs/child.hpp"
#include "xen/emulated/emulator/console.hpp"
#include "xen/emulated/emulator/domain_resources.hpp"
#include "xen/emulated/emulator/options.hpp"
#include "xen/hypervisor.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace xb::xen::emulated {

class Interrupt;

class Domain : public std::enable_shared_from_this<Domain> {
public:
    /// Makes the files of the domain (shared_layout.h) and its console. Throws xb::Error.
    Domain(const Executor& executor, const EmulatorOptions& options, DomId domid, DomainConfig config);
    Domain(const Domain&) = delete;
    Domain& operator=(const Domain&) = delete;
    ~Domain();

    /// Starts the guest's process, which waits for unpause(). `onExit` is called once, when it has ended.
    void startProcess(std::function<void(ExitStatus)> onExit);
    /// It begins with this state, of guest_state.hpp, instead of booting. Before its first unpause().
    void beginWith(const std::string& state) { firstWord_ = "restore\n" + state; }
    /// A guest that stands suspended goes on.
    void resumeGuest();
    /// One after the other; pause() returns once the process stands still.
    Task<> unpause();
    Task<> pause();
    void kill();
    void pressPowerButton() { sendWord("power-button"); }
    /// Gives or takes memory so that the guest has as near to `kib` as may be: what it is granted.
    using MemoryHandler = std::function<std::uint64_t(Domain&, std::uint64_t kib)>;
    void onMemoryRequest(MemoryHandler handler) { memoryHandler_ = std::move(handler); }
    /// Writes the letter that xenstored sees (shared_layout.h).
    void writeState(char letter);

    /// It has shut down or is dying: wakes those who wait for that.
    void setStopped();
    /// Is set as well when the domain stops, if it still exists then.
    void alsoWhenStopped(const std::shared_ptr<Event>& event);

    DomainInfo info() const;
    bool running() const { return !shutdown && !dying; }
    bool hasProcess() const { return child_ && !exited_; }

    const DomId domid;
    const DomainConfig config;
    DomainResources resources;
    bool shutdown = false;
    bool dying = false;
    ShutdownReason reason = ShutdownReason::poweroff;
    bool pvDriver = false; ///< HVM: the guest has said that it has one
    int acpiState = 0;
    std::optional<DomId> stubDomain; ///< in which its device model runs
    std::string savedState;          ///< of the guest, while it stands suspended
    std::function<void()> onSuspended;
    std::weak_ptr<Interrupt> transfer; ///< of a save that is under way
    /// forceShutdown() was called: the reason that the process's end is to have.
    std::optional<ShutdownReason> forced;
    AsyncMutex lifeCycle; ///< held by create, destroy
    AsyncMutex devices;   ///< held by what adds and removes devices while it runs
    Event exited;         ///< the process has ended
    Event stopped;        ///< see setStopped()
    Event gone;           ///< nothing is left
    std::shared_ptr<Console> console;

private:
    Task<> waitForExit(std::shared_ptr<Domain> self, std::function<void(ExitStatus)> onExit);
    void readHypercalls();
    void onHypercall(const std::string& text);
    void sendWord(const std::string& word);
    void answer(const std::string& word);
    void removeFiles();

    Executor executor_;
    AsyncMutex pausing_;
    std::vector<std::weak_ptr<Event>> whenStopped_;
    const EmulatorOptions& options_;
    std::string directory_;
    std::optional<Child> child_;
    asio::posix::stream_descriptor hypercalls_;
    std::string firstWord_ = "start";
    MemoryHandler memoryHandler_;
    bool exited_ = false;
    bool started_ = false;
    bool paused_ = true;
};

} // namespace xb::xen::emulated
