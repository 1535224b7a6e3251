// SPDX-License-Identifier: Apache-2.0
// The real xenvm on a real bus and the emulated hypervisor: life cycle with its signals, guests that stop by
// themselves, monitors that are killed and replaced, and how it refuses to start.
#include "idl/org_xenbroker_daemon_client.hpp"
#include "idl/xenvm_client.hpp"
#include "tests/support/private_bus.hpp"
#include "tests/support/process.hpp"
#include "toolstack/libs/bus.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xen/hypervisor.hpp"

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <csignal>

namespace xb::test {
namespace {

using idl::xenvm::XenvmClient;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class XenvmIntegration : public testing::Test {
public:
    ~XenvmIntegration() override {
        for (const auto& info : await(hypervisor->domains())) {
            if (info.domid != 0)
                await(hypervisor->destroy(info.domid));
        }
    }

protected:
    // One bus and one emulator for all tests; each test has a VM of its own.
    static void SetUpTestSuite() {
        directory = new TemporaryDirectory;
        privateBus = new PrivateBus;
        emulator = new Process(directory->path(), "emulator",
                               {XEN_EMULATOR, "--directory", emulatorDirectory(), "--log-to", "stderr"});
        ASSERT_TRUE(emulator->waitReady()) << emulator->messages();
        writeFileAtomically(directory->path() / "kernel", "not a kernel");
    }
    static void TearDownTestSuite() {
        emulator->signal(SIGTERM);
        EXPECT_EQ(emulator->waitEnd(), 0) << emulator->messages();
        delete emulator;
        delete privateBus;
        delete directory;
    }
    static std::string emulatorDirectory() { return directory->path() / "emu"; }

    XenvmIntegration() : bus(loop, privateBus->address()), uuid(randomUuid()) {
        xen::HypervisorOptions options;
        options.kind = "emulated";
        options.emulatorDirectory = emulatorDirectory();
        hypervisor = xen::openHypervisor(loop.executor(), options);
        config = directory->path() / (uuid + ".cfg");
        writeConfig("");
        SignalMatch all;
        all.path = path();
        subscription = bus.onSignal(all, [this](Message signal) { record(signal); });
    }

    void writeConfig(const std::string& more) {
        writeFileAtomically(
            config, fmt::format("uuid = {}\nname = test\nstartup = poweroff\nmemory = 32\nkernel = {}\n{}",
                                uuid, (directory->path() / "kernel").string(), more));
    }
    std::string path() const { return "/org/xen/vm/" + uuidToPathElement(uuid); }
    std::string service() const { return "org.xen.vm.uuid_" + uuidToPathElement(uuid); }
    std::string stateNode() const { return "/state/" + uuid + "/state"; }
    XenvmClient client() { return XenvmClient(bus, service(), path()); }

    std::vector<std::string> commandLine() const {
        return {XENVM,
                "--config",
                config,
                "--bus",
                privateBus->address(),
                "--hypervisor",
                "emulated",
                "--emulator-directory",
                emulatorDirectory(),
                "--state-directory",
                directory->path() / "state",
                "--log-to",
                "stderr",
                "--acknowledge-timeout",
                "1",
                "--restart-spacing",
                "0.1"};
    }
    std::unique_ptr<Process> launch(std::vector<std::string> more = {}) {
        auto arguments = commandLine();
        for (std::size_t i = 0; i < more.size(); ++i) { // an option that is there already is replaced
            const auto there = std::ranges::find(arguments, more[i]);
            if (there != arguments.end() && i + 1 < more.size())
                *std::next(there) = more[++i];
            else
                arguments.push_back(more[i]);
        }
        return std::make_unique<Process>(directory->path(),
                                         fmt::format("{}-{}", uuid.substr(0, 8), ++launched), arguments);
    }
    std::unique_ptr<Process> ready(std::vector<std::string> more = {}) {
        auto xenvm = launch(std::move(more));
        EXPECT_TRUE(xenvm->waitReady()) << xenvm->messages();
        return xenvm;
    }
    int exitStatus(std::vector<std::string> more = {}) {
        auto xenvm = launch(std::move(more));
        const auto status = xenvm->waitEnd();
        messages = xenvm->messages();
        return status.value_or(-1);
    }

    /// Runs the loop until the condition has held once: it may ask the monitor, whose next answer can differ,
    /// and whose signals may come while it asks.
    template <class Condition>
    bool until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < deadline) {
            const std::size_t before = heard;
            if (condition())
                return true;
            if (heard != before)
                continue;
            loop.context().restart();
            loop.context().run_one_until(deadline);
        }
        return false;
    }
    /// Runs a coroutine to its end here; its exception comes out.
    template <class T>
    T await(Task<T> task) {
        bool done = false;
        std::exception_ptr failure;
        if constexpr (std::is_void_v<T>) {
            asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr e) {
                failure = e;
                done = true;
            });
            EXPECT_TRUE(until([&] { return done; }));
            if (failure)
                std::rethrow_exception(failure);
        } else {
            T result{};
            asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr e, T value) {
                failure = e;
                result = std::move(value);
                done = true;
            });
            EXPECT_TRUE(until([&] { return done; }));
            if (failure)
                std::rethrow_exception(failure);
            return result;
        }
    }
    /// Name and text of the error of a call.
    template <class T>
    std::string errorOf(Task<T> task) {
        try {
            await(std::move(task));
        } catch (const Error& e) {
            return e.name() + ": " + e.what();
        }
        return "no error";
    }
    std::string status() { return await(client().getStatus()); }
    bool reaches(const std::string& state) {
        return until([&] { return std::ranges::find(states, state) != states.end(); });
    }
    std::string xenstore(const std::string& node) {
        return await(hypervisor->store().read(node)).value_or("(none)");
    }

    void record(Message& signal) {
        ++heard;
        if (signal.interface() == "xenvm.signal.notify") {
            const auto [id, code, message] = readBody<std::string, std::int32_t, std::string>(signal);
            EXPECT_EQ(id, uuid);
            notifications.push_back(fmt::format("{:x} {}", code, message));
        } else if (signal.member() == "state_changed") {
            const auto [state, domid] = readBody<std::string, std::int32_t>(signal);
            states.push_back(state);
            domids.push_back(domid);
        } else if (signal.member() == "error") {
            const auto [text] = readBody<std::string>(signal);
            errors.push_back(text);
        } else if (signal.member() == "time_offset_changed") {
            const auto [seconds] = readBody<std::int32_t>(signal);
            offsets.push_back(seconds);
        } else if (signal.member() == "node_changed") {
            const auto [node, value] = readBody<std::string, std::string>(signal);
            nodes.push_back(node + " " + value);
        }
    }
    /// Takes the notifications that come over a socket, one connection each.
    static Task<> listen(asio::local::stream_protocol::acceptor& acceptor, std::vector<std::string>& lines,
                         bool& ended) {
        for (;;) {
            boost::system::error_code error;
            auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
            if (error)
                break; // closed
            std::string line;
            co_await asio::async_read(socket, asio::dynamic_buffer(line),
                                      asio::redirect_error(asio::use_awaitable, error));
            lines.push_back(line);
        }
        ended = true;
    }

    static inline TemporaryDirectory* directory = nullptr;
    static inline PrivateBus* privateBus = nullptr;
    static inline Process* emulator = nullptr;
    static inline int launched = 0;

    Loop loop;
    Bus bus;
    std::unique_ptr<xen::Hypervisor> hypervisor;
    Subscription subscription;
    std::string uuid;
    std::filesystem::path config;
    std::size_t heard = 0; ///< signals
    std::vector<std::string> notifications;
    std::vector<std::string> states;
    std::vector<int> domids;
    std::vector<std::string> errors;
    std::vector<int> offsets;
    std::vector<std::string> nodes;
    std::string messages;
};

TEST_F(XenvmIntegration, lifeCycleWithItsSignals) {
    auto xenvm = ready();
    EXPECT_EQ(status(), "shutdown");
    EXPECT_EQ(await(client().getDomid()), -1);
    EXPECT_EQ(await(client().getAcpiState()), 5);
    await(client().start(false));
    EXPECT_EQ(status(), "running");
    const int domid = await(client().getDomid());
    EXPECT_GT(domid, 0);
    EXPECT_EQ(xenstore(stateNode()), "running");
    EXPECT_THAT(await(client().getConsole()), HasSubstr("/dev/pts/"));
    EXPECT_EQ(await(client().getAcpiState()), 0);
    EXPECT_EQ(await(client().getStubdomid()), -1);
    await(client().pause());
    EXPECT_TRUE(await(hypervisor->findDomain(uuid))->paused);
    await(client().unpause());
    await(client().halt(false));
    EXPECT_EQ(status(), "shutdown");
    EXPECT_FALSE(await(hypervisor->findDomain(uuid)));
    await(client().quit());
    EXPECT_EQ(xenvm->waitEnd(), 0) << xenvm->messages();
    EXPECT_TRUE(until([this] { return notifications.size() >= 11; }));
    EXPECT_THAT(notifications,
                ElementsAre("0 ping", "0 dbus-rpc-up", "f000 vm:state:creating-domain",
                            "f000 vm:state:creating-devices", "f000 vm:state:created",
                            "f000 vm:state:running", "f000 vm:state:paused", "f000 vm:state:running",
                            "f000 vm:state:shutdowning", "f000 vm:state:shutdown", "1 hup"));
    EXPECT_THAT(states, ElementsAre("creating-domain", "creating-devices", "created", "running", "paused",
                                    "running", "shutdowning", "shutdown"));
    EXPECT_THAT(domids, ElementsAre(-1, domid, domid, domid, domid, domid, domid, -1));
    EXPECT_EQ(xenstore(stateNode()), "(none)") << "a clean end with nothing to adopt leaves nothing";
}

TEST_F(XenvmIntegration, rebootAndDestroy) {
    auto xenvm = ready();
    await(client().start(false));
    const int first = await(client().getDomid());
    await(client().reboot(false, true));
    EXPECT_EQ(status(), "running");
    EXPECT_NE(await(client().getDomid()), first);
    await(client().reboot(true, false));
    EXPECT_EQ(status(), "rebooted");
    await(client().start(true));
    EXPECT_EQ(status(), "created");
    await(client().destroy());
    EXPECT_EQ(status(), "shutdown");
}

TEST_F(XenvmIntegration, theGuestsClockAndTheNodesOfTheConfigurationAreTold) {
    writeConfig("extra-local-watch = data/mood\nextra-vm-watch = note\n");
    auto xenvm = ready();
    await(client().start(false));
    const std::string home = fmt::format("/local/domain/{}/", await(client().getDomid()));
    xen::XenStore& store = hypervisor->store();
    await(store.write("/vm/" + uuid + "/rtc/timeoffset", "-90"));
    await(store.write(home + "data/mood", "\xff")); // must not end the monitor: the bus takes no such text
    await(store.write(home + "data/mood", "fine"));
    await(store.write("/vm/" + uuid + "/note", "read me"));
    EXPECT_TRUE(until([this] { return nodes.size() >= 2 && !offsets.empty(); }));
    EXPECT_THAT(offsets, ElementsAre(-90));
    EXPECT_THAT(nodes, ElementsAre("data/mood fine", "note read me"));
    EXPECT_THAT(notifications, Contains("1000 rtc:-90"));
    EXPECT_THAT(notifications, Contains("2000 data/mood:fine"));

    xenvm->signal(SIGKILL);
    xenvm->waitEnd();
    await(store.write("/vm/" + uuid + "/rtc/timeoffset", "5"));
    auto second = ready();
    EXPECT_TRUE(until([this] { return offsets.back() == 5; })) << "set while nobody looked";
    await(client().destroy());
}

TEST_F(XenvmIntegration, notificationsGoToTheSocketOfTheConfiguration) {
    const std::string socket = directory->path() / "notifications";
    asio::local::stream_protocol::acceptor acceptor(loop.context(), socket);
    std::vector<std::string> lines;
    bool ended = false;
    loop.spawn("notifications", listen(acceptor, lines, ended));
    writeConfig("notify = unix," + socket + "\n");
    auto xenvm = ready();
    await(client().start(true));
    await(client().destroy());
    await(client().quit());
    EXPECT_EQ(xenvm->waitEnd(), 0) << xenvm->messages();
    EXPECT_TRUE(until([&] { return lines.size() >= 7; }));
    const std::string state = uuid + ":61440:vm:state:";
    EXPECT_THAT(lines, ElementsAre(uuid + ":0:ping\n", uuid + ":0:dbus-rpc-up\n", state + "creating-domain\n",
                                   state + "creating-devices\n", state + "created\n", state + "shutdown\n",
                                   uuid + ":1:hup\n"));
    acceptor.close();
    EXPECT_TRUE(until([&] { return ended; }));
}

TEST_F(XenvmIntegration, aSocketThatNobodyListensToIsNoHarm) {
    writeConfig("notify = unix," + (directory->path() / "nobody").string() + "\n");
    auto xenvm = ready();
    await(client().start(true));
    await(client().destroy());
    await(client().quit());
    EXPECT_EQ(xenvm->waitEnd(), 0);
    EXPECT_THAT(xenvm->messages(), HasSubstr("a notification to"));
}

TEST_F(XenvmIntegration, guestPowersItselfOff) {
    writeConfig("cmdline = xbtest=poweroff=0.1\n");
    auto xenvm = ready();
    await(client().start(false));
    EXPECT_TRUE(reaches("shutdown"));
    EXPECT_FALSE(await(hypervisor->findDomain(uuid)));
    EXPECT_THAT(errors, IsEmpty());
}

TEST_F(XenvmIntegration, guestRebootsItself) {
    writeConfig("cmdline = xbtest=reboot=0.1\non_restart = preserve\n");
    auto xenvm = ready();
    await(client().start(false));
    EXPECT_TRUE(reaches("rebooted"));
    EXPECT_EQ(status(), "rebooted");

    writeConfig("cmdline = xbtest=reboot=0.1\n");
    xenvm->signal(SIGHUP);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (await(client().get("on_restart")) != "restart") // nothing announces it
        ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    states.clear();
    await(client().start(false));
    EXPECT_TRUE(until([this] { return std::ranges::count(states, "running") >= 2; }))
        << "it is started again";
    await(client().destroy());
}

TEST_F(XenvmIntegration, guestCrashes) {
    writeConfig("cmdline = xbtest=crash=0.1\n");
    auto xenvm = ready();
    await(client().start(false));
    EXPECT_TRUE(reaches("shutdown"));
    EXPECT_THAT(errors, ElementsAre("crashed"));
    EXPECT_THAT(notifications, Contains("2 error:crashed"));
    EXPECT_EQ(await(client().getLastError()), "crashed");
}

TEST_F(XenvmIntegration, guestThatIgnoresTheRequestStays) {
    writeConfig("cmdline = xbtest=ignore-shutdown\n");
    auto xenvm = ready();
    await(client().start(false));
    EXPECT_THAT(errorOf(client().halt(false)), HasSubstr("did not shut down"));
    EXPECT_EQ(status(), "running");
    await(client().halt(true));
    EXPECT_EQ(status(), "shutdown");
}

TEST_F(XenvmIntegration, killedMonitorIsReplaced) {
    auto first = ready();
    await(client().start(false));
    const int domid = await(client().getDomid());
    first->signal(SIGKILL);
    EXPECT_EQ(first->waitEnd(), 128 + SIGKILL);
    ASSERT_TRUE(await(hypervisor->findDomain(uuid)));
    EXPECT_FALSE(await(hypervisor->findDomain(uuid))->shutdown);

    auto second = ready();
    EXPECT_EQ(status(), "running");
    EXPECT_EQ(await(client().getDomid()), domid);
    await(client().pause());
    second->signal(SIGKILL);
    second->waitEnd();

    auto third = ready();
    EXPECT_EQ(status(), "paused");
    await(client().unpause());
    await(client().halt(false));
    EXPECT_EQ(status(), "shutdown");
}

// The monitor is killed as soon as a state is heard of, wherever it has got to by then; the next one must
// make sense of what it finds, and the VM must be usable again.
TEST_F(XenvmIntegration, monitorKilledInEachStateLosesNothing) {
    for (const std::string moment :
         {"creating-domain", "creating-devices", "created", "running", "shutdowning", "rebooting"}) {
        SCOPED_TRACE(moment);
        auto first = ready();
        states.clear();
        const bool reboots = moment == "shutdowning" || moment == "rebooting";
        const auto work = [](XenvmClient xenvm, bool reboot) -> Task<> {
            co_await xenvm.start(false);
            if (reboot)
                co_await xenvm.reboot(false, true);
        };
        const auto ignore = [](const std::exception_ptr&) {}; // it fails when the monitor is killed
        asio::co_spawn(loop.context(), work(client(), reboots), ignore);
        ASSERT_TRUE(reaches(moment)) << first->messages();
        const int before = domids.back();
        first->signal(SIGKILL);
        first->waitEnd();

        auto second = ready();
        // Whatever was under way comes to rest; a restart that was owed is made.
        const auto rests = [&] {
            if (reboots) { // the number first: a domain that is dying still counts as running
                const int domid = await(client().getDomid());
                return domid >= 0 && domid != before && status() == "running";
            }
            const std::string now = status();
            return now == "shutdown" || now == "created" || now == "running";
        };
        ASSERT_TRUE(until(rests)) << second->messages();
        const auto domain = await(hypervisor->findDomain(uuid));
        ASSERT_EQ(domain.has_value(), status() != "shutdown") << status() << second->messages();
        if (status() == "created")
            await(client().unpause());
        else if (status() == "shutdown")
            await(client().start(false));
        EXPECT_EQ(status(), "running");
        EXPECT_TRUE(await(hypervisor->findDomain(uuid)));
        await(client().halt(true));
        await(client().quit());
        EXPECT_EQ(second->waitEnd(), 0);
        std::size_t domains = 0;
        for (const auto& info : await(hypervisor->domains()))
            domains += info.domid != 0 ? 1 : 0;
        EXPECT_EQ(domains, 0U) << "a domain is left over";
    }
}

TEST_F(XenvmIntegration, guestThatEndedUnwatchedGetsItsPolicy) {
    writeConfig("cmdline = xbtest=poweroff=0.5\n");
    auto first = ready();
    await(client().start(false));
    const auto domid = static_cast<xen::DomId>(await(client().getDomid()));
    first->signal(SIGKILL);
    first->waitEnd();
    bool stopped = false;
    xen::Hypervisor::EventHandler onEvent = [&](xen::DomainEvent) { stopped = true; };
    auto watch = await(hypervisor->watch(domid, onEvent));
    ASSERT_TRUE(until([&] { return stopped; }));

    auto second = ready();
    EXPECT_TRUE(until([this] { return status() == "shutdown"; }));
    EXPECT_FALSE(await(hypervisor->findDomain(uuid)));
}

TEST_F(XenvmIntegration, halfBuiltDomainIsDestroyedAndReported) {
    xen::DomainConfig domain;
    domain.uuid = uuid;
    domain.name = "half";
    domain.kernel = directory->path() / "kernel";
    domain.memoryKib = 32 * 1024;
    xen::Hypervisor::ProgressHandler ignore = [](xen::CreateStep, xen::DomId) {};
    await(hypervisor->create(domain, ignore));
    await(hypervisor->store().write(stateNode(), "creating-devices"));

    auto xenvm = ready();
    EXPECT_EQ(status(), "shutdown");
    EXPECT_FALSE(await(hypervisor->findDomain(uuid)));
    EXPECT_THAT(await(client().getLastError()), HasSubstr("half built"));
    EXPECT_TRUE(until([this] { return !errors.empty(); }));
    await(client().start(false));
    EXPECT_EQ(await(client().getLastError()), "");
}

TEST_F(XenvmIntegration, terminationLeavesTheDomain) {
    auto xenvm = ready();
    await(client().start(false));
    xenvm->signal(SIGTERM);
    EXPECT_EQ(xenvm->waitEnd(), 0) << xenvm->messages();
    EXPECT_TRUE(await(hypervisor->findDomain(uuid)));
    EXPECT_TRUE(until([this] { return !notifications.empty() && notifications.back() == "1 hup"; }));
    EXPECT_EQ(xenstore(stateNode()), "running");
}

TEST_F(XenvmIntegration, errorsNameTheThingAndTheReason) {
    writeConfig("disk = /no/such/disk.vhd:vhd:hda:w:disk:\n");
    auto xenvm = ready();
    EXPECT_THAT(errorOf(client().start(false)),
                AllOf(HasSubstr("Error.Failed"), HasSubstr("/no/such/disk.vhd")));
    await(client().set("disk", ""));
    await(client().set("memory", "1000000"));
    EXPECT_THAT(errorOf(client().start(false)), HasSubstr("not enough memory: "));
    EXPECT_GT(std::stoull(await(client().get("required-to-boot-kib"))), 1000000U * 1024U);
    await(client().set("memory", "32"));
    await(client().start(false));
    EXPECT_THAT(errorOf(client().start(false)), AllOf(HasSubstr("already created"), HasSubstr("running")));
    EXPECT_THAT(errorOf(client().unpause()), HasSubstr("bad state"));
    EXPECT_THAT(errorOf(client().get("colour")), AllOf(HasSubstr("InvalidArgs"), HasSubstr("colour")));
    EXPECT_THAT(errorOf(client().set("vcpus", "0")), HasSubstr("InvalidArgs"));
    EXPECT_THAT(errorOf(client().diskAdd("/a:b", "hda", "file", "r", "disk")), HasSubstr("InvalidArgs"));
    await(client().destroy());
}

TEST_F(XenvmIntegration, configurationListsAndProperties) {
    writeConfig("nic = id=0,bridge=xenbr0,mac=00:16:3e:01:02:03\n");
    auto xenvm = ready();
    await(client().nicAdd("brbridged", "", "e1000"));
    const auto disk = (directory->path() / "disk.raw").string();
    await(client().diskAdd(disk, "xvda", "file", "w", "disk"));
    const auto nics = await(client().nicList());
    ASSERT_EQ(nics.size(), 2U);
    EXPECT_EQ(nics[0].at("mac"), "00:16:3e:01:02:03");
    EXPECT_EQ(nics[1].at("id"), "1");
    EXPECT_EQ(nics[1].at("network"), "brbridged");
    const auto disks = await(client().diskList());
    ASSERT_EQ(disks.size(), 1U);
    EXPECT_EQ(disks[0].at("path"), disk);
    auto properties = await(client().getAllProperties());
    EXPECT_EQ(properties.at("state").get<std::string>(), "shutdown");
    EXPECT_EQ(properties.at("domid").get<std::int32_t>(), -1);
    EXPECT_EQ(properties.at("last-error").get<std::string>(), "");

    idl::org_xenbroker_daemon::DaemonClient control(bus, service(), "/org/xenbroker/daemon");
    await(control.setLogLevel("debug"));
    EXPECT_EQ(await(control.getLogLevel()), "debug");
    EXPECT_THAT(errorOf(control.setLogLevel("loud")), HasSubstr("InvalidArgs"));
}

TEST_F(XenvmIntegration, processorsPciDevicesAndScreenOfARunningGuest) {
    writeConfig("vcpus = 2\ncpus-affinity = 1:0,2\ncpu-weight = 512\n");
    const auto xenvm = ready();
    await(client().start(false));
    EXPECT_EQ(await(client().getScheduling()), std::tuple(512, 0));
    auto vcpus = await(client().listVcpus());
    ASSERT_EQ(vcpus.size(), 2U);
    EXPECT_EQ(vcpus[0]["hard-affinity"], "all");
    EXPECT_EQ(vcpus[1]["hard-affinity"], "0,2");
    EXPECT_EQ(vcpus[1]["vcpu"], "1");
    await(client().setAffinity(-1, {3}, {1}));
    vcpus = await(client().listVcpus());
    EXPECT_EQ(vcpus[0]["hard-affinity"] + " " + vcpus[0]["soft-affinity"], "3 1");
    EXPECT_THAT(errorOf(client().setAffinity(2, {}, {})), HasSubstr("InvalidArgs: VM"));
    EXPECT_THAT(await(client().pciList()), IsEmpty());
    EXPECT_THAT(errorOf(client().pciAdd(0, 0xffff, 0xff, 0x1f, 7, true, false, false)),
                HasSubstr("the host has no such device"));
    EXPECT_EQ(await(client().getVnc()), "");
    const std::string screen = fmt::format("/local/domain/{}/console/vnc-port", await(client().getDomid()));
    await(hypervisor->store().write(screen, "5901"));
    EXPECT_EQ(await(client().getVnc()), "5901");
    await(client().destroy());
    EXPECT_THAT(errorOf(client().listVcpus()), HasSubstr("in state shutdown"));
}

TEST_F(XenvmIntegration, secondInstanceExits) {
    auto first = ready();
    EXPECT_EQ(exitStatus(), 1);
    EXPECT_THAT(messages, HasSubstr("another xenvm serves VM " + uuid));
    EXPECT_EQ(status(), "shutdown") << "the first one goes on";
}

TEST_F(XenvmIntegration, badConfigurationExits) {
    std::filesystem::remove(config);
    EXPECT_EQ(exitStatus({"--uuid", uuid}), 3);
    EXPECT_THAT(messages, HasSubstr(config.string()));
    writeConfig("colour = red\n");
    EXPECT_EQ(exitStatus({"--strict-config"}), 3);
    EXPECT_THAT(messages, HasSubstr(config.string() + ":6: the key \"colour\" is not known"));
    EXPECT_EQ(exitStatus({"--no-such-option"}), 3);
    EXPECT_EQ(exitStatus({"--monitor-json", "true"}), 3);
    EXPECT_EQ(exitStatus({"--uuid", "x"}), 3);
}

TEST_F(XenvmIntegration, withoutAnEmulatorItExits) {
    EXPECT_EQ(exitStatus({"--emulator-directory", directory->path() / "none"}), 69);
}

TEST_F(XenvmIntegration, offXenItExits) {
    if (std::filesystem::exists("/proc/xen/capabilities"))
        GTEST_SKIP() << "this machine runs Xen; the tests on real Xen cover it";
    EXPECT_EQ(exitStatus({"--hypervisor", "libxl"}), 78);
    EXPECT_FALSE(messages.empty());
}

TEST_F(XenvmIntegration, busThatGoesEndsIt) {
    PrivateBus doomed;
    auto xenvm = ready({"--bus", doomed.address()});
    doomed.stop();
    EXPECT_EQ(xenvm->waitEnd(), 69) << xenvm->messages();
    EXPECT_EQ(exitStatus({"--bus", doomed.address()}), 69);
}

} // namespace
} // namespace xb::test
