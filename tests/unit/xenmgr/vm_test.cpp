// SPDX-License-Identifier: Apache-2.0
// A VM and a monitor that refuses everything it is asked.
#include "manager_world.hpp"

#include "idl/xenvm_server.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xenmgr/unsupported.hpp"
#include "xenmgr/vm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenmgr::test {
namespace {

using testing::HasSubstr;

constexpr auto uuid = "11111111-2222-4333-8444-000000000001";

class VmTest : public testing::Test {
protected:
    VmTest() {
        world.await(
            world.db.inject(vmNode(uuid), R"({"name":"web","type":"svm"})")); // cannot start: no memory
        world.vms.add(uuid, vm);
        const std::string element = uuidToPathElement(uuid);
        monitor.objects().add("/org/xen/vm/" + element, unsupported<idl::xenvm::XenvmServer>());
        monitor.requestName("org.xen.vm.uuid_" + element);
        vm->stateReported("running", 3);
    }
    /// Lets everything happen that is under way.
    void settle() { world.await(world.bus.owner("org.freedesktop.DBus")); }

    ManagerWorld world;
    Bus monitor{world.loop, world.address()};
    std::shared_ptr<Vm> vm = std::make_shared<Vm>(world.context, uuid);
};

// What the guest does after a request that failed is its own doing again.
TEST_F(VmTest, AFailedShutdownOrRebootDoesNotKeepTheGuestFromRebooting) {
    const auto restarts = [this] {
        vm->stateReported("running", 3);
        vm->stateReported("rebooted", -1);
        settle();
        return vm->lastError();
    };
    EXPECT_THAT(ManagerWorld::failure([&] { world.await(vm->shutdown()); }),
                HasSubstr("shutdown of VM \"web\""));
    EXPECT_THAT(restarts(), HasSubstr("start: VM " + std::string(uuid) + " has no memory"));
    vm->stateReported("running", 3);
    EXPECT_THAT(ManagerWorld::failure([&] { world.await(vm->reboot()); }), HasSubstr("reboot of VM \"web\""));
    EXPECT_THAT(restarts(), HasSubstr("start: VM "));
    vm->stateReported("running", 3);
    EXPECT_THAT(ManagerWorld::failure([&] { world.await(vm->destroy()); }),
                HasSubstr("destroy of VM \"web\""));
    EXPECT_THAT(restarts(), HasSubstr("start: VM "));
}

TEST_F(VmTest, AShutdownOfAGuestThatGoesOffMeanwhileIsDone) {
    const auto stopAndGoOff = [](std::shared_ptr<Vm> guest) -> Task<> {
        const Executor executor = co_await asio::this_coro::executor;
        Event ended(executor);
        std::exception_ptr failure;
        asio::co_spawn(executor, guest->shutdown(), [&](const std::exception_ptr& e) {
            failure = e;
            ended.set();
        });
        EXPECT_FALSE(ended.isSet()) << "the monitor is being asked";
        guest->stateReported("shutdown", -1); // which is why it will refuse
        co_await ended.wait();
        if (failure)
            std::rethrow_exception(failure);
    };
    EXPECT_EQ(ManagerWorld::failure([&] { world.await(stopAndGoOff(vm)); }), "no error");
    EXPECT_EQ(vm->lastError(), "");
}

} // namespace
} // namespace xb::xenmgr::test
