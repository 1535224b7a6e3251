// SPDX-License-Identifier: Apache-2.0
// The properties of a VM that are more than a node of the database.
#include "manager_world.hpp"

#include "toolstack/libs/files.hpp"
#include "xenmgr/slots.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/vm_properties.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenmgr::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto uuid = "11111111-2222-4333-8444-000000000001";

class VmPropertyFunctionsTest : public testing::Test {
protected:
    VmPropertyFunctionsTest() {
        world.await(world.db.inject(vmNode(uuid), R"({"name":"web","type":"svm"})"));
        world.vms.add(uuid, vm);
    }
    void set(const std::string& key, const std::string& value) {
        world.await(world.db.write(vmNode(uuid) + "/" + key, value));
    }
    template <class T>
    T get(const char* name) {
        return std::get<T>(readVmProperty(world.context, *vm, *findVmProperty(name)));
    }
    void put(const char* name, const PropertyContent& value) {
        world.await(writeVmProperty(world.context, vm, *findVmProperty(name), value));
    }

    ManagerWorld world;
    std::shared_ptr<Vm> vm = std::make_shared<Vm>(world.context, uuid);
};

TEST_F(VmPropertyFunctionsTest, AVmIsLockedUntilItsUserHasLoggedIn) {
    EXPECT_EQ(get<std::string>("state"), "stopped");
    set("crypto-user", "ann");
    EXPECT_EQ(get<std::string>("state"), "locked");
    const auto sessions = world.tree.root() / "config/sec";
    makeDirectories(sessions / "s-ann");
    EXPECT_EQ(get<std::string>("state"), "locked") << "a directory is no mount";
    std::filesystem::remove(sessions / "s-ann");
    std::filesystem::create_symlink("/proc", sessions / "s-ann"); // of another file system, as a mount is
    EXPECT_EQ(get<std::string>("state"), "stopped");
    set("crypto-user", "ann/self");
    EXPECT_EQ(get<std::string>("state"), "locked");
    vm->stateReported("running", 3);
    EXPECT_EQ(get<std::string>("state"), "running");
}

TEST_F(VmPropertyFunctionsTest, SeamlessTrafficIsByDefaultWhatTheFlavourSays) {
    EXPECT_FALSE(get<bool>("seamless-traffic"));
    world.tree.file("etc/caps.default", "seamless-traffic-default=\"true\"\n");
    EXPECT_TRUE(get<bool>("seamless-traffic"));
    set("portica-installed", "true");
    set("portica-enabled", "true");
    EXPECT_EQ(get<int>("portica-enabled"), 1);
    set("seamless-traffic", "false");
    EXPECT_FALSE(get<bool>("seamless-traffic"));
    EXPECT_EQ(get<int>("portica-enabled"), 2);
    set("seamless-traffic", "true");
    set("type", "uivm");
    EXPECT_FALSE(get<bool>("seamless-traffic")) << "not for service VMs";
}

TEST_F(VmPropertyFunctionsTest, AListIsReplacedAtOnceAndOnlyIfItChanges) {
    put("extra-xenvm", std::string("a=1;b=\"2\";c=3"));
    EXPECT_EQ(get<std::string>("extra-xenvm"), "a=1;b=\"2\";c=3");
    EXPECT_THAT(world.signals.seen, ElementsAre("vm_config_changed"));
    put("extra-xenvm", std::string("a=1;b=\"2\";c=3"));
    EXPECT_THAT(world.signals.seen, ElementsAre("vm_config_changed")) << "the same again";
    put("extra-xenvm", std::string("d=4"));
    EXPECT_EQ(get<std::string>("extra-xenvm"), "d=4");
    put("extra-xenvm", std::string());
    EXPECT_FALSE(world.db.exists(vmNode(uuid) + "/config/extra-xenvm"));
}

TEST_F(VmPropertyFunctionsTest, TheNetworkOfANicIsWrittenWhenItChanges) {
    set("config/nic/0/network", "br0");
    put("wired-network", std::string("br0"));
    EXPECT_THAT(world.signals.seen, IsEmpty());
    put("wired-network", std::string("br1"));
    EXPECT_EQ(world.db.read(vmNode(uuid) + "/config/nic/0/network"), "br1");
    EXPECT_THAT(world.signals.seen, ElementsAre("vm_config_changed"));
    EXPECT_THAT(ManagerWorld::failure([&] { put("wired-network", std::string()); }), HasSubstr("empty"));
    EXPECT_THAT(ManagerWorld::failure([&] { put("wireless-network", std::string("br1")); }),
                HasSubstr("222:No such NIC"));
}

TEST_F(VmPropertyFunctionsTest, SlotsAreUserVms) {
    set("slot", "2");
    world.await(world.db.inject("/vm/11111111-2222-4333-8444-000000000002", R"({"type":"ndvm","slot":"1"})"));
    EXPECT_EQ(freeSlot(world.db), 1);
    set("slot", "1");
    EXPECT_EQ(freeSlot(world.db), 2);
}

} // namespace
} // namespace xb::xenmgr::test
