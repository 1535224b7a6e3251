// SPDX-License-Identifier: Apache-2.0
// xec-vm --wait: the signals of a VM's way to its state, late, early, or not at all.
#include "fake_xenmgr.hpp"
#include "fixture.hpp"

namespace xb::test {
namespace {

using namespace std::chrono_literals;

class Wait : public ToolTest {
protected:
    Wait() { xenmgr.addVm("00000000-0000-0000-0000-0000000000a1", "alpha", -1, "stopped"); }

    // States that follow each other after the operation has been answered.
    void afterwards(std::vector<std::pair<std::string, std::int32_t>> states) {
        xenmgr.onOperation = [this, states](std::string, FakeVm& vm) -> Task<> {
            loop.spawn("states", follow(xenmgr, vm, states));
            co_return;
        };
    }
    static Task<> follow(FakeXenmgr& xenmgr, FakeVm& vm,
                         std::vector<std::pair<std::string, std::int32_t>> states) {
        for (const auto& [state, domid] : states) {
            co_await delay(20ms);
            xenmgr.change(vm, state, domid);
        }
    }

    FakeXenmgr xenmgr{bus};
    const std::string path = "/vm/00000000_0000_0000_0000_0000000000a1";
};

TEST_F(Wait, EndsWhenTheStateIsThere) {
    afterwards({{"creating", 4}, {"creating", 4}, {"running", 4}});
    EXPECT_EQ(xecVm({"-n", "alpha", "--wait", "start"}), (Result{0, "", ""}));
    EXPECT_EQ(std::get<std::string>(xenmgr.vm("alpha").vm->value("state").data), "running");
    afterwards({{"stopping", 4}, {"stopped", -1}});
    EXPECT_EQ(xecVm({"-n", "alpha", "shutdown", "--wait=30"}), (Result{0, "", ""}));
    EXPECT_EQ(xenmgr.calls, (Words{"start " + path, "shutdown " + path}));
}

TEST_F(Wait, EndsAtOnceWhenTheMethodHasDoneIt) {
    xenmgr.onOperation = [this](std::string, FakeVm& vm) -> Task<> {
        xenmgr.change(vm, "creating", 4);
        xenmgr.change(vm, "running", 4);
        co_return;
    };
    EXPECT_EQ(xecVm({"-n", "alpha", "--wait", "start"}), (Result{0, "", ""}));
}

TEST_F(Wait, ARebootComesBack) {
    xenmgr.change(xenmgr.vm("alpha"), "running", 4);
    afterwards({{"rebooting", 4}, {"rebooted", -1}, {"creating", 5}, {"running", 5}});
    EXPECT_EQ(xecVm({"-n", "alpha", "--wait", "reboot"}), (Result{0, "", ""}));
    EXPECT_EQ(xenmgr.vm("alpha").vm->value("domid"), number(5));
}

TEST_F(Wait, AnotherStateIsAFailureWithItsReason) {
    xenmgr.lastError = "the kernel /nowhere does not exist";
    afterwards({{"creating", 4}, {"stopped", -1}});
    EXPECT_EQ(xecVm({"-n", "alpha", "--wait", "start"}),
              (Result{2, "",
                      "xec-vm: start of " + path +
                          ": the VM is stopped, not running: the kernel /nowhere does not exist\n"}));
}

TEST_F(Wait, ARefusalIsToldAsEver) {
    xenmgr.onOperation = [](std::string, FakeVm&) -> Task<> {
        throw Error("204:Cannot remove running VM");
        co_return;
    };
    EXPECT_EQ(xecVm({"-n", "alpha", "--wait", "start"}),
              (Result{2, "org.freedesktop.DBus.Error.Failed: 204:Cannot remove running VM\n", ""}));
}

TEST_F(Wait, ItsTimeCanRunOut) {
    afterwards({{"creating", 4}});
    const Result late = xecVm({"-n", "alpha", "--wait=0.5", "start"});
    EXPECT_EQ(late.status, 4);
    EXPECT_EQ(late.err, "xec-vm: start of " + path +
                            ": the VM is creating, not running, when the time of --wait is over\n");
}

TEST_F(Wait, AMethodThatDoesNotReturnCountsToo) {
    xenmgr.onOperation = [this](std::string, FakeVm&) -> Task<> { co_await never.wait(); };
    EXPECT_EQ(xecVm({"-n", "alpha", "--wait=0.3", "start"}).status, 4);
}

TEST_F(Wait, IsForSomeMethodsOnly) {
    EXPECT_EQ(xecVm({"-n", "alpha", "--wait", "add-disk"}).status, 1);
    EXPECT_EQ(xecVm({"-n", "alpha", "--wait", "get", "state"}).status, 1);
    EXPECT_EQ(xecVm({"-n", "alpha", "start", "--hurry"}).status, 1);
    EXPECT_TRUE(xenmgr.calls.empty());
}

TEST_F(Wait, OtherVmsDoNotCount) {
    FakeVm& other = xenmgr.addVm("00000000-0000-0000-0000-0000000000b2", "other", -1, "stopped");
    xenmgr.onOperation = [this, &other](std::string, FakeVm& vm) -> Task<> {
        xenmgr.change(vm, "creating", 4);
        xenmgr.change(other, "running", 9);
        co_return;
    };
    EXPECT_EQ(xecVm({"-n", "alpha", "--wait=0.5", "start"}).status, 4);
}

} // namespace
} // namespace xb::test
