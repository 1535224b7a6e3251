// SPDX-License-Identifier: Apache-2.0
// The xenops program on the emulated hypervisor, as root would use it: a guest from a file, lists, its
// resources, devices and console, saving, and its end; links, exit statuses, and what it says where there is
// no Xen.
#include "tests/integration/xenops/fixture.hpp"
#include "toolstack/libs/files.hpp"

#include <gmock/gmock.h>

#include <array>
#include <fcntl.h>
#include <unistd.h>

namespace xb::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST_F(XenopsIntegration, aGuestFromAFileToItsEnd) {
    const Result created = xenops({"create", "-paused", config("guest")});
    EXPECT_EQ(created.status, 0) << created.err;
    EXPECT_THAT(created.out, HasSubstr("created domain: "));
    EXPECT_THAT(created.err, HasSubstr("on_crash is without effect"));
    EXPECT_THAT(xenops({"list", "guest"}).out, HasSubstr("--p---"));
    EXPECT_EQ(xenops({"unpause", "guest"}).status, 0);
    EXPECT_THAT(xenops({"list", "guest"}).out, HasSubstr("------"));
    EXPECT_THAT(xenops({"list", "--json"}).out,
                AllOf(HasSubstr("\"name\": \"guest\""), HasSubstr("\"domid\": 0")));
    EXPECT_EQ(xenops({"pause", "guest"}).status, 0);
    EXPECT_THAT(xenops({"list_domains"}).out, HasSubstr("   P   "));
    EXPECT_EQ(xenops({"unpause", "guest"}).status, 0);
    const Result stopped = xenops({"shutdown", "guest", "-poweroff", "-sync", "-wait", "60"});
    EXPECT_EQ(stopped.status, 0) << stopped.err;
    EXPECT_THAT(stopped.out, HasSubstr("has stopped: poweroff"));
    EXPECT_THAT(xenops({"list", "guest"}).out, HasSubstr("---s--"));
    EXPECT_EQ(xenops({"destroy", "guest"}).status, 0);
    const Result gone = xenops({"list", "guest"});
    EXPECT_EQ(gone.status, 2);
    EXPECT_THAT(gone.err, HasSubstr("there is no domain \"guest\""));
}

TEST_F(XenopsIntegration, resourcesAndDevicesOfAGuestThatRuns) {
    EXPECT_EQ(xenops({"create", "-q", config("worker"), "vcpus=2"}).status, 0);
    const auto fine = [this](Words words) {
        const Result result = xenops(words);
        EXPECT_EQ(result.status, 0) << words[0] << ": " << result.err;
        return result.out;
    };
    fine({"mem-set", "worker", "24"});
    fine({"vcpu-pin", "worker", "all", "0"});
    EXPECT_THAT(fine({"vcpu-list", "worker"}), HasSubstr("0 / all"));
    fine({"sched-credit", "-d", "worker", "-w", "512", "-c", "50"});
    EXPECT_EQ(fine({"sched_get", "worker"}), "512 50\n");
    EXPECT_THAT(fine({"sched-credit"}), AllOf(HasSubstr("Domain-0"), HasSubstr("worker")));
    EXPECT_THAT(fine({"vcpu-list"}), AllOf(HasSubstr("Domain-0"), HasSubstr("worker")));
    const std::string disk = emulator->directory() + "/disk";
    writeFileAtomically(disk, std::string(4096, 'x'));
    fine({"block-attach", "worker", "file:" + disk, "xvdb", "w"});
    EXPECT_THAT(fine({"block-list", "worker"}), AllOf(HasSubstr("xvdb"), HasSubstr(disk)));
    fine({"network-attach", "worker", "bridge=xenbr0", "mac=00:16:3e:00:00:07", "rate=10Mb/s"});
    EXPECT_THAT(fine({"network-list", "worker"}), HasSubstr("00:16:3e:00:00:07"));
    EXPECT_THAT(fine({"list_devices", "worker"}),
                AllOf(HasSubstr("vbd[51728] "), HasSubstr("vif[0] "), Not(HasSubstr("suspend"))));
    fine({"network-detach", "worker", "00:16:3e:00:00:07"});
    fine({"block-detach", "worker", "xvdb"});
    EXPECT_EQ(xenops({"block-detach", "worker", "xvdb"}).status, 2);
    fine({"debugkeys", "q"});
    EXPECT_NE(fine({"dmesg"}), "");
    EXPECT_THAT(fine({"info"}), HasSubstr("nr_cpus = "));
    fine({"destroy", "worker"});
}

TEST_F(XenopsIntegration, savedAndRestoredByItsFileAlone) {
    const std::string saved = emulator->directory() + "/saved";
    EXPECT_EQ(xenops({"create", "-q", config("sleeper")}).status, 0);
    const auto uuid = xenops({"dom-uuid", "sleeper"}).out;
    const Result checkpoint = xenops({"chkpoint", "sleeper", saved});
    EXPECT_EQ(checkpoint.status, 0) << checkpoint.err;
    EXPECT_THAT(xenops({"list", "sleeper"}).out, HasSubstr("------"));
    const Result clash = xenops({"restore", saved});
    EXPECT_EQ(clash.status, 2);
    EXPECT_THAT(clash.err, HasSubstr("has the name or UUID of \"sleeper\" already"));
    EXPECT_EQ(xenops({"save", "sleeper", saved}).status, 2); // it is there
    EXPECT_EQ(xenops({"save", "sleeper", saved + "2"}).status, 0);
    EXPECT_EQ(xenops({"list", "sleeper"}).status, 2);
    const Result restored = xenops({"restore", saved + "2"});
    EXPECT_EQ(restored.status, 0) << restored.err;
    EXPECT_EQ(xenops({"dom-uuid", "sleeper"}).out, uuid);
    const Result piped = xenops({"save", "sleeper", "-"});
    EXPECT_EQ(piped.status, 0) << piped.err;
    writeFileAtomically(saved + "3", piped.out);
    EXPECT_EQ(xenops({"restore", saved + "3"}).status, 0);
    EXPECT_EQ(xenops({"destroy", "sleeper"}).status, 0);
}

TEST_F(XenopsIntegration, consoleFromTheFirstLine) {
    std::array<int, 2> in{};
    std::array<int, 2> out{};
    ASSERT_EQ(::pipe2(in.data(), O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
    UniqueFd childIn(in[0]);
    UniqueFd input(in[1]);
    UniqueFd childOut(out[1]);
    Stream output(loop.context(), out[0]);
    Command what = command(XENOPS, {"create", "-q", "-c", config("talker")});
    what.descriptors = {{childIn.get(), 0}, {childOut.get(), 1}};
    Child child(loop.executor(), what);
    childIn.reset();
    childOut.reset();
    EXPECT_THAT(await(readUntil(output, "xen-guest: ready")), HasSubstr("\"talker\""));
    writeAll(input.get(), "\x1d", "a pipe");
    const ExitStatus status = await(child.wait());
    EXPECT_TRUE(status.success()) << status.text();
    EXPECT_EQ(xenops({"destroy", "talker"}).status, 0);
}

TEST_F(XenopsIntegration, aLinkIsASubCommand) {
    const std::string link = emulator->directory() + "/list_domains";
    ASSERT_EQ(::symlink(XENOPS, link.c_str()), 0);
    const Result listed = run(command(link, {}));
    EXPECT_EQ(listed.status, 0) << listed.err;
    EXPECT_THAT(listed.out, HasSubstr("cpu_time"));
}

TEST_F(XenopsIntegration, statuses) {
    const auto plain = [this](Words words) {
        Command what;
        what.arguments = {XENOPS};
        what.arguments.insert(what.arguments.end(), words.begin(), words.end());
        return run(what);
    };
    EXPECT_EQ(plain({}).status, 0);
    EXPECT_THAT(plain({"help", "list"}).out, HasSubstr("usage: xenops list"));
    const Result unknown = plain({"no-such"});
    EXPECT_EQ(unknown.status, 1);
    EXPECT_THAT(unknown.err, HasSubstr("no sub-command \"no-such\""));
    EXPECT_EQ(plain({"--no-such", "list"}).status, 1);
    const Result invalid = xenops({"pause", "-domid", "x"});
    EXPECT_EQ(invalid.status, 1);
    EXPECT_THAT(invalid.err, HasSubstr("error: \"domid\" argument is not valid"));
    EXPECT_EQ(plain({"--hypervisor", "emulated", "--emulator-directory", "/no/such", "list"}).status, 3);
}

} // namespace
} // namespace xb::test
