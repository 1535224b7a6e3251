// SPDX-License-Identifier: Apache-2.0
// Drives the libxl implementation on real Xen: run in dom0 of the bench (tests/xen/libxl.sh), with its
// guests. Prints PASS and FAIL lines and what it saw; status 1 if anything failed.
//
//   xen-libxl-smoke [--kernel FILE] [--initrd FILE] [--only NAME] [--scale N]
#include "tests/unit/xen_libxl/guest_console.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/log.hpp"
#include "toolstack/libs/loop.hpp"
#include "toolstack/libs/uuid.hpp"
#include "xen/libxl/libxl_hypervisor.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>

#include <deque>

namespace xb::xen {
namespace {

using Kind = DomainEvent::Kind;
using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Options {
    std::string kernel = "/guest/vmlinux.gz";
    std::string initrd = "/guest/initrd";
    std::string only;
    int scale = 1;
};

// What a watched domain reported.
struct Events {
    explicit Events(const Executor& executor) : changed(executor) {}
    std::deque<DomainEvent> queue;
    Event changed;
};

class Smoke {
public:
    Smoke(Loop& loop, Options options) : loop_(loop), options_(std::move(options)) {}

    Task<> runAll();
    int status() const { return failed_ == 0 && passed_ > 0 ? 0 : 1; }

private:
    // Ends the part of a scenario that cannot go on.
    struct Broken {};

    void check(const std::string& name, bool good, const std::string& detail = {});
    void require(const std::string& name, bool good, const std::string& detail = {});
    Task<std::string> failureOf(Task<> task);
    std::chrono::seconds seconds(int count) const { return std::chrono::seconds(count * options_.scale); }

    DomainConfig guest(const std::string& name, DomainType type, const std::string& steps) const;
    Task<std::unique_ptr<DomainWatch>> watch(DomId domid, std::shared_ptr<Events> events);
    Task<> expectEvent(std::string name, std::shared_ptr<Events> events, Kind kind, ShutdownReason reason);
    Task<DomId> createWatched(DomainConfig config);
    Task<> isGone(std::string name, DomId domid, std::string uuid);

    Task<> host();
    Task<> life(std::string word, DomainType type);
    Task<> reboot(std::string word, DomainType type);
    Task<> crash(std::string word, DomainType type);
    Task<> refusals();
    Task<> sideBySide();
    Task<> hvm();
    Task<> slowScript();
    Task<> scenario(std::string name, Task<> task);

    Loop& loop_;
    Options options_;
    std::unique_ptr<Hypervisor> xen_;
    int passed_ = 0;
    int failed_ = 0;
    Clock::time_point last_ = Clock::now();
};

void Smoke::check(const std::string& name, bool good, const std::string& detail) {
    fmt::print("{} {} ({:.1f} s){}{}\n", good ? "PASS" : "FAIL", name, secondsSince(last_),
               detail.empty() ? "" : ": ", detail);
    std::fflush(stdout);
    ++(good ? passed_ : failed_);
    last_ = Clock::now();
}

void Smoke::require(const std::string& name, bool good, const std::string& detail) {
    check(name, good, detail);
    if (!good)
        throw Broken();
}

// The text with which `task` fails; empty when it does not.
Task<std::string> Smoke::failureOf(Task<> task) {
    try {
        co_await std::move(task);
    } catch (const std::exception& e) {
        co_return e.what();
    }
    co_return "";
}

DomainConfig Smoke::guest(const std::string& name, DomainType type, const std::string& steps) const {
    DomainConfig config;
    config.uuid = randomUuid();
    config.name = name;
    config.type = type;
    config.memoryKib = 96 * 1024;
    config.kernel = options_.kernel;
    config.ramdisk = options_.initrd;
    config.cmdline = "console=hvc0 loglevel=3 net.ifnames=0 xbtest=" + steps;
    return config;
}

Task<std::unique_ptr<DomainWatch>> Smoke::watch(DomId domid, std::shared_ptr<Events> events) {
    auto handler = [events](DomainEvent event) {
        events->queue.push_back(event);
        events->changed.set();
    };
    return xen_->watch(domid, std::move(handler));
}

Task<> Smoke::expectEvent(std::string name, std::shared_ptr<Events> events, Kind kind,
                          ShutdownReason reason) {
    const auto deadline = Clock::now() + seconds(60);
    while (events->queue.empty()) {
        events->changed.clear();
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0 || !co_await events->changed.waitFor(left))
            break;
    }
    require(name + ": an event", !events->queue.empty());
    const auto event = events->queue.front();
    events->queue.pop_front();
    check(name + ": the right one", event.kind == kind && (kind == Kind::death || event.reason == reason),
          event.kind == Kind::death ? "death" : toString(event.reason));
}

// Creates with all checks of progress, asking for the domains' list all the while.
Task<DomId> Smoke::createWatched(DomainConfig config) {
    using namespace asio::experimental::awaitable_operators;
    const auto name = config.name;
    const auto uuid = config.uuid;
    const auto start = Clock::now();
    std::vector<std::pair<CreateStep, DomId>> steps;
    double madeAt = 0;
    auto progress = [&](CreateStep step, DomId domid) {
        steps.emplace_back(step, domid);
        if (step == CreateStep::domainMade)
            madeAt = secondsSince(start);
    };
    bool created = false;
    int lists = 0;
    double slowest = 0;
    auto creating = [](Smoke& smoke, DomainConfig what, decltype(progress)& report,
                       bool& done) -> Task<DomId> {
        struct Done {
            bool& flag;
            ~Done() { flag = true; }
        } atEnd{done};
        Hypervisor::ProgressHandler handler = std::ref(report);
        co_return co_await smoke.xen_->create(std::move(what), std::move(handler));
    };
    auto listing = [](Smoke& smoke, bool& done, int& count, double& worst) -> Task<> {
        while (!done) {
            const auto before = Clock::now();
            const auto domains = co_await smoke.xen_->domains();
            worst = std::max(worst, secondsSince(before));
            ++count;
            co_await delay(std::chrono::milliseconds(200));
        }
    };
    auto both =
        creating(*this, std::move(config), progress, created) && listing(*this, created, lists, slowest);
    const DomId domid = co_await std::move(both);
    const auto total = secondsSince(start);
    check(name + ": created",
          steps.size() == 2 && steps[0].first == CreateStep::domainMade && steps[0].second == domid &&
              steps[1].first == CreateStep::devicesMade && steps[1].second == domid,
          fmt::format("domain {} in {:.2f} s, domid known after {:.2f} s", domid, total, madeAt));
    check(name + ": others were served meanwhile", lists >= 2 && slowest < 0.5 * total,
          fmt::format("{} lists, the slowest {:.3f} s", lists, slowest));
    const auto info = co_await xen_->domain(domid);
    require(name + ": is there, paused", info && info->paused && !info->shutdown && !info->dying);
    check(name + ": its description", info->name == name && info->uuid == uuid && info->vcpus == 1,
          fmt::format("'{}' {} memory {} KiB of {}", info->name, info->uuid, info->memoryKib,
                      info->maxMemoryKib));
    co_return domid;
}

Task<> Smoke::isGone(std::string name, DomId domid, std::string uuid) {
    const auto byId = co_await xen_->domain(domid);
    const auto byUuid = co_await xen_->findDomain(uuid);
    check(name + ": gone", !byId && !byUuid);
    const auto home = co_await xen_->store().read(fmt::format("/local/domain/{}/vm", domid));
    const auto vm = co_await xen_->store().read(fmt::format("/vm/{}/uuid", uuid));
    check(name + ": no xenstore left", !home && !vm);
}

Task<> Smoke::host() {
    const auto info = co_await xen_->hostInfo();
    check("host: described",
          info.totalMemoryKib > info.freeMemoryKib && info.freeMemoryKib > 0 && info.cpus > 0 &&
              info.version.starts_with("4.17") &&
              info.capabilities.find("xen-3.0-x86_64") != std::string::npos,
          fmt::format("Xen {}, {} of {} KiB free, {} CPUs, hvm {}, direct I/O {}, {}", info.version,
                      info.freeMemoryKib, info.totalMemoryKib, info.cpus, info.hvm, info.directIo,
                      info.capabilities));
    const auto domains = co_await xen_->domains();
    check("host: dom0 is listed", !domains.empty() && domains[0].domid == 0 && domains[0].name == "Domain-0");
    const auto none = co_await xen_->domain(999);
    const auto noneByUuid = co_await xen_->findDomain(randomUuid());
    check("host: no domain 999", !none && !noneByUuid);
    const auto pause = co_await failureOf(xen_->pause(999));
    check("host: pause of none fails", pause.find("domain 999") != std::string::npos, pause);
    const auto force = co_await failureOf(xen_->forceShutdown(999, ShutdownReason::crash));
    check("host: stop of none fails", force.find("domain 999") != std::string::npos, force);
    const auto destroy = co_await failureOf(xen_->destroy(999));
    check("host: destroy of none is fine", destroy.empty(), destroy);
    auto events = std::make_shared<Events>(loop_.executor());
    const auto held = co_await watch(999, events);
    co_await expectEvent("host: watch of none", events, Kind::death, ShutdownReason::poweroff);
}

// Disk, network, console, pause, shutdown asked for, destroy.
Task<> Smoke::life(std::string word, DomainType type) {
    auto config = guest("life" + word, type, "disk,write,net");
    config.cmdline += " xbaddr=10.9.0.2/24";
    DiskConfig disk;
    disk.path = "/storage/disks/" + word + ".img";
    disk.vdev = "xvda";
    disk.writable = true;
    config.disks = {disk};
    NicConfig nic;
    nic.mac = "00:16:3e:12:34:56";
    nic.bridge = "xenbr0";
    config.nics = {nic};
    const auto needed = co_await xen_->memoryNeeded(config);
    check(word + ": memory needed", needed >= config.memoryKib && needed < 2 * config.memoryKib,
          fmt::format("{} KiB", needed));

    const auto domid = co_await createWatched(config);
    auto events = std::make_shared<Events>(loop_.executor());
    auto others = std::make_shared<Events>(loop_.executor());
    const auto held = co_await watch(domid, events);
    auto second = co_await watch(domid, others);
    const auto tty = co_await xen_->consoleTty(domid);
    check(word + ": console", tty.starts_with("/dev/pts/"), tty);
    GuestConsole console(loop_.executor(), tty);
    const bool answered =
        co_await xen_->requestShutdown(domid, ShutdownRequest::poweroff, std::chrono::seconds(1));
    check(word + ": a paused guest does not answer", !answered);
    co_await xen_->unpause(domid);
    const bool up = co_await console.waitFor("DOMU-UP", seconds(120));
    require(word + ": user space", up, up ? "" : console.text());
    const bool read = co_await console.waitFor("DISK text on the disk of " + word, seconds(60));
    check(word + ": reads its file disk", read);
    const bool written = co_await console.waitFor("WRITE ok", seconds(30));
    check(word + ": writes it", written);
    const bool net = co_await console.waitFor("NET ok", seconds(60));
    check(word + ": network through the bridge", net);
    const bool runs = co_await console.waitFor("DOMU-TICK 2", seconds(30));
    check(word + ": runs", runs);

    co_await xen_->pause(domid);
    const auto paused = co_await xen_->domain(domid);
    co_await delay(std::chrono::milliseconds(300)); // what was under way reaches us
    console.skip();
    const bool silent = !co_await console.waitFor("DOMU-TICK", std::chrono::seconds(3));
    check(word + ": paused", paused && paused->paused && silent);
    co_await xen_->unpause(domid);
    const bool again = co_await console.waitFor("DOMU-TICK", seconds(30));
    check(word + ": goes on", again);
    const auto state = co_await xen_->acpiState(domid);
    check(word + ": ACPI state", state == 0);
    const auto button = co_await failureOf(xen_->powerButton(domid));
    check(word + ": no power button", button.find("not HVM") != std::string::npos, button);
    const auto twice = co_await failureOf([](Smoke& smoke, DomainConfig same) -> Task<> {
        co_await smoke.xen_->create(std::move(same), {});
    }(*this, config));
    check(word + ": its UUID is taken", twice.find("has its UUID") != std::string::npos, twice);

    const bool asked = co_await xen_->requestShutdown(domid, ShutdownRequest::poweroff, seconds(30));
    check(word + ": acknowledges shutdown", asked);
    co_await expectEvent(word + ": shutdown", events, Kind::shutdown, ShutdownReason::poweroff);
    co_await expectEvent(word + ": shutdown, second watch", others, Kind::shutdown, ShutdownReason::poweroff);
    second.reset();
    const auto stopped = co_await xen_->findDomain(config.uuid);
    check(word + ": still there, shut down", stopped && stopped->shutdown && stopped->domid == domid);
    auto late = std::make_shared<Events>(loop_.executor());
    const auto lateWatch = co_await watch(domid, late);
    co_await expectEvent(word + ": watched too late", late, Kind::shutdown, ShutdownReason::poweroff);
    co_await xen_->destroy(domid);
    co_await isGone(word, domid, config.uuid);
    co_await expectEvent(word + ": death", events, Kind::death, ShutdownReason::poweroff);
    check(word + ": nothing more", events->queue.empty() && others->queue.empty());
}

Task<> Smoke::reboot(std::string word, DomainType type) {
    const auto config = guest("reboot" + word, type, "xs:name");
    const auto domid = co_await createWatched(config);
    auto events = std::make_shared<Events>(loop_.executor());
    const auto held = co_await watch(domid, events);
    const auto tty = co_await xen_->consoleTty(domid);
    GuestConsole console(loop_.executor(), tty);
    co_await xen_->unpause(domid);
    const bool up = co_await console.waitFor("DOMU-TICK", seconds(120));
    require(word + " reboot: runs", up);
    const bool asked = co_await xen_->requestShutdown(domid, ShutdownRequest::reboot, seconds(30));
    check(word + " reboot: acknowledged", asked);
    co_await expectEvent(word + " reboot: stop", events, Kind::shutdown, ShutdownReason::reboot);
    co_await xen_->destroy(domid);
    co_await expectEvent(word + " reboot: death", events, Kind::death, ShutdownReason::reboot);
    // As the platform does it: the same description again.
    const auto next = co_await createWatched(config);
    check(word + " reboot: a new domain", next != domid, std::to_string(next));
    auto nextEvents = std::make_shared<Events>(loop_.executor());
    const auto nextHeld = co_await watch(next, nextEvents);
    co_await xen_->unpause(next);
    co_await xen_->forceShutdown(next, ShutdownReason::watchdog);
    co_await expectEvent(word + ": forced", nextEvents, Kind::shutdown, ShutdownReason::watchdog);
    co_await xen_->destroy(next);
    co_await isGone(word + " reboot", next, config.uuid);
}

// A guest that crashes by itself; then one that is destroyed while it runs.
Task<> Smoke::crash(std::string word, DomainType type) {
    const auto config = guest("crash" + word, type, "crash:1");
    const auto domid = co_await xen_->create(config, {});
    auto events = std::make_shared<Events>(loop_.executor());
    const auto held = co_await watch(domid, events);
    co_await xen_->unpause(domid);
    co_await expectEvent(word + " crash", events, Kind::shutdown, ShutdownReason::crash);
    co_await xen_->destroy(domid);
    co_await isGone(word + " crash", domid, config.uuid);

    const auto running = co_await xen_->create(guest("killed" + word, type, ""), {});
    auto killed = std::make_shared<Events>(loop_.executor());
    const auto killedWatch = co_await watch(running, killed);
    co_await xen_->unpause(running);
    co_await xen_->destroy(running);
    co_await expectEvent(word + " killed", killed, Kind::death, ShutdownReason::poweroff);
    co_await xen_->destroy(running);
    check(word + " killed: destroyed twice", true);
}

// What cannot be built says why and leaves nothing.
Task<> Smoke::refusals() {
    auto attempt = [](Smoke& smoke, DomainConfig config) -> Task<std::string> {
        auto create = [](Smoke& s, DomainConfig c) -> Task<> { co_await s.xen_->create(std::move(c), {}); };
        return smoke.failureOf(create(smoke, std::move(config)));
    };
    auto noKernel = guest("nokernel", DomainType::pv, "");
    noKernel.kernel = "/does/not/exist";
    const auto kernel = co_await attempt(*this, noKernel);
    check("refused: kernel", kernel.find("nokernel") != std::string::npos, kernel);

    auto noDisk = guest("nodisk", DomainType::pvh, "");
    DiskConfig disk;
    disk.path = "/does/not/exist";
    disk.vdev = "xvda";
    noDisk.disks = {disk};
    const auto diskText = co_await attempt(*this, noDisk);
    check("refused: disk", diskText.find("/does/not/exist") != std::string::npos, diskText);

    auto noBridge = guest("nobridge", DomainType::pv, "");
    NicConfig nic;
    nic.mac = "00:16:3e:12:34:57";
    nic.bridge = "nobr0";
    noBridge.nics = {nic};
    const auto bridge = co_await attempt(*this, noBridge);
    check("refused: bridge", !bridge.empty(), bridge);

    auto tooBig = guest("toobig", DomainType::pv, "");
    tooBig.memoryKib = 64ULL * 1024 * 1024;
    const auto memory = co_await attempt(*this, tooBig);
    check("refused: memory", !memory.empty(), memory);

    const auto domains = co_await xen_->domains();
    check("refused: nothing left", domains.size() == 1, std::to_string(domains.size()));
}

Task<> Smoke::sideBySide() {
    using namespace asio::experimental::awaitable_operators;
    auto both = xen_->create(guest("left", DomainType::pv, ""), {}) &&
                xen_->create(guest("right", DomainType::pvh, ""), {});
    const auto [left, right] = co_await std::move(both);
    check("side by side: two creates", left != right);
    auto ends = xen_->destroy(left) && xen_->destroy(right);
    co_await std::move(ends);
    const auto domains = co_await xen_->domains();
    check("side by side: two destroys", domains.size() == 1);
}

// Firmware and device model come up; the guest itself is too slow under emulation.
Task<> Smoke::hvm() {
    auto config = guest("emulated", DomainType::hvm, "");
    config.memoryKib = 128 * 1024;
    config.kernel.clear();
    config.ramdisk.clear();
    config.cmdline.clear();
    config.serial = "pty";
    config.bootOrder = "d";
    DiskConfig drive;
    drive.vdev = "hdc";
    drive.cdrom = true;
    config.disks = {drive};
    const auto domid = co_await createWatched(config);
    const auto tty = co_await xen_->consoleTty(domid);
    check("hvm: serial port on a pty", tty.starts_with("/dev/pts/"), tty);
    auto events = std::make_shared<Events>(loop_.executor());
    const auto held = co_await watch(domid, events);
    co_await xen_->unpause(domid);
    const auto state = co_await xen_->acpiState(domid);
    check("hvm: ACPI state", state == 0, std::to_string(state));
    const bool asked =
        co_await xen_->requestShutdown(domid, ShutdownRequest::poweroff, std::chrono::seconds(1));
    check("hvm: has no PV driver", !asked);
    const auto button = co_await failureOf(xen_->powerButton(domid));
    check("hvm: power button", button.empty(), button);
    // Not while paused: Xen waits for the end of an access that qemu is asked to do, which needs the guest to
    // run.
    co_await xen_->forceShutdown(domid, ShutdownReason::poweroff);
    co_await expectEvent("hvm: forced", events, Kind::shutdown, ShutdownReason::poweroff);
    co_await xen_->destroy(domid);
    co_await isGone("hvm", domid, config.uuid);
}

// The script that attaches disks has been made so slow that libxl kills it; whoever runs us looks at what is
// left.
Task<> Smoke::slowScript() {
    auto config = guest("slow", DomainType::pv, "");
    DiskConfig disk;
    disk.path = "/storage/disks/slow.img";
    disk.vdev = "xvda";
    disk.writable = true;
    config.disks = {disk};
    auto create = [](Smoke& smoke, DomainConfig what) -> Task<> {
        co_await smoke.xen_->create(std::move(what), {});
    };
    const auto text = co_await failureOf(create(*this, config));
    check("slow script: the failure names it", text.find("block") != std::string::npos, text);
    const auto domains = co_await xen_->domains();
    check("slow script: no domain left", domains.size() == 1, std::to_string(domains.size()));
}

Task<> Smoke::scenario(std::string name, Task<> task) {
    if (!options_.only.empty() && options_.only != name)
        co_return;
    fmt::print("--- {}\n", name);
    last_ = Clock::now();
    std::string problem;
    try {
        co_await std::move(task);
    } catch (const Broken&) {
        problem = "it could not go on";
    } catch (const std::exception& e) {
        problem = e.what();
    }
    if (problem.empty())
        co_return;
    check(name, false, problem);
    for (const auto& left : co_await xen_->domains())
        if (left.domid != 0)
            co_await xen_->destroy(left.domid);
}

Task<> Smoke::runAll() {
    xen_ = openLibxl(loop_.executor());
    co_await scenario("host", host());
    co_await scenario("life-pv", life("pv", DomainType::pv));
    co_await scenario("life-pvh", life("pvh", DomainType::pvh));
    co_await scenario("reboot-pv", reboot("pv", DomainType::pv));
    co_await scenario("reboot-pvh", reboot("pvh", DomainType::pvh));
    co_await scenario("crash-pv", crash("pv", DomainType::pv));
    co_await scenario("crash-pvh", crash("pvh", DomainType::pvh));
    co_await scenario("refusals", refusals());
    co_await scenario("side-by-side", sideBySide());
    co_await scenario("hvm", hvm());
    if (options_.only == "slow-script")
        co_await scenario("slow-script", slowScript());
    xen_.reset();
    fmt::print("{} passed, {} failed\n", passed_, failed_);
    loop_.stop(status());
}

} // namespace

int smokeMain(int argc, char** argv) {
    Options options;
    CLI::App app("Drives the libxl implementation of the hypervisor layer on real Xen");
    app.add_option("--kernel", options.kernel, "the guests' kernel");
    app.add_option("--initrd", options.initrd, "the guests' initramfs");
    app.add_option("--only", options.only, "run one scenario");
    app.add_option("--scale", options.scale, "multiply time limits");
    CLI11_PARSE(app, argc, argv);
    log::init("xen-libxl-smoke", log::Sink::standardError);
    Loop loop;
    Smoke smoke(loop, options);
    auto run = [](Smoke& which, Loop& where) -> Task<> {
        try {
            co_await which.runAll();
        } catch (const std::exception& e) {
            fmt::print("FAIL {}\n", e.what());
            where.stop(1);
        }
    };
    loop.spawn("smoke", run(smoke, loop));
    return loop.run();
}

} // namespace xb::xen

int main(int argc, char** argv) {
    return xb::xen::smokeMain(argc, argv);
}
