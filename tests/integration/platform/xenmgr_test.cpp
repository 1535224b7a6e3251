// SPDX-License-Identifier: Apache-2.0
// xenmgr's objects, properties, signals and errors, on the real database.
#include "platform.hpp"

#include "idl/org_xenbroker_daemon_client.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/uuid.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace xb::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto service = "com.citrix.xenclient.xenmgr";

class XenmgrIntegration : public testing::Test {
protected:
    template <class T>
    std::string errorOf(Task<T> task) {
        try {
            platform.await(std::move(task));
        } catch (const Error& e) {
            return e.name() + "|" + e.what();
        }
        return "no error";
    }

    Platform platform;
};

TEST_F(XenmgrIntegration, CreationInAllItsVariants) {
    auto manager = platform.manager();
    const std::string plain = platform.await(manager.createVm());
    EXPECT_EQ(platform.await(platform.vm(plain).getName()), "name-" + uuidFromPathElement(plain.substr(4)));
    const std::string named =
        platform.await(manager.createVmWithUi("new-vm-linux", "mail", "the mail server", "images/mail.png"));
    EXPECT_EQ(platform.await(platform.vm(named).getName()), "mail");
    EXPECT_EQ(platform.await(platform.vm(named).getDescription()), "the mail server");
    EXPECT_EQ(platform.await(platform.vm(named).getImagePath()), "images/mail.png");
    const std::string merged = platform.await(manager.createVmWithTemplateAndJson(
        "new-vm-linux", R"({"name":"web","config":{"memory":"64","virt-type":"pvh"}})"));
    EXPECT_EQ(platform.await(platform.vm(merged).getMemory()), 64);
    EXPECT_EQ(platform.await(platform.vm(merged).getVirtType()), "pvh");
    EXPECT_TRUE(platform.await(platform.vm(merged).getAcpi())) << "what the JSON does not name stays";
    const std::string uuid = "6B7C0000-aaaa-4bcd-9ef0-0123456789ab";
    const std::string chosen = platform.await(manager.createVmWithTemplateAndUuid("new-vm-linux", uuid));
    EXPECT_EQ(chosen, "/vm/6b7c0000_aaaa_4bcd_9ef0_0123456789ab");
    EXPECT_EQ(platform.await(manager.findVmByUuid("6b7c0000-aaaa-4bcd-9ef0-0123456789ab")), chosen);
    EXPECT_THAT(platform.await(manager.listVms()), ElementsAre(plain, named, merged, chosen));
    EXPECT_EQ(platform.await(platform.vm(chosen).getSlot()), 4);

    EXPECT_THAT(errorOf(manager.createVmWithTemplateAndUuid("new-vm-linux", uuid)), HasSubstr("already"));
    EXPECT_THAT(errorOf(manager.createVmWithTemplateAndUuid("new-vm-linux", "../../etc")),
                HasSubstr("not a UUID"));
    EXPECT_THAT(errorOf(manager.createVmWithTemplate("no-such")), HasSubstr("no template \"no-such\""));
    EXPECT_THAT(errorOf(manager.createVmWithTemplate("../secret")), HasSubstr("not the name of a template"));
    EXPECT_THAT(errorOf(manager.createVmWithTemplateAndJson("new-vm", "{\"a\": ")),
                HasSubstr("is not JSON: line 1"));
    EXPECT_THAT(errorOf(manager.findVmByUuid("none")), HasSubstr("Failed|no vm with uuid none"));
    EXPECT_THAT(errorOf(manager.findVmByDomid(77)), HasSubstr("Failed|no vm with domid 77"));
    EXPECT_EQ(platform.await(manager.listVms()).size(), 4U) << "a failed creation must leave nothing";
}

TEST_F(XenmgrIntegration, SlotsRunOut) {
    for (int i = 1; i <= 9; ++i)
        platform.await(platform.manager().createVmWithTemplate("new-vm-linux"));
    EXPECT_THAT(errorOf(platform.manager().createVm()), HasSubstr("Failed|205:Too many VMS"));
}

TEST_F(XenmgrIntegration, EveryPropertyIsThereAndASetReachesTheDatabase) {
    const std::string path = platform.await(platform.manager().createVm());
    const std::string node = "/vm/" + uuidFromPathElement(path.substr(4));
    EXPECT_EQ(platform.await(platform.vm(path).getAllProperties()).size(), 145U);
    idl::xenmgr_vm::XenmgrVmUnrestrictedClient unrestricted(platform.bus(), service, path);
    EXPECT_EQ(platform.await(unrestricted.getAllProperties()).size(), 148U);

    platform.await(platform.vm(path).setHiddenInUi(true));
    EXPECT_EQ(platform.await(platform.db().read(node + "/hidden-in-ui")), "true");
    platform.await(platform.vm(path).setVcpus(3));
    EXPECT_EQ(platform.await(platform.db().read(node + "/config/vcpus")), "3");
    platform.await(platform.vm(path).setName("  spaced  "));
    EXPECT_EQ(platform.await(platform.db().read(node + "/name")), "spaced");
    platform.await(platform.vm(path).setExtraXenvm("a=1;b=2"));
    EXPECT_EQ(platform.await(platform.db().read(node + "/config/extra-xenvm/1")), "b=2");
    EXPECT_EQ(platform.await(platform.vm(path).getExtraXenvm()), "a=1;b=2");
    platform.await(platform.vm(path).setMemoryStaticMax(4096));
    EXPECT_EQ(platform.await(platform.vm(path).getMemoryStaticMax()), 4096);
    platform.await(platform.vm(path).setMemoryStaticMax(0));
    EXPECT_FALSE(platform.await(platform.db().exists(node + "/config/memory-static-max")));
    platform.await(platform.vm(path).setPolicyPrintScreen(false));
    EXPECT_EQ(platform.await(platform.db().read(node + "/policies/print-screen-disallowed")), "true");
    EXPECT_FALSE(platform.await(platform.vm(path).getPolicyPrintScreen()));
}

// All at once are read in another way than one by one.
TEST_F(XenmgrIntegration, GetAllTellsWhatGetTells) {
    const std::string path = platform.await(platform.manager().createVmWithTemplate("new-vm-linux"));
    const std::string node = "/vm/" + uuidFromPathElement(path.substr(4));
    const std::string provider = platform.await(platform.manager().createVm());
    platform.await(platform.vm(provider).setProvidesDefaultNetworkBackend(true));
    for (const char* key : {"description", "type", "config/memory", "config/extra-hvm/0", "config/vcpus"})
        platform.await(platform.db().write(node + "/" + key, "7"));
    platform.await(platform.db().write(node + "/native-experience", "true"));
    platform.await(platform.vm(path).start());
    const auto all = platform.await(platform.vm(path).getAllProperties());
    ASSERT_EQ(all.size(), 145U);
    for (const auto& [name, value] : all) {
        Message call = platform.bus().newCall(service, path, "org.freedesktop.DBus.Properties", "Get");
        call << std::string("com.citrix.xenclient.xenmgr.vm") << name;
        Message reply = platform.await(platform.bus().call(std::move(call)));
        const auto [single] = readBody<Variant>(reply);
        const std::string type = single.peekValueType();
        ASSERT_EQ(value.peekValueType(), type) << name;
        if (type == "b")
            EXPECT_EQ(value.get<bool>(), single.get<bool>()) << name;
        else if (type == "i")
            EXPECT_EQ(value.get<std::int32_t>(), single.get<std::int32_t>()) << name;
        else if (type == "s")
            EXPECT_EQ(value.get<std::string>(), single.get<std::string>()) << name;
        else
            EXPECT_EQ(value.get<std::vector<ObjectPath>>(), single.get<std::vector<ObjectPath>>()) << name;
    }
    EXPECT_EQ(all.at("description").get<std::string>(), "7");
    EXPECT_EQ(all.at("state").get<std::string>(), "running");
}

TEST_F(XenmgrIntegration, WhatOthersWriteIsSeenAtOnce) {
    const std::string path = platform.await(platform.manager().createVm());
    const std::string node = "/vm/" + uuidFromPathElement(path.substr(4));
    for (int i = 0; i < 50; ++i) {
        platform.await(platform.db().write(node + "/name", "n" + std::to_string(i)));
        EXPECT_EQ(platform.await(platform.vm(path).getName()), "n" + std::to_string(i));
    }
    platform.await(
        platform.db().inject(node + "/config/disk/7",
                             R"({"path":"/x","type":"file","mode":"r","device":"hdb","devtype":"disk"})"));
    EXPECT_THAT(platform.await(platform.vm(path).listDisks()), Contains(path + "/disk/7"));
    EXPECT_EQ(platform.await(platform.disk(path + "/disk/7").getVirtPath()), "hdb");
    platform.await(platform.db().inject("/vm/11111111-2222-4333-8444-555555555555", R"({"name":"foreign"})"));
    EXPECT_EQ(platform.await(platform.vm("/vm/11111111_2222_4333_8444_555555555555").getName()), "foreign");
    platform.await(platform.db().rm("/vm/11111111-2222-4333-8444-555555555555"));
    EXPECT_THAT(errorOf(platform.vm("/vm/11111111_2222_4333_8444_555555555555").getName()),
                HasSubstr("no object"));
}

TEST_F(XenmgrIntegration, DevicesThatTheBusCannotNameAreLeftOut) {
    const std::string path = platform.await(platform.manager().createVm());
    const std::string node = "/vm/" + uuidFromPathElement(path.substr(4)) + "/config/";
    const auto disks = platform.await(platform.vm(path).listDisks());
    platform.await(platform.db().inject(node + "disk/no-name", R"({"path":"/x","device":"hdb"})"));
    platform.await(platform.db().inject(node + "nic/x", R"({"id":"-1"})"));
    platform.await(platform.db().inject(node + "nic/y", R"({"id":"3","backend-uuid":"no UUID / at all"})"));
    EXPECT_EQ(platform.await(platform.vm(path).listDisks()), disks);
    EXPECT_THAT(platform.await(platform.vm(path).listNics()), ElementsAre(path + "/nic/3"));
    EXPECT_TRUE(platform.await(platform.vm(path).getDependencies()).empty());
    EXPECT_EQ(platform.await(platform.vm(path).getAllProperties()).size(), 145U);
}

TEST_F(XenmgrIntegration, ConfigChangesOfAVmAreGathered) {
    const std::string path = platform.await(platform.manager().createVm());
    const std::string expected = "vm_config_changed " + uuidFromPathElement(path.substr(4)) + " " + path;
    platform.forgetSignals();
    for (int i = 0; i < 36; ++i)
        platform.await(platform.vm(path).setDescription("d" + std::to_string(i)));
    platform.await(platform.vm(path).setDescription("d35")); // the same again: no change
    EXPECT_TRUE(platform.waitFor([&] { return !platform.signals().empty(); }));
    platform.await(platform.manager().listVms());
    EXPECT_THAT(platform.signals(), ElementsAre(expected));
}

TEST_F(XenmgrIntegration, ThePolicyStopsSettersButNotTheUnrestrictedInterface) {
    const std::string path = platform.await(platform.manager().createVm());
    const std::string uuid = uuidFromPathElement(path.substr(4));
    idl::xenmgr::PolicyClient policy(platform.bus(), service, "/");
    platform.await(policy.enforce(uuid, "block-modify-vm-settings;block-cd-access"));
    EXPECT_EQ(platform.await(policy.retrieve(uuid)), "block-cd-access;block-modify-vm-settings");
    EXPECT_THAT(errorOf(platform.vm(path).setName("x")),
                HasSubstr("Failed|202:Editing of properties is disabled by this VM's active policy"));
    EXPECT_THAT(errorOf(platform.vm(path).setPolicyModifyVmSettings(true)), HasSubstr("202:"));
    idl::xenmgr_vm::XenmgrVmUnrestrictedClient unrestricted(platform.bus(), service, path);
    platform.await(unrestricted.setPolicyModifyVmSettings(true));
    platform.await(platform.vm(path).setName("x"));
    EXPECT_THAT(errorOf(policy.enforce(uuid, "block-everything")), HasSubstr("not an item of a policy"));

    platform.await(platform.db().write("/vm-create-disallowed", "true"));
    EXPECT_THAT(errorOf(platform.manager().createVm()), HasSubstr("220:"));
    idl::xenmgr::XenmgrUnrestrictedClient all(platform.bus(), service, "/");
    const std::string allowed = platform.await(all.unrestrictedCreateVm());
    platform.await(platform.db().write("/vm-delete-disallowed", "true"));
    EXPECT_THAT(errorOf(platform.vm(allowed).delete_()), HasSubstr("220:"));
    platform.await(all.unrestrictedDeleteVm(uuidFromPathElement(allowed.substr(4))));
}

TEST_F(XenmgrIntegration, DisksAndNics) {
    const std::string path = platform.await(platform.manager().createVm());
    const std::string disk = platform.await(platform.vm(path).addDisk());
    EXPECT_EQ(disk, path + "/disk/1") << "the template has disk 0";
    EXPECT_EQ(platform.await(platform.disk(disk).getVirtPath()), "hda");
    EXPECT_EQ(platform.await(platform.disk(disk).getPhysType()), "vhd");
    EXPECT_THAT(errorOf(platform.disk(disk).setPhysType("floppy")), HasSubstr("must be one of file, phy"));
    const std::string vhd = platform.await(platform.manager().createVhd(3));
    EXPECT_TRUE(std::filesystem::exists(platform.root() / vhd.substr(1)));
    platform.await(platform.disk(disk).attachVhd(vhd));
    EXPECT_GE(platform.await(platform.disk(disk).getVirtualSizeMb()), 3);
    platform.await(platform.disk(disk).delete_());
    EXPECT_FALSE(std::filesystem::exists(platform.root() / vhd.substr(1))) << "nobody else has that VHD";
    EXPECT_THAT(errorOf(platform.disk(disk).getMode()), HasSubstr("no object"));
    EXPECT_THAT(errorOf(platform.manager().createVhd(0)), HasSubstr("InvalidArgs"));

    const std::string nic = platform.await(platform.vm(path).addNic());
    EXPECT_EQ(nic, path + "/nic/0");
    EXPECT_EQ(platform.await(platform.nic(nic).getNetwork()), "/wired/0/bridged");
    const std::string mac = platform.await(platform.nic(nic).getMacActual());
    EXPECT_EQ(mac, platform.await(platform.nic(nic).getMacActual()));
    EXPECT_EQ(mac, platform.await(platform.vm(path).getMac()));
    EXPECT_THAT(errorOf(platform.nic(nic).setMac("zz")), HasSubstr("not a MAC address"));
    platform.await(platform.nic(nic).setMac("00:16:3e:01:02:03"));
    EXPECT_EQ(platform.await(platform.vm(path).getMac()), "00:16:3e:01:02:03");
    platform.await(platform.nic(nic).delete_());
    EXPECT_TRUE(platform.await(platform.vm(path).listNics()).empty());
}

TEST_F(XenmgrIntegration, WhatIsMissingSaysSo) {
    const std::string path = platform.await(platform.manager().createVm());
    EXPECT_THAT(errorOf(platform.vm(path).switch_()),
                HasSubstr("org.freedesktop.DBus.Error.NotSupported|switch"));
    idl::xenmgr_vm::XenmgrVmProductClient product(platform.bus(), service, path);
    EXPECT_THAT(errorOf(product.listProductProperties()), HasSubstr("NotSupported"));
    idl::xenmgr::XenmgrDiagClient diag(platform.bus(), service, "/");
    EXPECT_THAT(errorOf(diag.save("x")), HasSubstr("NotSupported"));
}

TEST_F(XenmgrIntegration, TheHostAnswers) {
    const auto all = platform.await(platform.host().getAllProperties());
    EXPECT_EQ(all.size(), 28U);
    EXPECT_EQ(platform.await(platform.host().getState()), "idle");
    EXPECT_GT(platform.await(platform.host().getTotalMem()), 0);
    EXPECT_GT(platform.await(platform.host().getFreeMem()), 0);
    EXPECT_GT(platform.await(platform.host().getCpuCount()), 0);
    EXPECT_TRUE(platform.await(platform.host().isServiceRunning("com.citrix.xenclient.db")));
    EXPECT_FALSE(platform.await(platform.host().isServiceRunning("com.citrix.nobody")));
}

TEST_F(XenmgrIntegration, WholeListsInOneCall) {
    const std::string path = platform.await(platform.manager().createVm());
    idl::org_xenbroker_xenmgr::XenmgrClient extension(platform.bus(), service, "/");
    const auto vms = platform.await(extension.getVms({"name", "domid", "state"}));
    ASSERT_EQ(vms.size(), 1U);
    EXPECT_EQ(vms[0].get<0>(), path);
    auto values = vms[0].get<1>();
    EXPECT_EQ(values.at("domid").get<std::int32_t>(), -1);
    EXPECT_EQ(values.at("state").get<std::string>(), "stopped");
    EXPECT_THAT(errorOf(extension.getVms({"shoe-size"})), HasSubstr("no property shoe-size"));
}

TEST_F(XenmgrIntegration, TheLogLevelChangesAtRunTime) {
    idl::org_xenbroker_daemon::DaemonClient control(platform.bus(), service, "/org/xenbroker/daemon");
    EXPECT_EQ(platform.await(control.getLogLevel()), "info");
    platform.await(control.setLogLevel("debug"));
    EXPECT_EQ(platform.await(control.getLogLevel()), "debug");
    EXPECT_THAT(errorOf(control.setLogLevel("loud")), HasSubstr("not one of debug, info, warning, error"));
}

TEST_F(XenmgrIntegration, VmsSurviveARestart) {
    const std::string path = platform.createVm();
    platform.xenmgr().signal(SIGTERM);
    EXPECT_EQ(platform.xenmgr().waitEnd(), 0);
    platform.startXenmgr();
    EXPECT_THAT(platform.await(platform.manager().listVms()), ElementsAre(path));
}

// A stock bus allows a client 128 calls under way: what xenmgr asks dbd after a change must not add up.
TEST_F(XenmgrIntegration, ManyChangesByOthersAtOnceAreFollowed) {
    constexpr int writers = 4;
    constexpr int writesEach = 100;
    const std::string path = platform.await(platform.manager().createVmWithTemplate("new-vm-linux"));
    const std::string node = "/vm/" + uuidFromPathElement(path.substr(4)) + "/burst/";
    std::vector<std::unique_ptr<Bus>> buses;
    int written = 0;
    for (int writer = 0; writer < writers; ++writer) {
        buses.push_back(std::make_unique<Bus>(platform.loop(), platform.address()));
        idl::db::DbClient db(*buses.back(), "com.citrix.xenclient.db", "/");
        for (int i = 0; i < writesEach; ++i) {
            const std::string key = std::to_string(writer * writesEach + i);
            asio::co_spawn(platform.loop().context(), db.write(node + key, "value " + key),
                           [&written](const std::exception_ptr& failure) {
                               EXPECT_FALSE(failure);
                               ++written;
                           });
        }
    }
    ASSERT_TRUE(platform.waitFor([&] { return written == writers * writesEach; }));
    for (int i = 0; i < writers * writesEach; ++i) {
        const std::string key = std::to_string(i);
        EXPECT_EQ(platform.await(platform.vm(path).getDbKey("burst." + key)), "value " + key);
    }
}

} // namespace
} // namespace xb::test
