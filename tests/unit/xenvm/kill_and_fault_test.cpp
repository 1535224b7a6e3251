// SPDX-License-Identifier: Apache-2.0
// Every operation of a VM, with its monitor killed at each moment of it, and with each of its steps failing.
// A killed monitor has a successor, which is killed too, and the next one stays: the state that it tells is
// what the hypervisor has, a saved file is whole or not there, no device is half plugged. An operation that
// fails says why and has undone what it did. In both cases the VM then works as ever and leaves nothing
// behind.
#include "vm_fixture.hpp"

#include "xen/saved_domain.hpp"

#include <set>

namespace xb::xenvm::test {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using xen::ShutdownReason;

using Words = std::set<std::string>;
constexpr std::chrono::seconds limit{5};

struct Operation {
    const char* name;
    std::string config; ///< beside disk xvda and NIC 0
    void (*prepare)(Monitor&);
    /// Begins it; nothing when it is the guest's doing.
    std::shared_ptr<Running> (*begin)(Monitor&);
    const char* end; ///< state, when nothing happens to it
    Words rests;     ///< what a successor may come to rest in
    Words failed;    ///< the states that a failed step may leave
    /// Its domain is the one that it had, or there is none.
    bool sameDomain = true;
    Words devices = {"xvda|0"}; ///< that a domain may have, as devicesOf() tells
};

void PrintTo(const Operation& operation, std::ostream* out) {
    *out << operation.name;
}

void nothing(Monitor&) {}
void running(Monitor& monitor) {
    monitor.run(monitor.vm->start(false));
}
void paused(Monitor& monitor) {
    running(monitor);
    monitor.run(monitor.vm->pause());
}
std::string savedFile(const Monitor& monitor) {
    return (monitor.directory.path() / "saved").string();
}
void suspended(Monitor& monitor) {
    running(monitor);
    monitor.run(monitor.vm->suspend(savedFile(monitor), false));
}
void asleep(Monitor& monitor) {
    running(monitor);
    monitor.run(monitor.vm->sleep(limit));
}
std::string diskEntryOf(const Monitor& monitor, const std::string& device) {
    return fmt::format("{}:file:{}:r:disk:", monitor.kernel, device);
}

template <ShutdownReason reason>
std::shared_ptr<Running> guestStops(Monitor& monitor) {
    monitor.hypervisor.stop(static_cast<xen::DomId>(monitor.vm->domid()), reason);
    return nullptr;
}

const std::vector<Operation>& operations() {
    using M = Monitor&;
    static const std::vector<Operation> all{
        {"start",
         "",
         nothing,
         [](M m) { return m.begin(m.vm->start(false)); },
         "running",
         {"shutdown", "created", "running"},
         {"shutdown"}},
        {"startWithAffinity",
         "cpus-affinity = 0:1\n",
         nothing,
         [](M m) { return m.begin(m.vm->start(false)); },
         "running",
         {"shutdown", "created", "running"},
         {"shutdown"}},
        {"startPaused",
         "",
         nothing,
         [](M m) { return m.begin(m.vm->start(true)); },
         "created",
         {"shutdown", "created"},
         {"shutdown"}},
        {"pause",
         "",
         running,
         [](M m) { return m.begin(m.vm->pause()); },
         "paused",
         {"running", "paused"},
         {"running"}},
        {"unpause",
         "",
         paused,
         [](M m) { return m.begin(m.vm->unpause()); },
         "running",
         {"running", "paused"},
         {"paused"}},
        {"halt",
         "on_halt = restart\n",
         running,
         [](M m) { return m.begin(m.vm->halt(false)); },
         "shutdown",
         {"running", "shutdown"},
         {"running", "shutdown"}},
        {"haltByForce",
         "on_halt = restart\n",
         running,
         [](M m) { return m.begin(m.vm->halt(true)); },
         "shutdown",
         {"running", "shutdown"},
         {"running", "shutdown"}},
        {"rebootAndStart",
         "",
         running,
         [](M m) { return m.begin(m.vm->reboot(false, true)); },
         "running",
         {"running"},
         {"running", "shutdown"},
         false},
        {"reboot",
         "",
         running,
         [](M m) { return m.begin(m.vm->reboot(false, false)); },
         "rebooted",
         {"running", "rebooted"},
         {"running", "rebooted"}},
        {"destroy",
         "on_crash = restart\n",
         running,
         [](M m) { return m.begin(m.vm->destroy()); },
         "shutdown",
         {"running", "shutdown"},
         {"running"}},
        {"destroyPaused",
         "",
         paused,
         [](M m) { return m.begin(m.vm->destroy()); },
         "shutdown",
         {"paused", "shutdown"},
         {"paused"}},
        {"suspend",
         "",
         running,
         [](M m) { return m.begin(m.vm->suspend(savedFile(m), false)); },
         "suspended",
         {"running", "suspended"},
         {"running", "suspending"}},
        {"checkpoint",
         "",
         running,
         [](M m) { return m.begin(m.vm->checkpoint(savedFile(m), true)); },
         "running",
         {"running"},
         {"running", "suspending"}},
        {"restore",
         "",
         suspended,
         [](M m) { return m.begin(m.vm->restore(savedFile(m), false, true)); },
         "running",
         {"suspended", "shutdown", "created", "running"},
         {"suspended", "shutdown"},
         false},
        {"sleep",
         "",
         running,
         [](M m) { return m.begin(m.vm->sleep(limit)); },
         "running",
         {"running"},
         {"running"}},
        {"wake",
         "",
         asleep,
         [](M m) { return m.begin(m.vm->wakeGuest()); },
         "running",
         {"running"},
         {"running"}},
        {"hibernate",
         "on_halt = restart\n",
         running,
         [](M m) { return m.begin(m.vm->hibernate(limit)); },
         "shutdown",
         {"running", "shutdown"},
         {"running", "shutdown"}},
        {"addDisk",
         "",
         running,
         [](M m) { return m.begin(m.vm->addDisk(diskEntryOf(m, "xvdb"))); },
         "running",
         {"running"},
         {"running"},
         true,
         {"xvda|0", "xvda xvdb|0"}},
        {"removeDisk",
         "",
         running,
         [](M m) { return m.begin(m.vm->removeDisk("xvda", false)); },
         "running",
         {"running"},
         {"running"},
         true,
         {"xvda|0", "|0"}},
        {"addNic",
         "",
         running,
         [](M m) { return m.begin(m.vm->addNic("bridge=br1")); },
         "running",
         {"running"},
         {"running"},
         true,
         {"xvda|0", "xvda|0 1"}},
        {"removeNic",
         "",
         running,
         [](M m) { return m.begin(m.vm->removeNic(0, false)); },
         "running",
         {"running"},
         {"running"},
         true,
         {"xvda|0", "xvda|"}},
        {"moveNic",
         "",
         running,
         [](M m) { return m.begin(m.vm->switchNetwork(0, "br1")); },
         "running",
         {"running"},
         {"running"}},
        {"guestPowersOff",
         "",
         running,
         guestStops<ShutdownReason::poweroff>,
         "shutdown",
         {"shutdown"},
         {"running"}},
        {"guestReboots",
         "on_restart = preserve\n",
         running,
         guestStops<ShutdownReason::reboot>,
         "rebooted",
         {"rebooted"},
         {"running"}},
        {"guestRebootsAndIsRestarted",
         "",
         running,
         guestStops<ShutdownReason::reboot>,
         "running",
         {"running"},
         {"running", "shutdown"},
         false},
        {"guestCrashes",
         "",
         running,
         guestStops<ShutdownReason::crash>,
         "shutdown",
         {"shutdown"},
         {"running"}},
        {"guestCrashesAndIsRestarted",
         "on_crash = restart\n",
         running,
         guestStops<ShutdownReason::crash>,
         "running",
         {"running"},
         {"running", "shutdown"},
         false},
    };
    return all;
}

std::size_t openDescriptors() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                                  std::filesystem::directory_iterator()));
}

class KillAndFault : public testing::TestWithParam<Operation> {
protected:
    const Operation& operation = GetParam();

    bool killedAt(std::size_t moment);
    bool failingAt(std::size_t moment);
    void each(const std::function<bool(std::size_t)>& happensAt);

    /// A monitor whose VM is as the operation needs it.
    std::unique_ptr<Monitor> prepared() const {
        auto monitor = std::make_unique<Monitor>();
        monitor->options.limits.restartSpacing = std::chrono::milliseconds(0);
        monitor->writeConfig("disk = " + diskEntryOf(*monitor, "xvda") + "\nnic = id=0,bridge=br0\n" +
                             operation.config);
        monitor->open();
        operation.prepare(*monitor);
        monitor->take();
        monitor->hypervisor.moments.passed = 0;
        return monitor;
    }
    static bool rests(const Monitor& monitor, const Words& states) {
        return !monitor.vm->busy() && states.contains(std::string(toString(monitor.vm->state())));
    }
    static std::optional<xen::DomainInfo> domainOf(const Monitor& monitor) {
        std::optional<xen::DomainInfo> found;
        for (const auto& [domid, info] : monitor.hypervisor.alive) {
            if (info.dying)
                continue;
            EXPECT_FALSE(found) << "there are two domains";
            found = info;
        }
        return found;
    }
    /// "xvda xvdb|0 1"
    static std::string devicesOf(Monitor& monitor, xen::DomId domid) {
        std::string text;
        for (const auto& disk : monitor.hypervisor.plugged[domid])
            text += (text.empty() ? "" : " ") + disk.vdev;
        text += "|";
        for (const auto& nic : monitor.hypervisor.cards[domid])
            text += (text.ends_with("|") ? "" : " ") + std::to_string(nic.devid);
        return text;
    }

    /// What the VM tells is what the hypervisor has, and what is written down for a successor.
    void expectTrue(Monitor& monitor) {
        const auto domain = domainOf(monitor);
        const LifeState state = monitor.vm->state();
        EXPECT_EQ(domain.has_value(), hasDomain(state)) << toString(state);
        EXPECT_EQ(monitor.vm->domid(), domain ? static_cast<int>(domain->domid) : -1);
        if (state != LifeState::shutdown || monitor.hypervisor.xenstore.values.contains(stateNode)) {
            EXPECT_EQ(monitor.hypervisor.xenstore.values[stateNode], toString(state));
        }
        EXPECT_FALSE(monitor.hypervisor.xenstore.values.contains("/state/" + uuid + "/undo"));
        EXPECT_THAT(monitor.hypervisor.halfPlugged, IsEmpty());
        if (domain && !domain->shutdown) {
            EXPECT_EQ(domain->paused, state == LifeState::paused || state == LifeState::created)
                << toString(state);
            EXPECT_THAT(operation.devices, Contains(devicesOf(monitor, domain->domid)));
        }
        EXPECT_EQ(std::filesystem::exists(savedFile(monitor) + ".part"), false);
        const auto saved = readFileIfThere(savedFile(monitor));
        if (saved) {
            EXPECT_EQ(saved->substr(xen::savedHeader("{}").size()), "half and half");
        } else {
            EXPECT_NE(state, LifeState::suspended) << "what it would go on from is lost";
        }
    }

    /// The VM works as ever, and leaves nothing.
    void expectSound(Monitor& monitor) {
        Vm& vm = *monitor.vm;
        if (vm.state() == LifeState::suspended)
            monitor.run(vm.restore(savedFile(monitor), false, true));
        if (hasDomain(vm.state()))
            monitor.run(vm.destroy());
        EXPECT_THAT(toString(vm.state()), AnyOf("shutdown", "rebooted"));
        monitor.run(vm.start(false));
        EXPECT_EQ(vm.state(), LifeState::running);
        EXPECT_THAT(operation.devices, Contains(devicesOf(monitor, static_cast<xen::DomId>(vm.domid()))));
        monitor.run(vm.halt(false));
        monitor.run(vm.leave());
        EXPECT_FALSE(domainOf(monitor)) << "a domain is left";
        EXPECT_EQ(monitor.hypervisor.watches(), 0U);
        EXPECT_THAT(monitor.hypervisor.xenstore.watched(), IsEmpty());
        for (const auto& [node, value] : monitor.hypervisor.xenstore.values)
            EXPECT_FALSE(node.starts_with("/state/")) << node << " is left";
    }
};

// False: that moment is after its end.
bool KillAndFault::killedAt(std::size_t moment) {
    auto monitor = prepared();
    const int domid = monitor->vm->domid();
    auto& moments = monitor->hypervisor.moments;
    moments.killAt = moment;
    const auto work = operation.begin(*monitor);
    const auto over = [&] {
        const bool arrived = operation.sameDomain || monitor->vm->domid() != domid;
        return (!work || work->done) && arrived && rests(*monitor, {operation.end});
    };
    EXPECT_TRUE(monitor->until([&] { return moments.killed || over(); }));
    const bool killed = moments.killed;
    moments.killAt = 0;
    SCOPED_TRACE(fmt::format("killed at {}: {}", moment, moments.last));
    if (killed) { // and its first successor as well, at a moment that goes round
        monitor = std::make_unique<Monitor>(std::as_const(*monitor));
        monitor->hypervisor.moments.killAt = 1 + moment % 7;
        static_cast<void>(monitor->comesUp());
        const auto& again = monitor->hypervisor.moments;
        EXPECT_TRUE(monitor->until([&] { return again.killed || rests(*monitor, operation.rests); }));
        monitor = std::make_unique<Monitor>(std::as_const(*monitor));
        monitor->open();
    }
    EXPECT_TRUE(monitor->until([&] { return rests(*monitor, operation.rests); }))
        << "it is " << toString(monitor->vm->state());
    monitor->settle();
    if (operation.sameDomain) {
        EXPECT_THAT(monitor->vm->domid(), AnyOf(-1, domid < 0 ? 1 : domid));
    }
    expectTrue(*monitor);
    expectSound(*monitor);
    return killed;
}

// False: it has no such step.
bool KillAndFault::failingAt(std::size_t moment) {
    auto monitor = prepared();
    const int domid = monitor->vm->domid();
    const auto id = static_cast<xen::DomId>(domid);
    const auto before = domid < 0 ? "" : devicesOf(*monitor, id);
    auto& moments = monitor->hypervisor.moments;
    moments.failAt = moment;
    const auto work = operation.begin(*monitor);
    Words states = operation.failed;
    states.insert(operation.end);
    const auto told = [&] {
        return std::ranges::any_of(monitor->events, [](const std::string& event) {
            return event.starts_with("error ") && event.find("injected fault") != std::string::npos;
        });
    };
    const auto over = [&] {
        if (work)
            return work->done && rests(*monitor, states);
        // The guest's doing: where it leads to, or to a report.
        const bool arrived = operation.sameDomain || monitor->vm->domid() != domid;
        return (arrived && rests(*monitor, {operation.end})) || (told() && rests(*monitor, states));
    };
    EXPECT_TRUE(monitor->until(over))
        << "it is " << toString(monitor->vm->state()) << " after " << moments.last;
    monitor->settle();
    EXPECT_TRUE(monitor->until([&] { return rests(*monitor, states); })); // it may be tried again at once
    const bool failed = moments.failed;
    moments.failAt = 0;
    SCOPED_TRACE(fmt::format("failed at {}: {}", moment, moments.last));
    const std::string state(toString(monitor->vm->state()));
    if (operation.sameDomain) {
        EXPECT_THAT(monitor->vm->domid(), AnyOf(-1, domid < 0 ? 1 : domid));
    }
    if (work && !work->error.empty()) {
        EXPECT_THAT(work->error, HasSubstr("injected fault"));
        EXPECT_THAT(operation.failed, Contains(state));
        if (domid >= 0 && monitor->hypervisor.alive.contains(id)) {
            EXPECT_EQ(devicesOf(*monitor, id), before);
        }
        if (state == "running") {
            EXPECT_FALSE(std::filesystem::exists(savedFile(*monitor))) << "it says that there is none";
        }
        if (operation.prepare == suspended) {
            EXPECT_TRUE(std::filesystem::exists(savedFile(*monitor)));
        }
    } else if (work) {
        EXPECT_EQ(state, operation.end);
    }
    if (moments.last.find("writing") == std::string::npos) { // of which the log tells
        expectTrue(*monitor);
    }
    expectSound(*monitor);
    return failed;
}

// Every moment in turn, until there are no more; no file is left open.
void KillAndFault::each(const std::function<bool(std::size_t)>& happensAt) {
    std::size_t moment = 0;
    bool happened = true;
    while (happened && !HasFailure()) {
        const std::size_t descriptors = openDescriptors();
        happened = happensAt(++moment);
        EXPECT_EQ(openDescriptors(), descriptors);
    }
    EXPECT_GT(moment, 1U);
}

TEST_P(KillAndFault, KilledAtEachMoment) {
    each([this](std::size_t moment) { return killedAt(moment); });
}

TEST_P(KillAndFault, FailingAtEachStep) {
    each([this](std::size_t moment) { return failingAt(moment); });
}

INSTANTIATE_TEST_SUITE_P(Operations, KillAndFault, testing::ValuesIn(operations()),
                         [](const auto& tested) { return std::string(tested.param.name); });

} // namespace
} // namespace xb::xenvm::test
