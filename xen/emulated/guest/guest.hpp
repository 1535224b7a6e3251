// SPDX-License-Identifier: Apache-2.0
// The emulated guest: a process that plays a domain's kernel and user space. It is a real client of its own
// xenstore ring and real frontends of its devices, and prints only what it learned from them. Owns the
// console line, the frontends and the timers that the test words of its command line set.
#pragma once

#include "xen/emulated/guest/frontend.hpp"
#include "xen/emulated/guest/guest_store.hpp"
#include "xen/emulated/guest_state.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace xb::xen::emulated {

/// What the domain builder gave to the guest (its start-of-day information).
struct StartInfo {
    std::string directory;
    std::uint32_t domid = 0;
    std::string type; ///< pv, pvh, hvm
    std::string kernel;
    std::string ramdisk;
    std::string cmdline;
};

/// Words of the command line (xbtest=WORD[,WORD...]) that make the guest misbehave for tests.
struct TestWords {
    bool ignoreShutdown = false;
    bool hang = false;
    bool noPv = false;
    bool keepDevices = false;
    std::optional<std::pair<std::chrono::steady_clock::time_point, int>> stopAt; ///< and the reason
};
/// Throws std::invalid_argument naming an unknown word.
TestWords parseTestWords(const std::string& cmdline);

class Guest {
public:
    explicit Guest(StartInfo info);

    /// Runs until the guest stops; the SHUTDOWN_* reason.
    int run();

private:
    enum Reason { poweroff = 0, reboot = 1, suspend = 2, crash = 3 };

    void waitForStart();
    void introduceSelf();
    void playStubDomain(const std::string& target);
    void connectToXenbus();
    void serve();
    void poll();
    void handleStoreEvents();
    void onStoreEvent(const std::string& token);
    void scanDevices();
    void onShutdownRequest();
    // guest_saving.cpp
    void resume(const std::string& state);
    void suspendSelf();
    GuestState state() const;
    std::uint64_t uptimeMs() const;
    std::string setVariable(const std::string& arguments);
    void onWakeup();
    // resources.cpp
    void watchResources();
    bool onResourceEvent(const std::string& token); ///< false: none of its
    void onMemoryTarget();
    void onMemoryGranted(std::uint64_t kib);
    void onCpuAvailability();
    void onSysrq();
    void onHypercall();
    void onConsole();
    void onLine(std::string line);
    void runCommand(const std::string& command, const std::string& rest);
    std::string storeCommand(const std::string& path);
    std::string writeDisk(const std::string& arguments);
    std::string pingFrom(const std::string& address);
    void reportDisks();
    void announceReady();
    void setAcpiState(int state);
    void tellHypervisor(const std::string& word);
    void print(const std::string& line);
    void put(const std::string& text);
    void stop(int reason) { stopReason_ = reason; }

    StartInfo info_;
    TestWords words_;
    std::unique_ptr<GuestStore> store_;
    std::unique_ptr<FrontendContext> context_;
    std::vector<std::unique_ptr<Frontend>> devices_;
    std::string line_;
    std::uint64_t memoryKib_ = 0;
    std::set<std::string> offlineCpus_;
    bool ready_ = false;
    int acpiState_ = 0;
    std::string boot_; // random, of this boot
    std::chrono::steady_clock::time_point booted_;
    std::uint64_t suspends_ = 0;
    std::map<std::string, std::string> variables_;
    std::string savedState_; // that we begin with; empty: we boot
    std::optional<int> stopReason_;
};

} // namespace xb::xen::emulated
