// SPDX-License-Identifier: Apache-2.0
// Rules for PCI devices: what they choose, how they are kept, and what the monitor is told.
#include "manager_world.hpp"

#include "xenmgr/pci_object.hpp"
#include "xenmgr/pci_rules.hpp"
#include "xenmgr/start_checks.hpp"
#include "xenmgr/vm.hpp"
#include "xenmgr/xenvm_config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::xenmgr::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

constexpr auto uuid = "11111111-2222-4333-8444-000000000001";
constexpr auto other = "11111111-2222-4333-8444-000000000002";
constexpr auto interface = "com.citrix.xenclient.xenmgr.vm.pci";

class PciRulesTest : public testing::Test {
protected:
    PciRulesTest() {
        world.tree.pci("0000:00:02.0", "0x030000", "0x8086", "0x5916", true);
        world.tree.pci("0000:02:00.0", "0x020000", "0x8086", "0x10d3");
        world.tree.pci("0000:03:00.0", "0x028000", "0x168c", "0x003e");
        world.tree.pci("0000:04:1f.3", "0x038000", "0x10de", "0x1c03");
        add(uuid, "web");
        add(other, "net");
        world.bus.objects().add(path, std::make_shared<PciObject>(world.context, world.vms.find(uuid)));
    }
    void add(const std::string& id, const std::string& name) {
        world.await(world.db.inject(vmNode(id), R"({"name":")" + name +
                                                    R"(","config":{"virt-type":"hvm","memory":"64"}})"));
        world.vms.add(id, std::make_shared<Vm>(world.context, id));
    }
    void rule(const std::string& classCode, const std::string& vendor, const std::string& device) {
        world.call(path, interface, "add_pt_rule", classCode, vendor, device);
    }
    void rule(const std::string& address) { world.call(path, interface, "add_pt_rule_bdf", address); }
    template <class... T>
    std::string failureOf(const char* member, T... values) {
        return ManagerWorld::failure([&] { world.call(path, interface, member, values...); });
    }
    std::vector<std::string> rules() {
        std::vector<std::string> list;
        for (const auto& each : world.ask<std::vector<StringMap>>(path, interface, "list_pt_rules"))
            list.push_back(each.at("id") + " " + each.at("rule"));
        return list;
    }
    std::vector<std::string> devices() {
        std::vector<std::string> list;
        for (const auto& each : world.ask<std::vector<StringMap>>(path, interface, "list_pt_pci_devices"))
            list.push_back(each.at("addr"));
        return list;
    }
    std::vector<std::string> lines(const std::string& key) {
        std::istringstream text(xenvmConfig(world.context, uuid));
        std::vector<std::string> found;
        for (std::string line; std::getline(text, line);)
            if (line.starts_with(key + " = "))
                found.push_back(line.substr(key.size() + 3));
        return found;
    }

    ManagerWorld world;
    const std::string path = "/vm/1";
};

TEST_F(PciRulesTest, RulesAreAddedOnceListedAndDeleted) {
    EXPECT_THAT(rules(), IsEmpty());
    rule("0x200", "", "any");
    rule("512", "", ""); // the same in decimal
    rule("", "0x168c", "62");
    rule("0000:02:00.0");
    rule("0000:02:00.0@1a"); // the same with a slot
    EXPECT_THAT(rules(),
                ElementsAre("1 match class=0x0200 vendor=any device=any",
                            "2 match class=any vendor=0x168c device=0x003e", "3 bdf=0000:02:00.0 @ 1a"));
    EXPECT_EQ(world.db.read("/vm/" + std::string(uuid) + "/config/pci/3/bdf"), "0000:02:00.0@1a");
    world.call(path, interface, "delete_pt_rule", std::string("0x0200"), std::string(), std::string());
    world.call(path, interface, "delete_pt_rule_bdf", std::string("0000:02:00.0"));
    EXPECT_THAT(rules(), ElementsAre("2 match class=any vendor=0x168c device=0x003e"));
    rule("0000:03:00.0"); // takes the key that became free
    EXPECT_THAT(rules(), testing::Contains("1 bdf=0000:03:00.0"));
    EXPECT_THAT(world.signals.seen, testing::Contains("vm_config_changed"));
}

TEST_F(PciRulesTest, ARuleChoosesByClassVendorAndDevice) {
    rule("0x0200", "0x8086", "");
    EXPECT_THAT(devices(), ElementsAre("0000:02:00.0"));
    rule("", "", "0x1c03");
    EXPECT_THAT(devices(), ElementsAre("0000:02:00.0", "0000:04:1f.3"));
    world.call(path, interface, "delete_pt_rule", std::string(), std::string(), std::string("0x1c03"));
    rule("0x0300", "", ""); // all displays
    EXPECT_THAT(devices(), ElementsAre("0000:00:02.0", "0000:02:00.0", "0000:04:1f.3"));
}

TEST_F(PciRulesTest, TheMonitorIsToldEachDeviceOnce) {
    rule("0000:02:00.0@1a");
    rule("0x0200", "", "");
    rule("0x0280", "", "");
    EXPECT_THAT(lines("pci"), ElementsAre("0,bind,0000:02:00.0,guest_slot=26", "1,bind,0000:03:00.0"));
    world.await(world.db.write(vmNode(uuid) + "/greedy-pciback-bind", "false"));
    EXPECT_THAT(lines("pci"), ElementsAre("0,0000:02:00.0,guest_slot=26", "1,0000:03:00.0"));
}

TEST_F(PciRulesTest, ASlotCanBeThatOfTheHost) {
    world.await(
        world.db.inject(vmNode(uuid) + "/config/pci/1", R"({"bdf":"0000:04:1F.3","force-slot":"true"})"));
    EXPECT_THAT(lines("pci"), ElementsAre("0,bind,0000:04:1f.3,guest_slot=31"));
}

TEST_F(PciRulesTest, WhatTheHostDoesNotHaveIsLeftToTheMonitorToRefuse) {
    world.await(world.db.write(vmNode(uuid) + "/config/pci/1/bdf", "0000:7f:00.0"));
    EXPECT_THAT(lines("pci"), ElementsAre("0,bind,0000:7f:00.0"));
    EXPECT_THAT(devices(), IsEmpty());
}

TEST_F(PciRulesTest, RulesWithoutSenseAreRefused) {
    const std::string empty;
    EXPECT_THAT(failureOf("add_pt_rule", empty, std::string("any"), empty),
                AllOf(HasSubstr("InvalidArgs|"), HasSubstr("every device of the host")));
    for (const char* number : {"0x", "0x10000", "65536", "-1", "20x", "0x12g"})
        EXPECT_THAT(failureOf("add_pt_rule", std::string(number), empty, empty), HasSubstr("is not a number"))
            << number;
    for (const char* address :
         {"", "02:00.0", "0000:02:00.0@", "0000:02:00.0@20", "0000:02:00.0@1@2", "0000:02:0g.0"})
        EXPECT_THAT(failureOf("add_pt_rule_bdf", std::string(address)), HasSubstr("is not a PCI address"))
            << address;
    EXPECT_THAT(failureOf("add_pt_rule_bdf", std::string("0000:7f:00.0")),
                HasSubstr("has no PCI device 0000:7f:00.0"));
    EXPECT_THAT(rules(), IsEmpty());
}

TEST_F(PciRulesTest, AStoredRuleWithoutConditionsIsNamed) {
    world.await(world.db.write(vmNode(uuid) + "/config/pci/4/comment", "nothing else"));
    EXPECT_THAT(ManagerWorld::failure([&] { checkBeforeStart(world.context, uuid); }),
                AllOf(HasSubstr("InvalidArgs|PCI rule 4 of VM "), HasSubstr("every device")));
}

TEST_F(PciRulesTest, ADeviceOfARunningVmIsRefused) {
    rule("0x0200", "", "");
    world.await(world.db.write(vmNode(other) + "/config/pci/1/bdf", "0000:02:00.0"));
    const auto refusal = [&] {
        return ManagerWorld::failure([&] { checkBeforeStart(world.context, uuid); });
    };
    EXPECT_EQ(refusal(), "no error"); // the other one does not run
    world.vms.find(other)->stateReported("running", 7);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("230:"), HasSubstr("0000:02:00.0 is for VM \"net\"")));
    world.await(world.db.write(vmNode(other) + "/config/pci/1/bdf", "0000:03:00.0"));
    EXPECT_EQ(refusal(), "no error");
}

} // namespace
} // namespace xb::xenmgr::test
