// SPDX-License-Identifier: Apache-2.0
// What goes wrong: usage, refusals, missing services, a missing bus, silence. Exit statuses and where it is
// said.
#include "fake_xenmgr.hpp"
#include "fixture.hpp"

#include <sys/socket.h>
#include <systemd/sd-bus.h>

namespace xb::test {
namespace {

class Trouble : public ToolTest {
protected:
    Trouble() { xenmgr.addVm("00000000-0000-0000-0000-0000000000a1", "alpha", 12, "running"); }

    FakeXenmgr xenmgr{bus};
    const std::string alphaPath = "/vm/00000000_0000_0000_0000_0000000000a1";
};

TEST_F(Trouble, UsageEndsWithOne) {
    EXPECT_EQ(xec({"-o"}), (Result{1, "", "xec: -o needs a value; see xec --help\n"}));
    EXPECT_EQ(xec({"no-such-method"}), (Result{1, "", "xec: object / has no method no_such_method\n"}));
    EXPECT_EQ(xec({"get", "no-such"}), (Result{1, "", "xec: object / has no property no-such\n"}));
    EXPECT_EQ(xec({"-i", "a.b", "get", "language"}), (Result{1, "", "xec: object / has no interface a.b\n"}));
    EXPECT_EQ(xec({"create-vhd"}), (Result{1, "", "xec: method create_vhd takes 1 arguments (i), not 0\n"}));
    EXPECT_EQ(xec({"create-vhd", "many"}),
              (Result{1, "", "xec: error parsing argument 1: expected a number before \"many\"\n"}));
    EXPECT_EQ(xec({"get"}).status, 1);
    EXPECT_EQ(xec({"set", "language"}).status, 1);
    EXPECT_EQ(xec({"-o", "no/path", "get", "x"}).status, 1);
    EXPECT_EQ(xec({"-s", "no service", "get", "x"}).status, 1);
    EXPECT_TRUE(xenmgr.calls.empty());
}

TEST_F(Trouble, HelpAndVersionNeedNoBus) {
    daemon.stop();
    EXPECT_EQ(xec({"-h", "whatever"}).status, 0);
    EXPECT_EQ(xec({"whatever", "-h"}).status, 3); // a method called whatever
    EXPECT_EQ(xecVm({"--help"}).out.substr(0, 14), "usage: xec-vm ");
    EXPECT_EQ(xecVm({"--version"}).out.substr(0, 7), "xec-vm ");
}

TEST_F(Trouble, ErrorRepliesStayOnStandardOutput) {
    xenmgr.vm("alpha").vm->fail("memory",
                                Error("202:Editing of properties is disabled by this VM's active policy"));
    const Result refused{
        2,
        "org.freedesktop.DBus.Error.Failed: 202:Editing of properties is disabled by this VM's "
        "active policy\n",
        ""};
    EXPECT_EQ(xec({"-o", alphaPath, "set", "memory", "1"}), refused);
    EXPECT_EQ(xecVm({"-n", "alpha", "set", "memory", "1"}), refused);
    EXPECT_EQ(xec({"-o", "/nowhere", "get", "x"}).status, 2);
    EXPECT_EQ(xec({"--json", "-o", alphaPath, "set", "memory", "1"}),
              (Result{2, "",
                      "xec: 202:Editing of properties is disabled by this VM's active policy "
                      "(org.freedesktop.DBus.Error.Failed)\n"}));
}

TEST_F(Trouble, MissingServicesEndWithThree) {
    const Result missing = xec({"-s", "com.citrix.nobody", "list-vms"});
    EXPECT_EQ(missing.status, 3);
    EXPECT_EQ(missing.out.substr(0, 44), "org.freedesktop.DBus.Error.ServiceUnknown: T") << missing.out;
    const Result table = xecVm({"-s", "com.citrix.nobody"});
    EXPECT_EQ(table.status, 3);
    EXPECT_EQ(table.out, "");
    EXPECT_EQ(table.err.substr(0, 29), "xec-vm: cannot list the VMs: ") << table.err;
}

TEST_F(Trouble, AMissingBusEndsWithThree) {
    const Result missing = xec({"--bus", "unix:path=/no/such/socket", "list-vms"});
    EXPECT_EQ(missing.status, 3);
    EXPECT_EQ(missing.out, "");
    EXPECT_NE(missing.err.find("the bus at unix:path=/no/such/socket"), std::string::npos) << missing.err;
    EXPECT_EQ(shell("XENBROKER_BUS=unix:path=/no xec-vm").status, 3);
    EXPECT_EQ(shell("unset DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR; xec --session list-vms").status, 3);
}

TEST_F(Trouble, BusesAreChosenInOrder) {
    const std::string address = daemon.address();
    EXPECT_EQ(shell("XENBROKER_BUS=unix:path=/no xec --bus " + address + " get language").out, "en-us\n");
    EXPECT_EQ(shell("XENBROKER_BUS=unix:path=/no DBUS_SESSION_BUS_ADDRESS=" + address +
                    " xec --session get language")
                  .out,
              "en-us\n");
    EXPECT_EQ(shell("XENBROKER_BUS= DBUS_SYSTEM_BUS_ADDRESS=" + address + " xec get language").out,
              "en-us\n");
    EXPECT_EQ(xec({"-t", "5", "list-vms"}).status, 2);
    EXPECT_EQ(xec({"-t", "x", "list-vms"}).status, 1);
}

TEST_F(Trouble, SilenceEndsWithFour) {
    xenmgr.onOperation = [this](std::string, FakeVm&) -> Task<> { co_await never.wait(); };
    const Result silent = xec({"--timeout", "0.2", "-o", alphaPath, "start"});
    EXPECT_EQ(silent.status, 4);
    EXPECT_EQ(silent.out, "");
    EXPECT_EQ(silent.err, "xec: start of com.citrix.xenclient.xenmgr: no answer within 0.2 s\n");
}

TEST_F(Trouble, AServiceThatGoesAwayEndsWithThree) {
    Bus other(loop, daemon.address());
    auto thing = std::make_shared<FakeInterface>("a.b");
    thing->method("leave", "", "", [&other](auto call) -> Task<> {
        ::shutdown(sd_bus_get_fd(other.raw()), SHUT_RDWR); // as if the process had died
        static_cast<void>(call);
        co_return;
    });
    other.objects().add("/", thing);
    other.requestName("a.leaving");
    const Result gone = xec({"-s", "a.leaving", "leave"});
    EXPECT_EQ(gone.status, 3);
    EXPECT_EQ(gone.out.substr(0, 36), "org.freedesktop.DBus.Error.NoReply: ") << gone.out;
}

TEST_F(Trouble, ABusThatGoesAwayEndsWithThree) {
    xenmgr.onOperation = [this](std::string, FakeVm&) -> Task<> {
        daemon.stop();
        co_return;
    };
    const Result lost = xec({"-o", alphaPath, "start"});
    EXPECT_EQ(lost.status, 3);
    EXPECT_NE(lost.out + lost.err, "");
}

TEST_F(Trouble, HostileIntrospectionIsAnError) {
    auto thing = std::make_shared<FakeInterface>("a.b");
    thing->method(
        "m", "", "",
        [](auto call) -> Task<> {
            call->reply();
            co_return;
        },
        "<arg type=\"a{\"/>");
    bus.objects().add("/hostile", thing);
    const Result result = xec({"-o", "/hostile", "m"});
    EXPECT_EQ(result.status, 2);
    EXPECT_NE(result.err.find("type signature"), std::string::npos) << result.err;
}

TEST_F(Trouble, AFullOutputIsSaid) {
    const Result full = shell("xec list-vms > /dev/full");
    EXPECT_EQ(full.status, 2);
    EXPECT_NE(full.err.find("cannot write to standard output"), std::string::npos) << full.err;
}

TEST_F(Trouble, EveryTypeTravelsBothWays) {
    auto thing = std::make_shared<FakeInterface>("a.b");
    const std::string all = "ybnqiuxtdsoasa{sas}(ib)ay";
    thing->method("echo", all, all, [](auto call) -> Task<> {
        Message reply = call->newReply();
        call->message().copyTo(reply, true);
        call->send(std::move(reply));
        co_return;
    });
    thing->method("variants", "", "va{sv}g", [](auto call) -> Task<> {
        call->reply(Variant(Variant(std::string("inner"))), std::map<std::string, Variant>{{"k", Variant(5)}},
                    Signature("a{sv}"));
        co_return;
    });
    bus.objects().add("/echo", thing);
    EXPECT_EQ(xec({"-o", "/echo", "echo", "7", "true", "-8", "9", "-10", "11", "-12", "13", "0.5", "text",
                   "/path", "['a', \"b\"]", "{'k': ['x', 'y']}", "[3, false]", "[72, 105, 0]"}),
              (Result{0,
                      "7\ntrue\n-8\n9\n-10\n11\n-12\n13\n0.5\ntext\n/path\na\nb\n{\n"
                      "  \"k\"                          = x\ny\n}\n3\nfalse\n\"Hi\\NUL\"\n",
                      ""}));
    EXPECT_EQ(xec({"-o", "/echo", "variants"}).out,
              "inner\n{\n  \"k\"                          = 5\n}\na{sv}\n");
    EXPECT_EQ(xec({"--json", "-o", "/echo", "variants"}).out, "[\"inner\",{\"k\":5},\"a{sv}\"]\n");
}

} // namespace
} // namespace xb::test
