// SPDX-License-Identifier: Apache-2.0
// What only the emulated hypervisor has: honesty of its guests, test words, injected faults, and leaving
// nothing behind.
#include "tests/support/loop_runner.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/unit/xen/emulated_environment.hpp"

#include "toolstack/libs/files.hpp"
#include "toolstack/libs/unique_fd.hpp"
#include "xen/emulated/control_protocol.hpp"
#include "xen/emulated/emulated_hypervisor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

namespace xb::xen::test {

namespace {

using Kind = DomainEvent::Kind;

std::vector<pid_t> childrenOf(pid_t pid) {
    const std::string number = std::to_string(pid);
    std::ifstream file("/proc/" + number + "/task/" + number + "/children");
    std::vector<pid_t> result;
    for (pid_t child = 0; file >> child;)
        result.push_back(child);
    return result;
}

std::string commandOf(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
    std::stringstream text;
    text << file.rdbuf();
    std::string command = text.str();
    std::replace(command.begin(), command.end(), '\0', ' ');
    return command;
}

pid_t guestOf(pid_t emulatorPid, DomId domid) {
    for (const pid_t child : childrenOf(emulatorPid))
        if (commandOf(child).find("--domid " + std::to_string(domid) + " ") != std::string::npos)
            return child;
    return -1;
}

bool endsWithin(int pidfd, std::chrono::milliseconds limit) {
    pollfd entry{pidfd, POLLIN, 0};
    return ::poll(&entry, 1, static_cast<int>(limit.count())) == 1;
}

UniqueFd pidfdOf(pid_t pid) {
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U)));
}

} // namespace

class EmulatorTest : public HypervisorTest {
protected:
    /// Boots and returns the console once it says `until`.
    std::unique_ptr<ConsoleReader> boot(DomId domid, const std::string& until = "xen-guest: ready") {
        auto console =
            std::make_unique<ConsoleReader>(loop_.executor(), await(hypervisor().consoleTty(domid)));
        await(hypervisor().unpause(domid));
        expect(*console, until);
        return console;
    }
    void expect(ConsoleReader& console, const std::string& text) {
        try {
            runUntil([&] { return console.text().find(text) != std::string::npos; }, "\"" + text + "\"");
        } catch (const std::runtime_error& e) {
            throw std::runtime_error(std::string(e.what()) + ", the console says: " + console.text());
        }
    }
    void command(ConsoleReader& console, const std::string& line, const std::string& answer) {
        console.forget();
        console.type(line);
        expect(console, answer);
    }
    std::string makeDisk(const std::string& start) {
        std::string path = emulator().directory() + "/disk-" + std::to_string(nextDisk_++);
        writeFileAtomically(path, std::string(start).append(64 * 1024 - start.size(), '\0'));
        return path;
    }
    DomainConfig withWords(const std::string& words) {
        auto wanted = config();
        wanted.cmdline = "quiet xbtest=" + words;
        return wanted;
    }
    std::string createFailure(DomainConfig wanted) {
        return failure(hypervisor().create(std::move(wanted), [](CreateStep, DomId) {}));
    }
    DomainEvent shutdownOf(DomId domid) {
        Events events;
        const auto watch = await(hypervisor().watch(domid, events.handler()));
        runUntil([&] { return !events.list.empty(); }, "the shutdown");
        return events.list[0];
    }

    int nextDisk_ = 1;
};

// A guest whose device model is in a stub domain.
class StubDomainTest : public EmulatorTest {
protected:
    DomainConfig withStubDomain() {
        auto wanted = config();
        wanted.type = DomainType::hvm;
        wanted.deviceModelArguments = {"-global", "x=y"};
        wanted.disks.push_back({makeDisk("text"), DiskBackend::file, "hda", true, false, 0});
        wanted.stubDomain = {true, wanted.kernel, "", "quiet", 65536, ""};
        return wanted;
    }
    std::string node(const std::string& path) {
        return await(hypervisor().store().read(path)).value_or("(nothing)");
    }
    DomId stubOf(DomId domid) {
        return static_cast<DomId>(
            std::stoul(node("/local/domain/" + std::to_string(domid) + "/image/device-model-domid")));
    }
    std::vector<std::string> arguments(const DomainConfig& guest) {
        const std::string directory = "/vm/" + guest.uuid + "/image/dm-argv";
        std::vector<std::string> values;
        for (int i = 1;; ++i) {
            const auto value = await(hypervisor().store().read(fmt::format("{}/{:03}", directory, i)));
            if (!value)
                return values;
            values.push_back(*value);
        }
    }
    std::optional<DomainInfo> info(DomId domid) { return await(hypervisor().domain(domid)); }
};

TEST_F(StubDomainTest, TheDeviceModelIsInADomainOfItsOwn) {
    const auto wanted = withStubDomain();
    const DomId guest = create(wanted);
    const DomId stub = stubOf(guest);
    ASSERT_NE(stub, guest);
    const std::string home = "/local/domain/" + std::to_string(stub);
    EXPECT_EQ(node(home + "/target"), std::to_string(guest));
    EXPECT_EQ(node(home + "/name"), wanted.name + "-dm");
    EXPECT_EQ(node(home + "/device-model/" + std::to_string(guest) + "/state"), "running");
    EXPECT_EQ(arguments(wanted), (std::vector<std::string>{"-xen-domid", std::to_string(guest), "-name",
                                                           wanted.name, "-global", "x=y"}));
    ASSERT_TRUE(info(stub));
    EXPECT_FALSE(info(stub)->paused) << "it runs before the guest does";
    EXPECT_TRUE(info(guest)->paused);
    EXPECT_EQ(info(stub)->memoryKib, 65536u);
    const auto console = boot(guest);
    await(hypervisor().destroy(guest));
    EXPECT_FALSE(info(stub));
    EXPECT_EQ(node(home), "(nothing)");
    EXPECT_EQ(node("/vm/" + wanted.uuid + "/image/dm-argv"), "(nothing)");
}

TEST_F(StubDomainTest, OneThatDoesNotStartIsUndoneWithItsGuest) {
    auto wanted = withStubDomain();
    wanted.stubDomain.kernel = "/nowhere/kernel";
    EXPECT_NE(createFailure(wanted).find("kernel of the stub domain /nowhere/kernel"), std::string::npos);
    wanted = withStubDomain();
    wanted.stubDomain.cmdline = "xbtest=hang,poweroff=0";
    EXPECT_NE(createFailure(wanted).find("ended before its device model ran"), std::string::npos);
    EXPECT_EQ(await(hypervisor().domains()).size(), 1u) << "domain 0";
    wanted.type = DomainType::pvh;
    EXPECT_NE(createFailure(wanted).find("only an HVM domain"), std::string::npos);
}

TEST_F(StubDomainTest, ItsMemoryCounts) {
    const auto wanted = withStubDomain();
    auto plain = wanted;
    plain.stubDomain = {};
    const auto most = await(hypervisor().memoryNeeded(wanted));
    EXPECT_EQ(most - await(hypervisor().memoryNeeded(plain)), 65536u + 2048u);
    const auto before = await(hypervisor().hostInfo()).freeMemoryKib;
    create(wanted);
    EXPECT_EQ(before - await(hypervisor().hostInfo()).freeMemoryKib, most);
}

// Where its state comes from only its init knows: it gets a word to put that in the place of.
TEST_F(StubDomainTest, ARestoredOneIsToldSo) {
    const auto wanted = withStubDomain();
    const std::string file = emulator().directory() + "/saved";
    const DomId first = create(wanted);
    boot(first);
    UniqueFd out(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    await(hypervisor().save(first, std::move(out), SaveMode::stopped));
    await(hypervisor().destroy(first));
    UniqueFd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    const DomId second = await(hypervisor().restore(wanted, std::move(in), [](CreateStep, DomId) {}));
    EXPECT_EQ(arguments(wanted),
              (std::vector<std::string>{"-xen-domid", std::to_string(second), "-name", wanted.name, "-global",
                                        "x=y", "-incoming", "$STUBDOM_RESTORE_INCOMING_ARG"}));
    await(hypervisor().destroy(second));
}

TEST_F(EmulatorTest, TheConsoleTellsWhatTheGuestReadItself) {
    auto wanted = config();
    wanted.cmdline = "root=/dev/xvda some words";
    wanted.disks.push_back({makeDisk("first words"), DiskBackend::file, "xvda", false, false, 0});
    wanted.nics.push_back({0, "00:16:3e:0a:0b:0c", "xenbr0", "", "", 0});
    const auto console = boot(create(wanted));
    for (const auto& text :
         std::vector<std::string>{"emulated guest, no real kernel runs here", "\"" + wanted.name + "\"",
                                  "128 MiB", "2 vCPUs", wanted.kernel, "root=/dev/xvda some words",
                                  "xvda: disk, 128 sectors, read-only, begins with \"first words\"",
                                  "eth0: 00:16:3e:0a:0b:0c", "on xenbr0, ping 10.9.0.1: answer from"})
        EXPECT_NE(console->text().find(text), std::string::npos) << text << "\nin: " << console->text();

    // Other disk, card, bridge and store: other words.
    auto other = config();
    other.memoryKib = 96 * 1024;
    other.vcpus = 3;
    other.disks.push_back({makeDisk("second disk"), DiskBackend::file, "xvdb", true, false, 0});
    other.nics.push_back({1, "00:16:3e:0a:0b:0d", "brbridged", "", "", 0});
    const DomId domid = create(other);
    await(hypervisor().store().write("/local/domain/" + std::to_string(domid) + "/name",
                                     "renamed in the store"));
    const auto second = boot(domid);
    for (const char* text : {"\"renamed in the store\"", "96 MiB", "3 vCPUs",
                             "xvdb: disk, 128 sectors, writable, begins with \"second disk\"",
                             "eth1: 00:16:3e:0a:0b:0d", "on brbridged"})
        EXPECT_NE(second->text().find(text), std::string::npos) << text << "\nin: " << second->text();
}

TEST_F(EmulatorTest, TheDiskIsReadAndWrittenForReal) {
    auto wanted = config();
    const auto writable = makeDisk("changes");
    wanted.disks.push_back({writable, DiskBackend::file, "xvda", true, false, 0});
    wanted.disks.push_back({makeDisk("stays"), DiskBackend::file, "xvdb", false, false, 0});
    wanted.disks.push_back({"", DiskBackend::file, "xvdc", false, true, 0});
    const auto console = boot(create(wanted));
    expect(*console, "xvdc: CD, no medium");
    command(*console, "write xvda 3 from the guest", "xvda: wrote sector 3");
    EXPECT_EQ(readFile(writable).substr(3 * 512, 14), "from the guest");
    command(*console, "write xvda 128 beyond the end", "cannot write sector 128: Invalid argument");
    command(*console, "write xvdb 0 refused", "cannot write sector 0: Read-only file system");
    std::ofstream(writable, std::ios::in | std::ios::out) << "now this";
    command(*console, "disk", "begins with \"now this\"");
}

TEST_F(EmulatorTest, GuestsOfOneBridgeReachEachOther) {
    auto first = config();
    first.nics.push_back({0, "00:16:3e:00:00:01", "xenbr0", "", "", 0});
    auto second = config();
    second.nics.push_back({0, "00:16:3e:00:00:02", "xenbr0", "", "", 0});
    auto third = config();
    third.nics.push_back({0, "00:16:3e:00:00:03", "brinternal", "", "", 0});
    const auto a = boot(create(first));
    const auto b = boot(create(second));
    const auto c = boot(create(third));
    const auto start = b->text().find("00:16:3e:00:00:02, ") + 19;
    const auto address = b->text().substr(start, b->text().find(' ', start) - start);
    command(*a, "ping " + address, "answer from 00:16:3e:00:00:02");
    command(*c, "ping " + address, "no such host");
}

TEST_F(EmulatorTest, AGuestIsHeldToItsRightsInXenstore) {
    const DomId other = create(config());
    const auto console = boot(create(config()));
    const std::string home = "/local/domain/" + std::to_string(other);
    command(*console, "store name", "name = \"contract-");
    command(*console, "store " + home + "/name", "EACCES: " + home + "/name");
    command(*console, "store-write name stolen", "EACCES: name");
    command(*console, "store-write /local/domain/0/name stolen", "EACCES");
    command(*console, "store-write data/free words", "written");
    command(*console, "store data/free", "\"words\"");
}

TEST_F(EmulatorTest, XenstoredsQuotaHoldsForAGuest) {
    const DomId domid = create(config());
    const auto console = boot(domid);
    const auto refused = [&] { return console->text().find("ENOSPC") != std::string::npos; };
    for (int i = 0; i < 1100 && !refused(); ++i) // xenstored's default: 1000 nodes
        command(*console, "store-write data/" + std::to_string(i) + " x", "> ");
    EXPECT_TRUE(refused()) << console->text();
}

TEST_F(EmulatorTest, TestWordsMakeGuestsMisbehave) {
    const DomId deaf = create(withWords("ignore-shutdown"));
    boot(deaf);
    EXPECT_FALSE(
        await(hypervisor().requestShutdown(deaf, ShutdownRequest::poweroff, std::chrono::seconds(1))));
    const DomId hanging = create(withWords("hang"));
    boot(hanging, "hanging");
    EXPECT_FALSE(
        await(hypervisor().requestShutdown(hanging, ShutdownRequest::poweroff, std::chrono::seconds(1))));
    EXPECT_EQ(shutdownOf(start(withWords("crash=0.05"))).reason, ShutdownReason::crash);
    EXPECT_EQ(shutdownOf(start(withWords("reboot=0.05"))).reason, ShutdownReason::reboot);
    EXPECT_EQ(shutdownOf(start(withWords("poweroff=0.05"))).reason, ShutdownReason::poweroff);
    EXPECT_EQ(shutdownOf(start(withWords("nonsense"))).reason, ShutdownReason::crash);
}

TEST_F(EmulatorTest, RequestsArePassedOnToTheGuest) {
    for (const auto& [request, reason] :
         {std::make_pair(ShutdownRequest::reboot, ShutdownReason::reboot),
          std::make_pair(ShutdownRequest::suspend, ShutdownReason::suspend)}) {
        const DomId domid = create(config());
        boot(domid);
        EXPECT_TRUE(await(hypervisor().requestShutdown(domid, request, std::chrono::seconds(10))));
        EXPECT_EQ(shutdownOf(domid).reason, reason);
    }
}

TEST_F(EmulatorTest, AnHvmGuestWithoutPvDriverHasOnlyThePowerButton) {
    auto wanted = withWords("no-pv");
    wanted.type = DomainType::hvm;
    wanted.kernel.clear();
    const DomId domid = create(wanted);
    boot(domid, "no PV driver");
    EXPECT_FALSE(
        await(hypervisor().requestShutdown(domid, ShutdownRequest::poweroff, std::chrono::seconds(60))));
    await(hypervisor().powerButton(domid));
    EXPECT_EQ(shutdownOf(domid).reason, ShutdownReason::poweroff);
    const DomId pv = create(config());
    EXPECT_NE(failure(hypervisor().powerButton(pv)).find("not HVM"), std::string::npos);
}

TEST_F(EmulatorTest, AnHvmGuestSleepsAndWakes) {
    auto wanted = config();
    wanted.type = DomainType::hvm;
    const DomId domid = create(wanted);
    const auto console = boot(domid);
    const std::string home = "/local/domain/" + std::to_string(domid);
    EXPECT_EQ(await(hypervisor().acpiState(domid)), 0);
    await(hypervisor().store().write(home + "/control/shutdown", "s3"));
    expect(*console, "ACPI state S3");
    EXPECT_EQ(await(hypervisor().acpiState(domid)), 3);
    await(hypervisor().store().write(home + "/wakeup-req", "1"));
    expect(*console, "ACPI state S0");
    EXPECT_EQ(await(hypervisor().acpiState(domid)), 0);
}

TEST_F(EmulatorTest, APausedGuestDoesNotRun) {
    const DomId domid = create(config());
    const auto console = boot(domid);
    await(hypervisor().pause(domid));
    console->forget();
    console->type("date");
    std::string state;
    std::ifstream("/proc/" + std::to_string(guestOf(emulator().pid(), domid)) + "/stat") >> state >> state >>
        state;
    EXPECT_EQ(state, "T");
    await(hypervisor().unpause(domid));
    expect(*console, "UTC");
}

TEST_F(EmulatorTest, ADeviceIsDetachedThroughXenbus) {
    auto wanted = config();
    wanted.disks.push_back({makeDisk("leaves"), DiskBackend::file, "xvda", false, false, 0});
    const DomId domid = create(wanted);
    const auto console = boot(domid);
    const std::string backend = "/local/domain/0/backend/vbd/" + std::to_string(domid) + "/51712";
    XenStore::Changes changes{{backend + "/online", "0"}, {backend + "/state", "5"}};
    await(hypervisor().store().apply(changes));
    waitForNode(backend + "/state", "6");
    EXPECT_EQ(node("/local/domain/" + std::to_string(domid) + "/device/vbd/51712/state"), "6");
    expect(*console, "device/vbd/51712: detached");
    command(*console, "disk", "xvda: not connected");
}

TEST_F(EmulatorTest, AKilledGuestIsACrash) {
    const DomId domid = create(config());
    boot(domid);
    const pid_t guest = guestOf(emulator().pid(), domid);
    ASSERT_GT(guest, 0);
    int released = 0;
    const auto watch =
        await(hypervisor().store().watch("@releaseDomain", [&](const std::string&) { ++released; }));
    runUntil([&] { return released > 0; }, "the first event");
    released = 0;
    ::kill(guest, SIGKILL);
    EXPECT_EQ(shutdownOf(domid).reason, ShutdownReason::crash);
    runUntil([&] { return released > 0; }, "@releaseDomain");
}

TEST_F(EmulatorTest, InjectedFaultsFailCreateAndAreUndone) {
    auto wanted = config();
    wanted.disks.push_back({makeDisk("x"), DiskBackend::file, "xvda", false, false, 0});
    const auto before = await(hypervisor().hostInfo()).freeMemoryKib;
    for (const auto& [fault, text] : {std::make_pair("backend-never-connects", "did not get ready"),
                                      std::make_pair("hotplug-fails", "hotplug failed"),
                                      std::make_pair("create-fails-late", "create-fails-late"),
                                      std::make_pair("no-memory", "not enough memory")}) {
        emulator().inject(fault);
        EXPECT_NE(createFailure(wanted).find(text), std::string::npos) << fault;
        EXPECT_FALSE(await(hypervisor().findDomain(wanted.uuid))) << fault;
        EXPECT_EQ(await(hypervisor().hostInfo()).freeMemoryKib, before) << fault;
        EXPECT_EQ(node("/vm/" + wanted.uuid), "(none)") << fault;
    }
    create(wanted); // each fault was for one time
    EXPECT_THROW(emulator().inject("no such fault"), std::runtime_error);
}

TEST_F(EmulatorTest, ASlowlyDestroyedDomainIsDying) {
    const auto wanted = config();
    const DomId domid = start(wanted);
    emulator().inject("slow-destroy", 1, std::chrono::milliseconds(300));
    bool done = false;
    asio::co_spawn(loop_.context(), hypervisor().destroy(domid),
                   [&](const std::exception_ptr&) { done = true; });
    bool seenDying = false;
    while (!done) {
        const auto now = await(hypervisor().domain(domid));
        seenDying = seenDying || (now && now->dying);
        if (now && now->dying) {
            EXPECT_FALSE(await(hypervisor().findDomain(wanted.uuid)));
        }
    }
    EXPECT_TRUE(seenDying);
}

TEST_F(EmulatorTest, HostileControlMessagesHarmOnlyTheirSender) {
    const std::string path = emulated::controlSocketPath(emulator().directory());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const std::string deep(100, '[');
    const auto frame = [](const std::string& text) {
        const auto length = static_cast<std::uint32_t>(text.size());
        return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
    };
    for (const auto& message : {frame("not json"), frame(deep), frame("{}"),
                                frame("{\"id\":1,\"method\":\"create\",\"params\":{\"config\":[]}}"),
                                frame("{\"id\":1,\"method\":\"destroy\",\"params\":{\"domid\":-1}}"),
                                std::string("\xff\xff\xff\xff")}) {
        const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        writeAll(fd.get(), message, "the control socket");
        pollfd entry{fd.get(), POLLIN, 0};
        ASSERT_EQ(::poll(&entry, 1, 10000), 1);
        char reply[4096];
        const ssize_t size = ::read(fd.get(), reply, sizeof reply);
        EXPECT_TRUE(size == 0 || std::string_view(reply, static_cast<std::size_t>(size)).find("error") !=
                                     std::string_view::npos);
    }
    EXPECT_FALSE(await(hypervisor().domains()).empty());
}

// ---- an emulator of its own

TEST(EmulatorProcess, SigtermLeavesNoProcessAndNoFile) {
    EmulatorControl control(XENBROKER_TEST_EMULATOR);
    const std::string directory = control.directory();
    Loop loop;
    {
        const auto hypervisor = openEmulated(loop.executor(), directory);
        writeFileAtomically(directory + "/kernel", "k");
        DomainConfig config;
        config.uuid = "01234567-89ab-cdef-0123-456789abcdef";
        config.name = "left";
        config.memoryKib = 65536;
        config.kernel = directory + "/kernel";
        bool done = false;
        asio::co_spawn(loop.context(), hypervisor->create(config, [](CreateStep, DomId) {}),
                       [&](std::exception_ptr e, DomId) {
                           EXPECT_FALSE(e);
                           done = true;
                       });
        while (!done && loop.context().run_one_for(std::chrono::seconds(10)) > 0) {
        }
        ASSERT_TRUE(done);
    }
    std::vector<UniqueFd> children;
    for (const pid_t child : childrenOf(control.pid()))
        children.push_back(pidfdOf(child));
    EXPECT_EQ(children.size(), 2u) << "xenstored and the guest";
    EXPECT_EQ(control.stop(), 0);
    for (const auto& child : children)
        EXPECT_TRUE(!child || endsWithin(child.get(), std::chrono::seconds(10)));
    std::filesystem::remove(directory + "/kernel");
    EXPECT_TRUE(std::filesystem::is_empty(directory))
        << std::filesystem::directory_iterator(directory)->path();
}

TEST(EmulatorProcess, NothingSurvivesItsKillAndTheNextOneStarts) {
    EmulatorControl control(XENBROKER_TEST_EMULATOR);
    std::vector<UniqueFd> children;
    for (const pid_t child : childrenOf(control.pid()))
        children.push_back(pidfdOf(child));
    ASSERT_FALSE(children.empty());
    control.kill();
    for (const auto& child : children)
        EXPECT_TRUE(endsWithin(child.get(), std::chrono::seconds(10)));
    EmulatorControl next(XENBROKER_TEST_EMULATOR, control.directory());
    EXPECT_THROW(EmulatorControl(XENBROKER_TEST_EMULATOR, control.directory()), std::runtime_error)
        << "one per directory";
    EXPECT_EQ(next.stop(), 0);
}

TEST(EmulatorProcess, AGuestThatAsksAndDoesNotListenHarmsNobodyElse) {
    const xb::test::TemporaryDirectory place;
    const std::string guest = place.path() / "guest";
    writeFileAtomically(guest, "#!/bin/sh\n"
                               "i=0\n"
                               "while [ $i -lt 3000 ]; do printf 'memory 65536' >&3; i=$((i + 1)); done\n");
    std::filesystem::permissions(guest, std::filesystem::perms::owner_all);
    const std::string kernel = place.path() / "kernel";
    writeFileAtomically(kernel, "k");
    EmulatorControl control(XENBROKER_TEST_EMULATOR, {}, {"--guest", guest});
    Loop loop;
    xb::test::LoopRunner runner(loop);
    const auto hypervisor = openEmulated(loop.executor(), control.directory());
    DomainConfig config;
    config.uuid = "01234567-89ab-cdef-0123-456789abcdef";
    config.name = "deaf";
    config.memoryKib = 65536;
    config.kernel = kernel;
    const DomId domid = runner.await(hypervisor->create(config, [](CreateStep, DomId) {}));
    std::optional<DomainEvent> ended;
    const auto watch =
        runner.await(hypervisor->watch(domid, [&](const DomainEvent& event) { ended = event; }));
    EXPECT_TRUE(runner.waitFor([&] { return ended.has_value(); })) << "the guest's end is told";
    runner.await(hypervisor->destroy(domid));
    EXPECT_EQ(control.stop(), 0);
}

TEST(EmulatorProcess, AMissingEmulatorIsNamed) {
    Loop loop;
    try {
        openEmulated(loop.executor(), "/nowhere");
        ADD_FAILURE();
    } catch (const std::runtime_error& e) {
        EXPECT_NE(std::string(e.what()).find("/nowhere"), std::string::npos);
    }
}

} // namespace xb::xen::test
