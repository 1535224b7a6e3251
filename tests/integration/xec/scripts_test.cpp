// SPDX-License-Identifier: Apache-2.0
// The commands that existing scripts are made of, word by word: what they print, where, and how they end.
#include "fake_xenmgr.hpp"
#include "fixture.hpp"

namespace xb::test {
namespace {

const std::string alphaUuid = "00000000-0000-0000-0000-0000000000a1";
const std::string alphaPath = "/vm/00000000_0000_0000_0000_0000000000a1";
const std::string betaPath = "/vm/00000000_0000_0000_0000_0000000000b2";

// What the first test of each failure shows; ok("x\n") is success with this on stdout.
Result ok(const std::string& out) {
    return Result{0, out, ""};
}

class Scripts : public ToolTest {
protected:
    Scripts() {
        xenmgr.addVm(alphaUuid, "alpha", 12, "running");
        xenmgr.addVm("00000000-0000-0000-0000-0000000000b2", "beta", -1, "stopped");
        xenmgr.addVm("00000000-0000-0000-0000-0000000000c3", "gamma", 3, "paused");
    }
    FakeXenmgr xenmgr{bus};
};

TEST_F(Scripts, ListAndCreate) {
    EXPECT_EQ(xec({"list-vms"}),
              ok(alphaPath + "\n" + betaPath + "\n/vm/00000000_0000_0000_0000_0000000000c3\n"));
    EXPECT_EQ(shell("xec list-domids | sort -n"), ok("3\n12\n"));
    EXPECT_EQ(xec({"create-vm-with-template", "new-vm-ndvm"}), ok("/vm/new\n"));
    EXPECT_EQ(xec({"create-vhd", "256"}), ok("/storage/disks/1.vhd\n"));
    EXPECT_EQ(xenmgr.calls, (Words{"create_vm_with_template new-vm-ndvm", "create_vhd 256"}));
    EXPECT_EQ(xec({"list-templates"}), ok("\n")); // an empty array is an empty line
}

TEST_F(Scripts, Disks) {
    EXPECT_EQ(xec({"-o", alphaPath, "add-disk"}), ok(alphaPath + "/disk/1\n"));
    EXPECT_EQ(xec({"-o", alphaPath + "/disk/1", "set", "virt-path", "xvdb"}), ok(""));
    EXPECT_EQ(xec({"-o", alphaPath + "/disk/1", "get", "virt-path"}), ok("xvdb\n"));
    EXPECT_EQ(xec({"-o", alphaPath + "/disk/1", "attach-vhd", "/storage/disks/1.vhd"}), ok(""));
    EXPECT_EQ(xenmgr.calls, Words{"attach_vhd /storage/disks/1.vhd"});
    EXPECT_EQ(
        shell("d=$(xec -o " + alphaPath + " add-disk); xec -o $d set virt-path hdc; xec -o $d get virt-path"),
        ok("hdc\n"));
}

TEST_F(Scripts, Properties) {
    EXPECT_EQ(xec({"-o", betaPath, "set", "name", "two words"}), ok(""));
    EXPECT_EQ(xec({"-o", betaPath, "get", "name"}), ok("two words\n"));
    EXPECT_EQ(xec({"-g", "language"}), ok("en-us\n"));
    EXPECT_EQ(xec({"get", "autolock-cd-drives"}), ok("true\n"));
    EXPECT_EQ(xec({"-x", "autolock-cd-drives", "0"}), ok(""));
    EXPECT_EQ(xec({"get", "autolock-cd-drives"}), ok("false\n"));
    EXPECT_EQ(xec({"-o", betaPath, "set", "memory", "512MB"}), ok(""));
    EXPECT_EQ(xec({"-o", betaPath, "get", "memory"}), ok("512\n"));
}

// Without -i the policy-checked interface comes first; scripts that must get past it name the other.
TEST_F(Scripts, TheFirstInterfaceIsTaken) {
    FakeVm& beta = xenmgr.vm("beta");
    EXPECT_EQ(xec({"-o", betaPath, "-i", "com.citrix.xenclient.xenmgr.vm.unrestricted", "set",
                   "policy-modify-vm-settings", "true"}),
              ok(""));
    EXPECT_EQ(beta.unrestricted->value("policy-modify-vm-settings"), boolean(true));
    EXPECT_EQ(beta.vm->value("policy-modify-vm-settings"), boolean(false));
    EXPECT_EQ(xec({"-o", betaPath, "set", "policy-modify-vm-settings", "1"}), ok(""));
    EXPECT_EQ(beta.vm->value("policy-modify-vm-settings"), boolean(true));
}

TEST_F(Scripts, Host) {
    const std::string drive = "{\n"
                              "  \"id\"                         = 1:0:0:0\n"
                              "  \"name\"                       = Vendor Model\n"
                              "  \"vm-sticky\"                  = 0\n"
                              "}\n";
    EXPECT_EQ(xec({"-o", "/host", "list-cd-devices"}), ok(drive + drive));
    EXPECT_EQ(xec({"-o", "/host", "getall"}), ok("com.citrix.xenclient.xenmgr.host\n{\n"
                                                 "  \"state\"                             = idle\n}\n"));
}

TEST_F(Scripts, OtherServices) {
    const Result names = xec({"-s", "org.freedesktop.DBus", "-o", "/org/freedesktop/DBus", "ListNames"});
    EXPECT_EQ(names.status, 0);
    EXPECT_NE(names.out.find("com.citrix.xenclient.xenmgr\n"), std::string::npos) << names.out;
    Bus other(loop, daemon.address());
    auto input = std::make_shared<FakeInterface>("com.citrix.xenclient.input");
    std::string switched;
    input->method("switch_focus", "ib", "b", [&switched](auto call) -> Task<> {
        auto [domid, force] = call->template arguments<std::int32_t, bool>();
        switched = std::to_string(domid) + (force ? " forced" : " asked");
        call->reply(true);
        co_return;
    });
    other.objects().add("/", input);
    other.requestName("com.citrix.xenclient.input");
    EXPECT_EQ(xec({"-s", "com.citrix.xenclient.input", "switch-focus", "-1", "false"}), ok("true\n"));
    EXPECT_EQ(switched, "-1 asked");
}

TEST_F(Scripts, Vms) {
    EXPECT_EQ(xecVm({"-n", "alpha", "get", "uuid"}), ok(alphaUuid + "\n"));
    EXPECT_EQ(xecVm({"-d", "12", "get", "name"}), ok("alpha\n"));
    EXPECT_EQ(xecVm({"--domid", "3", "get", "stubdom"}), ok("false\n"));
    EXPECT_EQ(xecVm({"-u", alphaUuid, "set", "crypto-user", "user"}), ok(""));
    EXPECT_EQ(xecVm({"-u", alphaUuid, "get", "crypto-user"}), ok("user\n"));
    EXPECT_EQ(xecVm({"-o", alphaPath, "get", "state"}), ok("running\n"));
    EXPECT_EQ(xecVm({"--path", alphaPath, "get", "state"}), ok("running\n"));
    EXPECT_EQ(xecVm({"-n", "alpha", "resume"}), ok(""));
    EXPECT_EQ(xenmgr.calls, Words{"resume " + alphaPath});
}

TEST_F(Scripts, Table) {
    EXPECT_EQ(xecVm({}),
              ok(" ID | Name               | UUID                                 | State     \n" +
                 std::string(76, '-') +
                 "\n"
                 "  3 | gamma              | 00000000-0000-0000-0000-0000000000c3 | paused    \n"
                 " 12 | alpha              | 00000000-0000-0000-0000-0000000000a1 | running   \n"
                 "    | beta               | 00000000-0000-0000-0000-0000000000b2 | stopped   \n"));
    EXPECT_EQ(shell("xec-vm -q | tail -n +3 | cut -d '|' -f 2 | tr -d ' '"), ok("gamma\nalpha\nbeta\n"));
}

TEST_F(Scripts, GetAllSkipsWhatHasNoProperties) {
    EXPECT_EQ(xec({"getall"}), ok("com.citrix.xenclient.xenmgr.config\n{\n"
                                  "  \"language\"                          = en-us\n"
                                  "  \"autolock-cd-drives\"                = true\n}\n"));
    const Result all = xecVm({"-n", "beta", "getall"});
    EXPECT_NE(all.out.find("com.citrix.xenclient.xenmgr.vm.unrestricted\n{\n"), std::string::npos) << all.out;
    EXPECT_NE(all.out.find("  \"crypto-user\"                       = \n"), std::string::npos) << all.out;
    EXPECT_EQ(all.out.find("DBus"), std::string::npos) << all.out;
}

TEST_F(Scripts, Listings) {
    const Result methods = xec({"-i", "com.citrix.xenclient.xenmgr", "--list-methods"});
    EXPECT_EQ(methods, ok("create-vhd\ncreate-vm-with-template\nlist-domids\nlist-templates\nlist-vms\n"));
    EXPECT_EQ(xec({"-i", "com.citrix.xenclient.xenmgr.config", "--list-properties"}),
              ok("language\nautolock-cd-drives\nsecret\n"));
    const Result interfaces = xec({"--list-interfaces"});
    EXPECT_EQ(interfaces.status, 0);
    EXPECT_NE(interfaces.out.find("com.citrix.xenclient.xenmgr\ncom.citrix.xenclient.xenmgr.config\n"),
              std::string::npos)
        << interfaces.out;
    // The options go first, whatever else is said.
    EXPECT_EQ(xec({"-i", "com.citrix.xenclient.xenmgr", "-g", "language", "--list-methods", "list-vms"}),
              methods);
}

TEST_F(Scripts, WithoutACommandTheObjectIsShown) {
    const Result shown = xec({});
    EXPECT_EQ(shown.status, 0);
    EXPECT_NE(shown.out.find("/------- com.citrix.xenclient.xenmgr.config\n"
                             "|     -  language                     readwrite:s\n"
                             "|     -  autolock-cd-drives           readwrite:b\n"),
              std::string::npos)
        << shown.out;
    EXPECT_NE(shown.out.find("|     +  create_vhd                   ( in:i, OUT out:s )\n"),
              std::string::npos)
        << shown.out;
    EXPECT_EQ(shown.out.substr(shown.out.size() - 2), "\n\n");
}

} // namespace
} // namespace xb::test
