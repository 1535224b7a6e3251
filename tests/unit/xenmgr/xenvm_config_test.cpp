// SPDX-License-Identifier: Apache-2.0
// What a VM's monitor is told to build, and what is refused before it is asked.
#include "manager_world.hpp"

#include "toolstack/libs/files.hpp"
#include "xenmgr/dependencies.hpp"
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

constexpr auto uuid = "11111111-2222-4333-8444-000000000001";
constexpr auto netVm = "11111111-2222-4333-8444-000000000002";

class XenvmConfigTest : public testing::Test {
protected:
    XenvmConfigTest() {
        add(uuid, R"({"name":"web","type":"svm","config":{"virt-type":"hvm","memory":"64",
                     "nic":{"0":{"id":"0","network":"/wired/0/bridged","mac":"00:16:3e:00:00:01"}}}})");
        add(netVm, R"({"name":"net","type":"ndvm"})");
        set("/networks/_wired_0_bridged/bridge", "br7");
    }
    void add(const std::string& id, const std::string& json) {
        world.await(world.db.inject(vmNode(id), json));
        world.vms.add(id, std::make_shared<Vm>(world.context, id));
    }
    void set(const std::string& path, const std::string& value) { world.await(world.db.write(path, value)); }
    void setVm(const std::string& key, const std::string& value) { set(vmNode(uuid) + "/" + key, value); }
    void setNic(const std::string& key, const std::string& value) { setVm("config/nic/0/" + key, value); }
    void run(const std::string& id, int domid) { world.vms.find(id)->stateReported("running", domid); }

    std::string config() { return xenvmConfig(world.context, uuid); }
    std::string nicLine() {
        const std::string text = config();
        const auto start = text.find("nic = ");
        return start == std::string::npos ? "" : text.substr(start, text.find('\n', start) - start);
    }
    std::string refusal() {
        return ManagerWorld::failure([&] { checkBeforeStart(world.context, uuid); });
    }

    ManagerWorld world;
};

TEST_F(XenvmConfigTest, ANetworkIsTheBridgeThatTheDatabaseHasForIt) {
    EXPECT_EQ(nicLine(), "nic = id=0,network=/wired/0/bridged,mac=00:16:3e:00:00:01,bridge=br7");
    setNic("network", "br9");
    EXPECT_THAT(nicLine(), HasSubstr(",bridge=br9"));
    EXPECT_THAT(dependenciesOf(world.db, uuid), IsEmpty());
}

TEST_F(XenvmConfigTest, ABackendIsConfiguredByUuidByNameOrForItsNetwork) {
    const auto servedByNetVm = [this](const char* how) {
        SCOPED_TRACE(how);
        EXPECT_THAT(dependenciesOf(world.db, uuid), ElementsAre(netVm));
        EXPECT_THAT(refusal(), AllOf(HasSubstr("Failed|232:Network backend domain is not running"),
                                     HasSubstr("NIC 0 of VM " + std::string(uuid) + " wants VM ")));
        run(netVm, 5);
        EXPECT_EQ(refusal(), "no error");
        EXPECT_THAT(nicLine(), HasSubstr(",backend-domid=5"));
        world.vms.find(netVm)->stateReported("shutdown", -1);
    };
    setNic("backend-uuid", netVm);
    servedByNetVm("by UUID");
    setNic("backend-uuid", "");
    setNic("backend-name", "net");
    servedByNetVm("by name");
    setNic("backend-name", "");
    set("/networks/_wired_0_bridged/backend-uuid", netVm);
    servedByNetVm("for the network");
}

TEST_F(XenvmConfigTest, AGuestNeverFallsBackToOurBridgeWhenItsBackendIsMissing) {
    setNic("backend-name", "no such VM");
    EXPECT_THAT(refusal(), AllOf(HasSubstr("232:"), HasSubstr("\"no such VM\"")));
    setNic("backend-name", "");
    setNic("backend-uuid", netVm);
    world.vms.find(netVm)->stateReported("creating-domain", -1);
    EXPECT_THAT(refusal(), HasSubstr("232:")) << "it runs, but has no domain yet";
}

TEST_F(XenvmConfigTest, TheProviderOfNetworksServesThoseThatTheDatabaseDoesNotHave) {
    set(vmNode(netVm) + "/provides-default-network-backend", "true");
    run(netVm, 5);
    EXPECT_THAT(nicLine(), HasSubstr(",bridge=br7"));
    setNic("network", "/wireless/0/shared");
    EXPECT_THAT(nicLine(), AllOf(HasSubstr("network=/wireless/0/shared"), HasSubstr(",backend-domid=5"),
                                 Not(HasSubstr("bridge="))));
    EXPECT_THAT(dependenciesOf(world.db, uuid), ElementsAre(netVm));
}

TEST_F(XenvmConfigTest, SettingsReachTheMonitor) {
    EXPECT_THAT(config(), AllOf(Not(HasSubstr("hpet")), Not(HasSubstr("usb")), Not(HasSubstr("display"))));
    setVm("config/hpet", "false");
    setVm("config/display", "vnc:port=7");
    setVm("config/bios", "ovmf");
    setVm("usb-enabled", "false");
    setVm("config/extra-hvm/0", "std-vga");
    setVm("config/extra-hvm/1", "cpu=qemu64");
    EXPECT_THAT(config(), AllOf(HasSubstr("\nhpet = 0\n"), HasSubstr("\ndisplay = vnc:port=7\n"),
                                HasSubstr("\nbios = ovmf\n"), HasSubstr("\nusb = false\n"),
                                HasSubstr("\nextra-hvm = std-vga\nextra-hvm = cpu=qemu64\n")));
    setVm("config/display", "nogfx");
    EXPECT_THAT(config(), Not(HasSubstr("display")));
}

TEST_F(XenvmConfigTest, AStubDomainIsForHvmVmsThatAskForOne) {
    setVm("config/stubdom-memory", "200");
    setVm("config/stubdom-cmdline", "init=/init quiet");
    setVm("config/stubdom-flask-label", "system_u:system_r:dm_dom_t");
    EXPECT_THAT(config(), Not(HasSubstr("stubdom")));
    setVm("stubdom", "true");
    EXPECT_THAT(config(), AllOf(HasSubstr(std::string("\nstubdom = ") + uuid + "\n"),
                                HasSubstr("\nstubdom-memory = 200\n"),
                                HasSubstr("\nstubdom-cmdline = init=/init quiet\n"),
                                HasSubstr("\nstubdom-flask-label = system_u:system_r:dm_dom_t\n")));
    setVm("config/virt-type", "pvh");
    EXPECT_THAT(config(), Not(HasSubstr("stubdom")));
}

TEST_F(XenvmConfigTest, TheTimerModeIsANumberForTheMonitor) {
    EXPECT_THAT(config(), Not(HasSubstr("timer-mode")));
    setVm("config/timer-mode", "one_missed_tick_pending");
    EXPECT_THAT(config(), HasSubstr("\ntimer-mode = 3\n"));
    setVm("config/timer-mode", "0");
    EXPECT_THAT(config(), HasSubstr("\ntimer-mode = 0\n"));
    setVm("config/timer-mode", "4");
    EXPECT_THAT(ManagerWorld::failure([&] { config(); }), HasSubstr("timer-mode \"4\" is none of"));
}

TEST_F(XenvmConfigTest, ASoundCardIsForThoseWhoMayPlayAndRecord) {
    setVm("config/sound", "ac97");
    EXPECT_THAT(config(), HasSubstr("\nsound = ac97\n"));
    for (const char* policy : {"policies/audio-access", "policies/audio-rec"}) {
        setVm(policy, "false");
        EXPECT_THAT(config(), Not(HasSubstr("sound"))) << policy;
        setVm(policy, "true");
    }
}

TEST_F(XenvmConfigTest, WhatAVmCannotHaveIsRefusedByName) {
    const std::pair<const char*, const char*> cases[]{{"gpu", "0000:01:00.0"},
                                                      {"amt-pt", "true"},
                                                      {"measured", "true"},
                                                      {"cpuid", "host,tm=0"},
                                                      {"config/passthrough-io", "100-200"},
                                                      {"config/passthrough-mmio", "100-200"},
                                                      {"config/kernel-extract", "/boot/vmlinuz"},
                                                      {"config/initrd-extract", "/initrd"}};
    for (const auto& [key, value] : cases) {
        EXPECT_EQ(refusal(), "no error");
        setVm(key, value);
        const std::string name = key;
        EXPECT_THAT(refusal(), AllOf(HasSubstr("NotSupported|"), HasSubstr(name.substr(name.find('/') + 1))));
        world.await(world.db.remove(vmNode(uuid) + "/" + name));
    }
    setVm("measured", "false");
    EXPECT_EQ(refusal(), "no error");
}

} // namespace
} // namespace xb::xenmgr::test
