// SPDX-License-Identifier: Apache-2.0
// A xenmgr for the command line to talk to: the objects and members that existing scripts use, over the real
// bus layer. It keeps what was set and called for the tests to look at.
#pragma once

#include "fake_interface.hpp"

namespace xb::test {

struct FakeVm {
    std::string path;
    std::shared_ptr<FakeInterface> vm;
    std::shared_ptr<FakeInterface> unrestricted;
    std::shared_ptr<FakeInterface> extra;
};

class FakeXenmgr {
public:
    /// Puts everything on the bus and takes the name. `bulk`: with org.xenbroker.xenmgr.
    explicit FakeXenmgr(Bus& bus, bool bulk = true);

    /// A VM with an object of its own; `domid` -1 is a stopped one.
    FakeVm& addVm(const std::string& uuid, const std::string& name, std::int32_t domid,
                  const std::string& state);
    FakeVm& vm(const std::string& name);
    /// Sets state and domid and announces them.
    void change(FakeVm& vm, const std::string& state, std::int32_t domid);

    std::shared_ptr<FakeInterface> root;
    std::shared_ptr<FakeInterface> host;
    /// Methods called, with their arguments, in order.
    std::vector<std::string> calls;
    /// What get_console and get_last_error answer.
    std::string console;
    std::string lastError;
    /// What start, shutdown and the like do to a VM.
    std::function<Task<>(std::string method, FakeVm& vm)> onOperation;

private:
    void addRoot(bool bulk);
    void addHost();
    void addDevice(FakeVm& vm, const std::string& path, const std::string& interface,
                   const std::string& property);
    FakeInterface::Handler operation(FakeVm& vm, const std::string& name);
    Task<> getVms(std::shared_ptr<IncomingCall> call);

    Bus& bus_;
    std::deque<FakeVm> vms_;
};

} // namespace xb::test
