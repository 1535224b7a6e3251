// SPDX-License-Identifier: Apache-2.0
// The object /host as a client sees it, on a made-up machine.
#include "xenmgr/host_object.hpp"

#include "manager_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <limits>

namespace xb::xenmgr {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string host = "com.citrix.xenclient.xenmgr.host";

class HostObjectTest : public testing::Test {
protected:
    HostObjectTest() {
        world.hypervisor.host.totalMemoryKib = 8 * 1024 * 1024;
        world.hypervisor.host.freeMemoryKib = 3 * 1024 * 1024 + 1023;
        world.hypervisor.host.cpus = 4;
        world.bus.objects().add("/host", std::make_shared<HostObject>(world.context));
    }

    std::vector<StringMap> list(const std::string& method) {
        return world.ask<std::vector<StringMap>>("/host", host, method);
    }

    test::ManagerWorld world;
};

TEST_F(HostObjectTest, GetAllHasEveryPropertyEvenOnAMachineThatSaysNothing) {
    const auto values = world.getAll("/host", host);
    EXPECT_EQ(values.size(), HostObject::staticInfo().properties.size());
    EXPECT_EQ(values.at("state").get<std::string>(), "idle");
    EXPECT_EQ(values.at("total-mem").get<std::int32_t>(), 8192);
    EXPECT_EQ(values.at("free-mem").get<std::int32_t>(), 3072);
    EXPECT_EQ(values.at("cpu-count").get<std::int32_t>(), 4);
    EXPECT_EQ(values.at("playback-pcm").get<std::string>(), "00-00");
    EXPECT_EQ(values.at("build-info").get<StringMap>().at("version"), XENBROKER_VERSION);
    EXPECT_EQ(values.at("model").get<std::string>(), "");
}

TEST_F(HostObjectTest, AGetAnswersWhatTheGetAllDoes) {
    world.tree.file("/sys/class/dmi/id/product_name", "Model 7\n");
    for (const auto& [name, value] : world.getAll("/host", host)) {
        Variant single;
        world.call("/host", test::ManagerWorld::propertiesInterface, "Get", host, name) >> single;
        EXPECT_EQ(single.peekValueType(), value.peekValueType()) << name;
    }
    EXPECT_EQ(world.get<std::string>("/host", host, "model"), "Model 7");
}

TEST_F(HostObjectTest, ASilentHypervisorCostsItsPropertiesOnly) {
    world.hypervisor.broken = true;
    const auto values = world.getAll("/host", host);
    EXPECT_FALSE(values.contains("total-mem"));
    EXPECT_TRUE(values.contains("model"));
    EXPECT_THAT(test::ManagerWorld::failure([&] { world.get<std::int32_t>("/host", host, "total-mem"); }),
                HasSubstr("does not answer"));
}

TEST_F(HostObjectTest, MemoryIsCutOffAtTheLargestNumber) {
    world.hypervisor.host.totalMemoryKib = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(world.get<std::int32_t>("/host", host, "total-mem"), std::numeric_limits<std::int32_t>::max());
}

TEST_F(HostObjectTest, WritableProperties) {
    EXPECT_FALSE(world.get<bool>("/host", host, "ui-ready"));
    world.set("/host", host, "ui-ready", true);
    EXPECT_TRUE(world.get<bool>("/host", host, "ui-ready"));
    world.set("/host", host, "playback-pcm", std::string("01-07"));
    EXPECT_EQ(world.db.read("/audio/playback-pcm"), "01-07");
    EXPECT_EQ(world.get<std::string>("/host", host, "playback-pcm"), "01-07");
    EXPECT_EQ(world.get<std::string>("/host", host, "capture-pcm"), "00-00");
    EXPECT_THAT(
        test::ManagerWorld::failure([&] { world.set("/host", host, "capture-pcm", std::string("hw:0")); }),
        HasSubstr("InvalidArgs"));
}

TEST_F(HostObjectTest, TimeAndServices) {
    const auto before = std::time(nullptr);
    std::int32_t seconds = 0;
    world.call("/host", host, "get_seconds_from_epoch") >> seconds;
    EXPECT_GE(seconds, before);
    EXPECT_LE(seconds, std::time(nullptr));
    bool running = false;
    world.call("/host", host, "is_service_running", std::string("com.citrix.xenclient.db")) >> running;
    EXPECT_TRUE(running);
    world.call("/host", host, "is_service_running", std::string("org.example.nobody")) >> running;
    EXPECT_FALSE(running);
}

TEST_F(HostObjectTest, ListsOfAMachineWithoutHardwareAreEmpty) {
    for (const char* method : {"list_pci_devices", "list_gpu_devices", "list_disk_devices", "list_cd_devices",
                               "list_playback_devices", "list_capture_devices", "list_sound_cards"})
        EXPECT_THAT(list(method), IsEmpty()) << method;
}

TEST_F(HostObjectTest, GpusHaveTheirPlacementAndReservedOnesAreLeftOut) {
    world.tree.file("/etc/caps.default", "secondary-gpu-pt=true\n");
    world.tree.pci("0000:00:02.0", "0x030000", "0x8086", "0x1", true);
    world.tree.pci("0000:01:00.0", "0x030000", "0x10de", "0x2");
    world.tree.pci("0000:02:00.0", "0x030000", "0x10de", "0x3");
    world.await(world.db.write("/xenmgr/dh/gpu", "0000:01:00.0,0000:05:00.0"));
    world.await(world.db.write("/xenmgr/gpu-placement/0000:00:02.0", "7"));
    EXPECT_THAT(list("list_gpu_devices"),
                ElementsAre(StringMap{{"addr", "0000:00:02.0"}, {"name", "8086:0001"}, {"placement", "7"}},
                            StringMap{{"addr", "0000:02:00.0"}, {"name", "10de:0003"}, {"placement", "1"}}));
}

TEST_F(HostObjectTest, CdDrivesHaveTheirStickyOwner) {
    world.tree.file("/sys/bus/scsi/devices/1:0:0:0/type", "5\n");
    world.tree.file("/sys/bus/scsi/devices/2:0:0:0/type", "5\n");
    world.await(world.db.write("/xenmgr/cdassign/2_0_0_0", "00000000-0000-0000-0000-000000000009"));
    const auto drives = list("list_cd_devices");
    ASSERT_EQ(drives.size(), 2U);
    EXPECT_EQ(drives[0].at("vm") + drives[0].at("vm-sticky"), "0");
    EXPECT_EQ(drives[1].at("vm"), "00000000-0000-0000-0000-000000000009");
    EXPECT_EQ(drives[1].at("vm-sticky"), "1");
}

TEST_F(HostObjectTest, IsosOfTheConfiguredDirectory) {
    world.tree.file("/srv/images/one.iso", "");
    auto names = world.ask<std::vector<std::string>>("/host", host, "list_isos");
    EXPECT_THAT(names, IsEmpty());
    world.await(world.db.write("/xenmgr/isos", "/srv/images"));
    names = world.ask<std::vector<std::string>>("/host", host, "list_isos");
    EXPECT_THAT(names, ElementsAre("one.iso"));
}

TEST_F(HostObjectTest, WhatIsNotThereYetSaysSo) {
    const auto refused = [&](const std::string& method, auto... arguments) {
        return test::ManagerWorld::failure([&] { world.call("/host", host, method, arguments...); });
    };
    for (const char* method : {"shutdown", "shutdown_idle", "reboot", "sleep", "hibernate",
                               "get_displayhandler_gpu", "list_gpus_for_displayhandler"}) {
        EXPECT_THAT(refused(method), HasSubstr("NotSupported")) << method;
        EXPECT_THAT(refused(method), HasSubstr(host + "." + method));
    }
    const std::string text = "x";
    EXPECT_THAT(refused("assign_cd_device", text, true, text), HasSubstr("NotSupported"));
    EXPECT_THAT(refused("set_license", text, text, text), HasSubstr("NotSupported"));
    EXPECT_THAT(refused("get_gpu_placement", text), HasSubstr("NotSupported"));
    EXPECT_THAT(refused("set_sound_card_control", text, text, text), HasSubstr("NotSupported"));
}

} // namespace
} // namespace xb::xenmgr
