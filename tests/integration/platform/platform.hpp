// SPDX-License-Identifier: Apache-2.0
// The whole platform for a test: a private bus with the policy that is installed, the emulated hypervisor,
// dbd and xenmgr, as real processes in a directory of their own, and a connection to drive them. Ends
// everything and looks that nothing is left.
#pragma once

#include "idl/db_client.hpp"
#include "idl/org_xenbroker_xenmgr_client.hpp"
#include "idl/vm_disk_client.hpp"
#include "idl/vm_nic_client.hpp"
#include "idl/xenmgr_client.hpp"
#include "idl/xenmgr_host_client.hpp"
#include "idl/xenmgr_vm_client.hpp"
#include "tests/support/loop_runner.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/process.hpp"
#include "toolstack/libs/bus.hpp"
#include "xen/hypervisor.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <unistd.h>

namespace xb::test {

/// The system bus's policy with what this platform adds to it, `root` in the place of root, and `proxy` in
/// that of rpc-proxy's user; without, there is no such user.
BusPolicy shippedPolicy(uid_t root, std::optional<uid_t> proxy = {});

class Platform {
public:
    Platform();
    ~Platform();

    Loop& loop() { return loop_; }
    Bus& bus() { return *bus_; }
    const std::string& address() const { return daemon_.address(); }
    std::filesystem::path root() const { return directory_.path() / "root"; }
    std::filesystem::path emulatorDirectory() const { return directory_.path() / "emulator"; }

    Process& emulator() { return *emulator_; }
    Process& dbd() { return *dbd_; }
    Process& xenmgr() { return *xenmgr_; }
    void startDbd();
    void startXenmgr(const std::vector<std::string>& options = {});
    /// kill -9, and wait until it is gone.
    static void kill(Process& process);
    /// kill -9 of the process that owns a bus name, and wait until the bus has noticed, which may be later:
    /// what others are asked then, they are asked after they were told of its end.
    void killOwner(const std::string& busName, pid_t pid);
    void endDbd() { dbd_.reset(); }
    void endXenmgr() { xenmgr_.reset(); }

    /// The emulated hypervisor, as one more of its users.
    std::unique_ptr<xen::Hypervisor> openHypervisor();

    idl::db::DbClient db();
    idl::xenmgr::XenmgrClient manager();
    idl::xenmgr_host::XenmgrHostClient host();
    idl::xenmgr_vm::XenmgrVmClient vm(const std::string& path);
    idl::vm_disk::VmdiskClient disk(const std::string& path);
    idl::vm_nic::VmnicClient nic(const std::string& path);

    /// Runs a coroutine to its end; its exception becomes ours. Fails after `patience`.
    template <class T>
    T await(Task<T> task) {
        return runner_.await(std::move(task));
    }
    /// Lets the loop run until `condition` holds; it is looked at after every event. False when patience
    /// ends.
    bool waitFor(const std::function<bool()>& condition) { return runner_.waitFor(condition); }

    /// A VM made from the template new-vm-linux that can start: type pvh, a kernel, 32 MiB.
    std::string createVm(const std::string& commandLine = "");
    /// Pid of the VM's xenvm.
    pid_t monitorOf(const std::string& vmPath);
    /// Waits until the process, of whose pid we cannot be the parent, has ended: its name on the bus goes
    /// before.
    static bool waitForEnd(pid_t pid);
    std::string state(const std::string& vmPath);
    bool waitForState(const std::string& vmPath, const std::string& state);
    /// The guest's console since its start.
    std::string console(const std::string& vmPath);
    /// Waits until the guest has said `text`. What a guest says is no event of the bus: the file is watched.
    bool says(const std::string& vmPath, const std::string& text);

    /// Signals of com.citrix.xenclient.xenmgr so far: "member arg arg ...".
    const std::vector<std::string>& signals() const { return signals_; }
    void forgetSignals() { signals_.clear(); }

private:
    TemporaryDirectory directory_;
    PrivateBus daemon_{shippedPolicy(::getuid(), ::getuid())};
    Loop loop_;
    LoopRunner runner_{loop_};
    std::unique_ptr<Bus> bus_;
    std::unique_ptr<Process> emulator_;
    std::unique_ptr<Process> dbd_;
    std::unique_ptr<Process> xenmgr_;
    Subscription subscription_;
    Subscription monitors_;
    std::vector<std::string> signals_;
};

} // namespace xb::test
