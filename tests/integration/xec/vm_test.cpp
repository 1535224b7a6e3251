// SPDX-License-Identifier: Apache-2.0
// What xec-vm adds: selectors, devices, JSON, and the table from a xenmgr with and without get_vms.
#include "fake_xenmgr.hpp"
#include "fixture.hpp"

namespace xb::test {
namespace {

class Vms : public ToolTest {
protected:
    void start(bool bulk) {
        xenmgr.emplace(bus, bulk);
        xenmgr->addVm("00000000-0000-0000-0000-0000000000a1", "alpha", 12, "running");
        xenmgr->addVm("00000000-0000-0000-0000-0000000000b2", "same", -1, "stopped");
        xenmgr->addVm("00000000-0000-0000-0000-0000000000c3", "same", 3, "paused");
    }
    std::optional<FakeXenmgr> xenmgr;
};

const std::string alphaPath = "/vm/00000000_0000_0000_0000_0000000000a1";

TEST_F(Vms, TheFirstMatchIsTakenAndPathComesFirst) {
    start(true);
    EXPECT_EQ(xecVm({"-n", "same", "get", "state"}).out, "stopped\n");
    EXPECT_EQ(xecVm({"-d", "3", "-n", "alpha", "get", "state"}).out, "running\n");
    EXPECT_EQ(xecVm({"-n", "same", "-o", alphaPath, "get", "state"}).out, "running\n");
    EXPECT_EQ(xecVm({"-d", "3", "-u", "00000000-0000-0000-0000-0000000000a1", "get", "state"}).out,
              "running\n");
}

TEST_F(Vms, AnUnknownOneIsNamed) {
    start(true);
    EXPECT_EQ(xecVm({"-n", "nobody", "start"}), (Result{1, "", "xec-vm: there is no VM with name nobody\n"}));
    EXPECT_EQ(xecVm({"-d", "99", "start"}), (Result{1, "", "xec-vm: there is no VM with domid 99\n"}));
    EXPECT_EQ(xecVm({"start"}).status, 1);
    EXPECT_EQ(xecVm({"-n"}).err, "xec-vm: -n needs a value; see xec-vm --help\n");
}

TEST_F(Vms, ArgumentsThatLookLikeSelectorsStay) {
    start(true);
    EXPECT_EQ(xecVm({"-n", "alpha", "set", "crypto-user", "-n"}), (Result{0, "", ""}));
    EXPECT_EQ(xecVm({"-n", "alpha", "get", "crypto-user"}).out, "-n\n");
}

TEST_F(Vms, DevicesAreAddressedByNumber) {
    start(true);
    EXPECT_EQ(xecVm({"-n", "alpha", "-k", "1", "set", "virt-path", "xvdb"}), (Result{0, "", ""}));
    EXPECT_EQ(xecVm({"-n", "alpha", "--disk", "1", "get", "virt-path"}).out, "xvdb\n");
    EXPECT_EQ(xecVm({"-n", "alpha", "-c", "0", "get", "network"}).out, "initial\n");
    EXPECT_EQ(xecVm({"-n", "alpha", "--list-disks"}).out, alphaPath + "/disk/0\n" + alphaPath + "/disk/1\n");
    EXPECT_EQ(xecVm({"-n", "alpha", "--list-nics"}).out, "\n");
    EXPECT_EQ(xecVm({"-n", "alpha", "-k", "../x", "get", "virt-path"}).status, 1);
}

TEST_F(Vms, JsonHasAStableShape) {
    start(true);
    EXPECT_EQ(xecVm({"--json", "-n", "alpha", "get", "domid"}).out, "12\n");
    EXPECT_EQ(xec({"--json", "list-domids"}).out, "[[12,3]]\n");
    EXPECT_EQ(xec({"--json", "-o", "/host", "getall"}).out,
              "{\"com.citrix.xenclient.xenmgr.host\":{\"state\":\"idle\"}}\n");
    EXPECT_EQ(
        xec({"--json=pretty", "-i", "com.citrix.xenclient.xenmgr.host", "-o", "/host", "--list-methods"}).out,
        "[\n  \"list-cd-devices\"\n]\n");
    EXPECT_EQ(xec({"--json", "-o", "/host", "-i", "com.citrix.xenclient.xenmgr.host"}).out,
              R"({"com.citrix.xenclient.xenmgr.host":{"properties":{"state":{"type":"s","access":"read"}},)"
              R"("methods":{"list_cd_devices":[{"name":"out","type":"aa{ss}","direction":"out"}]}}})"
              "\n");
    const Result table = xecVm({"--json"});
    EXPECT_EQ(table.out.substr(0, table.out.find('}') + 1),
              R"([{"domid":3,"name":"same","uuid":"00000000-0000-0000-0000-0000000000c3","state":"paused",)"
              R"("path":"/vm/00000000_0000_0000_0000_0000000000c3"})");
}

TEST_F(Vms, WithoutBulkCallsTheTableIsTheSame) {
    start(false);
    const Result table = xecVm({});
    EXPECT_EQ(table.status, 0) << table.err;
    EXPECT_NE(table.out.find("  3 | same               | 00000000-0000-0000-0000-0000000000c3 | paused    \n"
                             " 12 | alpha              | "),
              std::string::npos)
        << table.out;
    EXPECT_EQ(xenmgr->vm("alpha").vm->reads, 4);
    EXPECT_EQ(xecVm({"-n", "alpha", "get", "state"}).out, "running\n");
}

TEST_F(Vms, APropertyThatCannotBeReadLeavesTheRest) {
    start(false);
    xenmgr->vm("alpha").vm->fail("domid", Error("no such luck"));
    const Result table = xecVm({});
    EXPECT_EQ(table.status, 0);
    EXPECT_NE(
        table.out.find("    | alpha              | 00000000-0000-0000-0000-0000000000a1 | running   \n"),
        std::string::npos)
        << table.out;
}

TEST_F(Vms, ManyVmsWithoutBulkCalls) {
    start(false);
    for (int i = 0; i < 200; ++i)
        xenmgr->addVm("11111111-0000-0000-0000-" + std::to_string(100000000000 + i), "vm" + std::to_string(i),
                      100 + i, "running");
    const Result table = xecVm({});
    EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), 205) << table.err;
}

} // namespace
} // namespace xb::test
