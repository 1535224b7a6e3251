// SPDX-License-Identifier: Apache-2.0
// The sub-commands on a hypervisor that lives in the test: what they ask of it, print and refuse.
#include "toolstack/xenops/commands.hpp"

#include "tests/support/loop_runner.hpp"
#include "tests/unit/xenvm/fake_hypervisor.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/xenops/words.hpp"
#include "xen/saved_domain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <set>
#include <unistd.h>

namespace xb::xenops {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using xen::DomId;

// What xenvm's tests have no need of, written down as well.
class FakeXen : public xenvm::test::FakeHypervisor {
public:
    using FakeHypervisor::FakeHypervisor;

    xen::SchedulerParameters scheduling;
    std::vector<xen::DeviceInfo<xen::NicConfig>> cards;
    bool failRemoval = false;
    std::string failRest;
    std::function<void()> duringSave = [] {};

    Task<> setMemoryTarget(DomId domid, std::uint64_t kib) override {
        co_return note(fmt::format("target {} {}", domid, kib));
    }
    Task<> setMaxMemory(DomId domid, std::uint64_t kib) override {
        co_return note(fmt::format("max {} {}", domid, kib));
    }
    Task<std::vector<xen::VcpuInfo>> vcpus(DomId) override {
        xen::VcpuInfo one;
        one.online = one.running = true;
        one.cpu = 1;
        one.timeNs = 1'250'000'000;
        one.hardAffinity = {1};
        xen::VcpuInfo two;
        two.number = 1;
        co_return std::vector<xen::VcpuInfo>{one, two};
    }
    Task<> setOnlineVcpus(DomId domid, unsigned count) override {
        co_return note(fmt::format("online {} {}", domid, count));
    }
    Task<> setAffinity(DomId domid, unsigned vcpu, std::optional<std::vector<unsigned>> hard,
                       std::optional<std::vector<unsigned>> soft) override {
        co_return note(fmt::format("affinity {} {} {} {}", domid, vcpu, hard ? cpusText(*hard) : "-",
                                   soft ? cpusText(*soft) : "-"));
    }
    Task<xen::SchedulerParameters> schedulerParameters(DomId) override { co_return scheduling; }
    Task<> setSchedulerParameters(DomId domid, xen::SchedulerParameters parameters) override {
        if (!failRest.empty())
            throw Error(failRest);
        co_return note(fmt::format("schedule {} {} {}", domid, parameters.weight, parameters.cap));
    }
    Task<> addDisk(DomId domid, xen::DiskConfig disk) override {
        co_return note(
            fmt::format("disk {} {} {} {}", domid, disk.vdev, disk.path, disk.writable ? "w" : "r"));
    }
    Task<> removeDisk(DomId domid, std::string vdev, bool force) override {
        note(fmt::format("undisk {} {}{}", domid, vdev, force ? " force" : ""));
        if (failRemoval && !force)
            throw Error("the guest does not let go");
        co_return;
    }
    Task<std::vector<xen::DeviceInfo<xen::NicConfig>>> nics(DomId) override { co_return cards; }
    Task<> addNic(DomId domid, xen::NicConfig nic) override {
        co_return note(fmt::format("nic {} {} {} {}", domid, nic.devid, nic.mac, nic.bridge));
    }
    Task<> removeNic(DomId domid, int devid, bool force) override {
        co_return note(fmt::format("unnic {} {}{}", domid, devid, force ? " force" : ""));
    }
    Task<> addPci(DomId domid, xen::PciConfig device) override {
        co_return note(fmt::format("pci {} {}", domid, pciText(device.address)));
    }
    Task<> permit(DomId domid, xen::HostResource resource, bool allowed) override {
        co_return note(fmt::format("{} {} {} {}+{}", allowed ? "permit" : "forbid", domid,
                                   static_cast<int>(resource.kind), resource.first, resource.count));
    }
    Task<> sendSysrq(DomId domid, char key) override {
        co_return note(fmt::format("sysrq {} {}", domid, key));
    }
    Task<> sendDebugKeys(std::string keys) override { co_return note("keys " + keys); }
    Task<> save(DomId domid, UniqueFd stream, xen::SaveMode) override {
        note(fmt::format("save {}", domid));
        duringSave();
        if (!failSave.empty())
            throw Error(failSave);
        writeAll(stream.get(), "the guest's memory", "the stream");
        alive[domid].shutdown = true;
        alive[domid].reason = xen::ShutdownReason::suspend;
        co_return;
    }
    Task<xen::DomainConfig> parseConfiguration(std::string json) override {
        EXPECT_EQ(json, "{}");
        xen::DomainConfig config;
        config.name = "saved";
        config.uuid = "0cefa4b1-2b64-41a9-9a1f-0d1f5b7b0b7b";
        config.memoryKib = 32768;
        co_return config;
    }

private:
    void note(std::string call) { calls.push_back(std::move(call)); }
};

class XenopsCommands : public testing::Test {
protected:
    XenopsCommands() {
        xen::DomainInfo dom0;
        dom0.name = "Domain-0";
        dom0.uuid = "00000000-0000-0000-0000-000000000000";
        hypervisor.alive[0] = dom0;
        domid = hypervisor.add("0cefa4b1-2b64-41a9-9a1f-0d1f5b7b0b7a", false);
        hypervisor.alive[domid].name = "guest";
        hypervisor.alive[domid].vcpus = 2;
        hypervisor.alive[domid].memoryKib = 65536;
    }
    ~XenopsCommands() override { std::filesystem::remove_all(directory); }

    // What was printed; failures are the text of the error.
    std::string run(const Words& words) {
        hypervisor.calls.clear();
        const SubCommand* command = findSubCommand(words[0]);
        if (!command)
            return "no such sub-command";
        try {
            Context context{hypervisor, parseArguments({words.begin() + 1, words.end()}, flagsOf(*command)),
                            {},         {},
                            exitOk,     {}};
            runner.await(execute(context, *command));
            warnings = context.err;
            return context.out;
        } catch (const std::exception& e) {
            return e.what();
        }
    }
    std::string file(const std::string& name, const std::string& text) {
        writeFileAtomically(directory / name, text);
        return directory / name;
    }

    std::filesystem::path directory = [] {
        std::string name = std::filesystem::temp_directory_path() / "xenops-XXXXXX";
        return std::filesystem::path(::mkdtemp(name.data()));
    }();
    Loop loop;
    test::LoopRunner runner{loop};
    FakeXen hypervisor{loop.executor()};
    DomId domid = 0;
    std::string warnings;
};

TEST_F(XenopsCommands, namesAndAliasesAreOneCommandEach) {
    std::set<std::string_view> names;
    for (const SubCommand& command : subCommands()) {
        EXPECT_TRUE(names.insert(command.name).second) << command.name;
        for (const auto alias : command.aliases)
            EXPECT_TRUE(names.insert(alias).second) << alias;
        EXPECT_THAT(helpOf(command), HasSubstr(std::string(command.name)));
    }
    // Those of the classic tool.
    for (const auto* name : {"init",
                             "shutdown",
                             "sysrq",
                             "pause",
                             "unpause",
                             "list",
                             "li",
                             "destroy",
                             "del",
                             "chkpoint",
                             "checkpoint",
                             "restore",
                             "build",
                             "hvmbuild",
                             "suspend",
                             "disk-add",
                             "pci-bind",
                             "getuuid_domain",
                             "create_domain",
                             "destroy_domain",
                             "build_domain",
                             "build_hvm",
                             "setmaxmem",
                             "save_domain",
                             "restore_domain",
                             "chkpoint_domain",
                             "shutdown_domain",
                             "hard_shutdown_domain",
                             "sysrq_domain",
                             "pause_domain",
                             "unpause_domain",
                             "sched_domain",
                             "sched_get",
                             "affinity_set",
                             "affinity_get",
                             "list_domains",
                             "list_devices",
                             "add_vbd",
                             "del_vbd",
                             "add_vif",
                             "del_vif",
                             "add_pci",
                             "del_pci",
                             "bind_pci",
                             "add_dm",
                             "add_ioport",
                             "del_ioport",
                             "add_iomem",
                             "del_iomem",
                             "add_irq",
                             "del_irq",
                             "balloon",
                             "dom-uuid",
                             "watchdog",
                             "set_target",
                             "dmesg",
                             "debugkeys",
                             "physinfo",
                             "pcpuinfo",
                             "getenforce",
                             "setenforce",
                             "capabilities",
                             "migrate",
                             "resume"})
        EXPECT_NE(findSubCommand(name), nullptr) << name;
}

TEST_F(XenopsCommands, domainsAreNumbersNamesAndUuids) {
    for (const Words& words :
         {Words{"pause", "1"}, Words{"pause", "guest"},
          Words{"pause", "0cefa4b1-2b64-41a9-9a1f-0d1f5b7b0b7a"}, Words{"pause_domain", "-domid", "1"}}) {
        EXPECT_EQ(run(words), "paused domain: 1\n");
        EXPECT_THAT(hypervisor.calls, ElementsAre("pause 1"));
    }
    EXPECT_THAT(run({"pause", "7"}), HasSubstr("there is no domain 7"));
    EXPECT_THAT(run({"pause", "nobody"}), HasSubstr("there is no domain \"nobody\""));
    EXPECT_THAT(run({"pause"}), HasSubstr("error: \"domid\" argument is not valid"));
    EXPECT_THAT(run({"pause", "-domid", "x"}), HasSubstr("error: \"domid\" argument is not valid"));
}

TEST_F(XenopsCommands, oneTooManyDoesNothing) {
    for (const Words& words :
         {Words{"destroy", "1", "2"}, Words{"destroy", "-domid", "1", "2"}, Words{"dmesg", "x"}}) {
        EXPECT_THAT(run(words), HasSubstr("is one argument too many"));
        EXPECT_THAT(hypervisor.calls, IsEmpty());
    }
}

TEST_F(XenopsCommands, domain0IsLeftAlone) {
    for (const Words& words :
         {Words{"pause", "0"}, Words{"destroy", "-domid", "0"}, Words{"destroy", "Domain-0"},
          Words{"shutdown", "0", "-halt"}, Words{"hard_shutdown", "0", "-halt"}}) {
        EXPECT_THAT(run(words), HasSubstr("domain 0 is the control domain"));
        EXPECT_THAT(hypervisor.calls, IsEmpty());
    }
}

TEST_F(XenopsCommands, unknownFlagsAreWarnedOf) {
    EXPECT_EQ(run({"pause", "1", "-hard"}), "paused domain: 1\n");
    EXPECT_EQ(warnings, "xenops: warning: pause_domain has no flag -hard: it is ignored\n");
}

TEST_F(XenopsCommands, listsWithoutWhatTheHypervisorDoesNotTell) {
    EXPECT_THAT(run({"list"}),
                AllOf(HasSubstr("Domain-0"), HasSubstr("guest                     1       64     2 ------"
                                                       "     0.0\n")));
    EXPECT_THAT(run({"list", "guest"}), Not(HasSubstr("Domain-0")));
    EXPECT_THAT(run({"list", "-l"}), HasSubstr("\"name\": \"guest\""));
    EXPECT_THAT(run({"list_domains", "-v"}), HasSubstr("ssidref"));
    EXPECT_EQ(run({"dom-uuid", "-domid", "1"}), "0cefa4b1-2b64-41a9-9a1f-0d1f5b7b0b7a\n");
    EXPECT_EQ(run({"dom-uuid", "-domid", "9"}), "");
    hypervisor.xenstore.values["/vm/0cefa4b1-2b64-41a9-9a1f-0d1f5b7b0b7a/start_time"] = "99999999999.00";
    EXPECT_THAT(run({"uptime", "guest"}), HasSubstr(" 0:00:00\n"));
    EXPECT_THAT(run({"physinfo"}),
                AllOf(HasSubstr("nr_cpus = 2\n"), HasSubstr("total_pages = 262144 (1024 MB)\n")));
}

TEST_F(XenopsCommands, shutdownNeedsOneReason) {
    EXPECT_THAT(run({"shutdown", "1"}), HasSubstr("say one of"));
    EXPECT_THAT(run({"shutdown", "1", "-halt", "-reboot"}), HasSubstr("say one"));
    EXPECT_EQ(run({"shutdown", "1", "-reboot"}), "");
    EXPECT_THAT(hypervisor.calls, ElementsAre("request reboot 1"));
    EXPECT_EQ(run({"shutdown", "1", "-poweroff", "-sync"}), "domain 1 has stopped: poweroff\n");
    hypervisor.acknowledges = false;
    EXPECT_THAT(run({"shutdown", "1", "-poweroff"}), HasSubstr("did not acknowledge"));
    EXPECT_EQ(run({"hard_shutdown", "1", "-suspend"}), "");
    EXPECT_THAT(hypervisor.calls, ElementsAre("force suspend 1"));
}

TEST_F(XenopsCommands, aGuestThatDoesNotStopInTime) {
    hypervisor.obeys = false;
    EXPECT_THAT(run({"shutdown", "1", "-halt", "-sync", "-wait", "1"}),
                HasSubstr("has not stopped after 1 s"));
}

TEST_F(XenopsCommands, memoryAndProcessors) {
    run({"mem-set", "guest", "64"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("target 1 65536"));
    run({"balloon", "-domid", "1", "-memory", "128"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("target 1 131072"));
    EXPECT_THAT(run({"balloon", "1", "16"}), HasSubstr("more than 16 MiB"));
    EXPECT_THAT(run({"mem-set", "0", "195"}), HasSubstr("domain 0 keeps at least 196 MiB"));
    EXPECT_THAT(run({"mem-set", "-dom0-min-mem", "1g", "0", "1023"}), HasSubstr("at least 1024 MiB"));
    run({"mem-set", "0", "196"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("target 0 200704"));
    run({"setmaxmem", "-domid", "1", "-memory", "65536"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("max 1 65536"));
    run({"vcpu-set", "guest", "2"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("online 1 2"));
    run({"vcpu-pin", "guest", "all", "0-1", "0"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("affinity 1 0 0-1 0", "affinity 1 1 0-1 0"));
    run({"affinity_set", "-domid", "1", "-vcpu", "0", "-bitmap", "01"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("affinity 1 0 1 -"));
    EXPECT_EQ(run({"affinity_get", "-domid", "1", "-vcpu", "0"}), "01\n");
    EXPECT_EQ(run({"affinity_get", "-domid", "1", "-vcpu", "1"}), "11\n");
    EXPECT_THAT(run({"affinity_get", "-domid", "1", "-vcpu", "2"}), HasSubstr("has 2 of them"));
    EXPECT_THAT(run({"vcpu-list", "guest"}),
                AllOf(HasSubstr("   1   r--     1.2"), HasSubstr("   -   --p     0.0")));
}

TEST_F(XenopsCommands, schedulingKeepsWhatIsNotSaid) {
    hypervisor.scheduling = {300, 50};
    run({"sched_domain", "-domid", "1", "-weight", "512"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("schedule 1 512 50"));
    run({"sched-credit", "-d", "guest", "-c", "0"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("schedule 1 300 0"));
    EXPECT_EQ(run({"sched_get", "1"}), "300 50\n");
    EXPECT_THAT(run({"sched-credit"}), HasSubstr("300  50\n"));
    EXPECT_THAT(run({"sched-credit", "-w", "5"}), HasSubstr("say whose"));
    EXPECT_THAT(run({"sched_domain", "1", "-weight", "0"}), HasSubstr("\"weight\" argument is not valid"));
}

TEST_F(XenopsCommands, devices) {
    run({"block-attach", "guest", "phy:/dev/a", "xvdb", "w"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("disk 1 xvdb /dev/a w"));
    run({"add_vbd", "-domid", "1", "-physpath", "/a", "-virtpath", "xvdc"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("disk 1 xvdc /a r"));
    EXPECT_THAT(run({"add_vbd", "-domid", "1", "-physpath", "/a", "-virtpath", "x", "-mode", "x"}),
                HasSubstr("mode"));
    hypervisor.failRemoval = true;
    run({"del_vbd", "-domid", "1", "-virtpath", "xvdc"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("undisk 1 xvdc", "undisk 1 xvdc force"));
    EXPECT_THAT(warnings, HasSubstr("forced"));
    EXPECT_EQ(run({"block-detach", "1", "xvdc"}), "the guest does not let go");
    hypervisor.cards.resize(1);
    hypervisor.cards[0].config.mac = "00:16:3e:00:00:01";
    run({"network-attach", "guest", "mac=00:16:3e:00:00:02", "bridge=br1"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("nic 1 1 00:16:3e:00:00:02 br1"));
    run({"network-detach", "guest", "00:16:3e:00:00:01"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("unnic 1 0"));
    EXPECT_EQ(run({"add_pci", "-domid", "1", "-pci", "0000:01:00.0,02:00.1"}),
              "0000:01:00.0\n0000:02:00.1\n");
    EXPECT_THAT(hypervisor.calls, ElementsAre("pci 1 0000:01:00.0", "pci 1 0000:02:00.1"));
}

TEST_F(XenopsCommands, rangesEndBeforeTheirEnd) {
    run({"add_ioport", "-domid", "1", "-start", "0x3f8", "-end", "0x400"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("permit 1 0 1016+8"));
    run({"del_iomem", "-domid", "1", "-start", "0xa0000", "-end", "0xc0000"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("forbid 1 1 160+32"));
    run({"add_irq", "-domid", "1", "-irq", "4"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("permit 1 2 4+1"));
    EXPECT_THAT(run({"add_ioport", "1", "-start", "8", "-end", "8"}), HasSubstr("\"end\""));
    EXPECT_THAT(run({"add_ioport", "1", "-start", "8", "-end", "65537"}), HasSubstr("\"end\""));
    EXPECT_THAT(run({"add_iomem", "1", "-start", "1", "-end", "4096"}), HasSubstr("multiples of 4096"));
}

TEST_F(XenopsCommands, keys) {
    run({"sysrq", "-domid", "1", "-key", "s"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("sysrq 1 s"));
    EXPECT_THAT(run({"sysrq", "1", "ss"}), HasSubstr("\"key\""));
    run({"debugkeys", "q", "r"});
    EXPECT_THAT(hypervisor.calls, ElementsAre("keys qr"));
}

TEST_F(XenopsCommands, createReadsFileAndCommandLine) {
    const std::string config = file("c", "name='new'\nmemory=32\nkernel='/k'\ncpus='1'\nvcpus=2\n");
    EXPECT_EQ(run({"create", config, "memory=64"}), "created domain: 2\n");
    EXPECT_THAT(hypervisor.calls, ElementsAre("create", "affinity 2 0 1 -", "affinity 2 1 1 -", "unpause 2"));
    ASSERT_EQ(hypervisor.built.size(), 1U);
    EXPECT_EQ(hypervisor.built[0].memoryKib, 65536U);
    EXPECT_EQ(run({"create", "-p", config, "name='other'"}), "created domain: 3\n");
    EXPECT_THAT(hypervisor.calls, Not(Contains("unpause 3")));
    EXPECT_THAT(run({"create", config, "name='guest'"}), HasSubstr("has the name or UUID"));
    EXPECT_THAT(run({"create", "-n", config, "name='third'"}), HasSubstr("memory = 32768 KiB"));
    EXPECT_THAT(run({"create", config, "memory="}), HasSubstr("the command line:1: "));
    EXPECT_THAT(run({"create", "/no/such/file"}), HasSubstr("/no/such/file"));
}

TEST_F(XenopsCommands, whatIsHalfMadeIsTakenApart) {
    const std::string config = file("c", "name='new'\nmemory=32\nkernel='/k'\ncpu_weight=5\n");
    hypervisor.failRest = "no such scheduler";
    EXPECT_EQ(run({"create", config}), "no such scheduler");
    EXPECT_THAT(hypervisor.calls, ElementsAre("create", "destroy 2"));
}

TEST_F(XenopsCommands, savingNeedsANewFileAndDestroysOnlyWhatWasSaved) {
    const std::string saved = directory / "saved";
    hypervisor.failSave = "no space left";
    EXPECT_EQ(run({"save", "guest", saved}), "no space left");
    EXPECT_THAT(hypervisor.calls, ElementsAre("save 1"));
    EXPECT_FALSE(std::filesystem::exists(saved));
    hypervisor.failSave.clear();
    EXPECT_EQ(run({"chkpoint", "guest", saved}), "");
    EXPECT_THAT(hypervisor.calls, ElementsAre("save 1", "resume 1"));
    EXPECT_EQ(xen::openSavedFile(saved).header.configuration, "{}");
    EXPECT_TRUE(readFile(saved).ends_with("the guest's memory"));
    EXPECT_EQ(std::filesystem::status(saved).permissions(), std::filesystem::perms(0600));
    EXPECT_THAT(run({"save", "guest", saved}), HasSubstr("is there already"));
    EXPECT_THAT(hypervisor.calls, IsEmpty());
    EXPECT_EQ(run({"save_domain", "-domid", "1", "-file", saved + "2"}), "");
    EXPECT_THAT(hypervisor.calls, ElementsAre("save 1", "destroy 1"));
    EXPECT_THAT(run({"chkpoint", "0", saved + "3"}), HasSubstr("domain 0"));
}

TEST_F(XenopsCommands, aFileThatCannotBeFinishedLetsTheGuestGoOn) {
    const std::string saved = directory / "saved";
    hypervisor.duringSave = [&] { std::filesystem::create_directory(saved); };
    EXPECT_THAT(run({"save", "guest", saved}), HasSubstr(saved));
    EXPECT_THAT(hypervisor.calls, ElementsAre("save 1", "resume 1"));
    EXPECT_TRUE(std::filesystem::is_empty(saved));
    EXPECT_THAT(std::distance(std::filesystem::directory_iterator(directory), {}), 1);
}

// Another descriptor in the place of a standard one, for as long as it lives.
class Replaced {
public:
    Replaced(int standard, int other) : standard_(standard), kept_(::fcntl(standard, F_DUPFD_CLOEXEC, 3)) {
        EXPECT_EQ(::dup2(other, standard), standard);
    }
    Replaced(const Replaced&) = delete;
    Replaced& operator=(const Replaced&) = delete;
    ~Replaced() { ::dup2(kept_.get(), standard_); }

private:
    int standard_;
    UniqueFd kept_;
};

TEST_F(XenopsCommands, aDashIsThePipeOfStandardInputOrOutput) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    std::string said;
    {
        const Replaced output(STDOUT_FILENO, writer.get());
        said = run({"save", "guest", "-"});
    }
    EXPECT_EQ(said, "");
    EXPECT_THAT(hypervisor.calls, ElementsAre("save 1", "destroy 1"));
    EXPECT_FALSE(std::filesystem::exists("-"));
    writer.reset();
    {
        const Replaced input(STDIN_FILENO, reader.get());
        said = run({"restore", "-"});
    }
    EXPECT_EQ(said, "restored domain: 2\n");
    EXPECT_THAT(hypervisor.calls, ElementsAre("restore the guest's memory", "create", "unpause 2"));
}

TEST_F(XenopsCommands, aPipeWithoutReaderOrDomainLetsTheGuestGoOn) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    reader.reset();
    std::string said;
    {
        const Replaced output(STDOUT_FILENO, writer.get());
        said = run({"save", "guest", "-"});
    }
    EXPECT_THAT(said, HasSubstr("standard output"));
    EXPECT_THAT(hypervisor.calls, IsEmpty());
    const UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    {
        const Replaced input(STDIN_FILENO, nothing.get());
        said = run({"restore", "-"});
    }
    EXPECT_THAT(said, HasSubstr("standard input is no saved domain"));
    const UniqueFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_TRUE(terminal);
    {
        const Replaced input(STDIN_FILENO, terminal.get());
        said = run({"restore", "-"});
    }
    EXPECT_THAT(said, HasSubstr("is a terminal"));
}

TEST_F(XenopsCommands, restoringTakesTheConfigurationOfTheFileOrAnother) {
    const std::string saved = directory / "saved";
    EXPECT_EQ(run({"save", "guest", saved}), "");
    EXPECT_EQ(run({"restore", "-p", saved}), "restored domain: 2\n");
    EXPECT_THAT(hypervisor.calls, ElementsAre("restore the guest's memory", "create"));
    EXPECT_EQ(hypervisor.built.back().name, "saved");
    hypervisor.alive[2].name = "saved";
    EXPECT_THAT(run({"restore", saved}), HasSubstr("has the name or UUID of \"saved\" already"));
    EXPECT_THAT(hypervisor.calls, IsEmpty());
    const std::string config = file("c", "name='new'\nmemory=32\nkernel='/k'\n");
    EXPECT_EQ(run({"restore", config, "-file", saved}), "restored domain: 3\n");
    EXPECT_THAT(hypervisor.calls, ElementsAre("restore the guest's memory", "create", "unpause 3"));
    EXPECT_EQ(run({"restore", config, saved, "more"}).find("error: "), 0U);
    EXPECT_THAT(run({"restore", config}), HasSubstr("is no saved domain"));
}

TEST_F(XenopsCommands, whatLibxlCannotDoSaysWhatCan) {
    for (const Words& words :
         {Words{"init"}, Words{"build", "-domid", "1"}, Words{"hvmbuild", "-domid", "1"}})
        EXPECT_THAT(run(words), HasSubstr("xenops create FILE"));
    EXPECT_THAT(run({"restore_domain", "-domid", "1", "-file", "f"}), HasSubstr("xenops restore FILE"));
    EXPECT_THAT(run({"add_dm", "-domid", "1"}), HasSubstr("libxl starts qemu"));
    EXPECT_THAT(run({"dmesg"}), HasSubstr("does not offer"));
}

TEST_F(XenopsCommands, theHelpFitsAScreenAndNamesTheCommands) {
    const std::string help = helpText();
    EXPECT_LE(std::ranges::count(help, '\n'), 23);
    for (const SubCommand& command : subCommands()) {
        const std::string summary(command.summary);
        if (summary.starts_with("not supported"))
            continue;
        bool named = help.find(command.name) != std::string::npos;
        for (const auto alias : command.aliases)
            named = named || help.find(alias) != std::string::npos;
        EXPECT_TRUE(named) << command.name;
    }
}

} // namespace
} // namespace xb::xenops
