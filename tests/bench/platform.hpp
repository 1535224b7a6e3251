// SPDX-License-Identifier: Apache-2.0
// The platform under measurement: a private bus and the emulated hypervisor for the whole run, and dbd and
// xenmgr on one database after the other, all as processes of their own in a temporary directory.
#pragma once

#include "programs.hpp"
#include "tests/support/private_bus.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xb::bench {

inline constexpr auto xenmgrService = "com.citrix.xenclient.xenmgr";
inline constexpr auto vmInterface = "com.citrix.xenclient.xenmgr.vm";

Call listVms();
Call onVm(const std::string& path, const std::string& method);

class Platform {
public:
    Platform();
    Platform(const Platform&) = delete;
    Platform& operator=(const Platform&) = delete;
    ~Platform();

    const std::string& address() const { return bus_.address(); }
    const std::filesystem::path& directory() const { return directory_.path(); }
    Client& client() { return *client_; }
    pid_t echo() const { return echo_->pid(); }

    /// Starts dbd and xenmgr on the database below `root`; returns the milliseconds from then until xenmgr
    /// answered list_vms.
    double start(const std::filesystem::path& root);
    /// Ends both and waits.
    void stop();
    pid_t dbd() const { return dbd_->pid(); }
    pid_t xenmgr() const { return xenmgr_->pid(); }

    /// The last state that xenmgr announced of a VM.
    const std::string& state(const std::string& vmPath) { return states_[vmPath]; }

private:
    test::TemporaryDirectory directory_;
    test::PrivateBus bus_;
    std::unique_ptr<test::Process> echo_;
    std::unique_ptr<test::Process> bareEcho_;
    std::unique_ptr<test::Process> emulator_;
    std::unique_ptr<Client> client_;
    std::unique_ptr<test::Process> dbd_;
    std::unique_ptr<test::Process> xenmgr_;
    std::map<std::string, std::string> states_;
    bool xenmgrServes_ = false;
};

} // namespace xb::bench
