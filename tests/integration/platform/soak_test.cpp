// SPDX-License-Identifier: Apache-2.0
// A VM started a thousand times (XENBROKER_SOAK_CYCLES) and ended by destroy, reboot, crash and shutdown in
// turn: the daemons have as many descriptors, threads and match rules as after the first tenth, no more
// memory but what allocators settle at, and xenstore and the directories as many entries. A label of its own,
// for `./test soak` and `./test full`.
#include "platform.hpp"

#include "tests/support/process_facts.hpp"
#include "toolstack/libs/files.hpp"
#include "xen/hypervisor.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <map>

namespace xb::test {
namespace {

constexpr int usualCycles = 1000;
// What a process grows by as its allocator and the tables of the libraries settle.
constexpr double settlingKib = 512;

int cyclesWanted() {
    const char* const wanted = std::getenv("XENBROKER_SOAK_CYCLES");
    return wanted ? std::max(static_cast<int>(std::strtol(wanted, nullptr, 10)), 1) : usualCycles;
}

std::size_t entriesBelow(const std::filesystem::path& directory) {
    using Iterator = std::filesystem::recursive_directory_iterator;
    return static_cast<std::size_t>(std::distance(Iterator(directory), Iterator()));
}

std::size_t entriesOf(const std::filesystem::path& directory) {
    using Iterator = std::filesystem::directory_iterator;
    return static_cast<std::size_t>(std::distance(Iterator(directory), Iterator()));
}

// dbd's journal begins a segment, or writes a file anew, when its time has come and not when ours has.
std::size_t comesAndGoes(const std::string& name) {
    return name == "dbd: descriptors" || name == "files of the platform" ? 2 : 0;
}

// What must not grow, by its name.
using Counts = std::map<std::string, std::size_t>;

class Soak : public testing::Test {
protected:
    Soak() {
        hypervisor = platform.openHypervisor();
        path = platform.createVm();
        writeFileAtomically(platform.root() / "disk.raw", std::string(1 << 20, '\0'));
        const std::string disk = platform.await(platform.vm(path).addDisk());
        platform.await(platform.disk(disk).setPhysPath("/disk.raw"));
        platform.await(platform.disk(disk).setPhysType("file"));
        const std::string nic = platform.await(platform.vm(path).addNic());
        platform.await(platform.nic(nic).setNetwork("xenbr0"));
    }

    void cycle(int number) {
        platform.forgetSignals();
        platform.await(platform.vm(path).start());
        switch (number % 4) {
        case 0:
            platform.await(platform.vm(path).destroy());
            break;
        case 1:
            platform.await(platform.vm(path).reboot());
            platform.await(platform.vm(path).destroy());
            break;
        case 2: {
            const auto domid = static_cast<xen::DomId>(platform.await(platform.vm(path).getDomid()));
            platform.await(hypervisor->forceShutdown(domid, xen::ShutdownReason::crash));
            break;
        }
        default:
            platform.await(platform.vm(path).shutdown());
        }
        ASSERT_TRUE(platform.waitForState(path, "stopped")) << "in cycle " << number;
    }

    Task<std::size_t> nodesBelow(std::string node) {
        std::size_t count = 1;
        const auto children = co_await hypervisor->store().list(node);
        for (const auto& child : children) {
            std::string below = node == "/" ? node + child : fmt::format("{}/{}", node, child);
            count += co_await nodesBelow(std::move(below));
        }
        co_return count;
    }

    std::map<std::string, pid_t> daemons() {
        return {{"dbd", platform.dbd().pid()},
                {"xenmgr", platform.xenmgr().pid()},
                {"xen-emulator", platform.emulator().pid()},
                {"xenvm", platform.monitorOf(path)}};
    }

    Counts counts() {
        Counts counts;
        for (const auto& [name, pid] : daemons()) {
            const std::filesystem::path process = "/proc/" + std::to_string(pid);
            counts[name + ": descriptors"] = entriesOf(process / "fd");
            counts[name + ": threads"] = entriesOf(process / "task");
        }
        counts["xenstore nodes"] = platform.await(nodesBelow("/"));
        counts["files of the platform"] = entriesBelow(platform.root());
        counts["files of the emulator"] = entriesBelow(platform.emulatorDirectory());
        if (const auto rules = matchRules())
            counts["match rules"] = *rules;
        return counts;
    }

    // dbus-daemon counts them for whomever asks; dbus-broker does not.
    std::optional<std::size_t> matchRules() {
        const char* const bus = std::getenv("XENBROKER_TEST_BUS");
        if (bus && std::string(bus) == "dbus-broker")
            return std::nullopt;
        auto reply = platform.await(platform.bus().callMethod(
            Bus::driverName, Bus::driverPath, "org.freedesktop.DBus.Debug.Stats", "GetStats"));
        std::map<std::string, sdbus::Variant> stats;
        reply >> stats;
        return stats.at("MatchRules").get<std::uint32_t>();
    }

    std::map<std::string, double> memory() {
        std::map<std::string, double> kib;
        for (const auto& [name, pid] : daemons())
            kib[name] = memoryOf(pid).privateDirty;
        return kib;
    }

    Platform platform;
    std::unique_ptr<xen::Hypervisor> hypervisor;
    std::string path;
};

TEST_F(Soak, NothingGrowsWhileAVmStartsAndStops) {
    const int cycles = cyclesWanted();
    const int warm = std::max(cycles / 10, 4);
    // Most guests end before they have read their disk: one that has starts the threads for that.
    platform.await(platform.vm(path).start());
    ASSERT_TRUE(platform.says(path, ": ready"));
    platform.await(platform.vm(path).destroy());
    for (int i = 0; i < warm; ++i)
        ASSERT_NO_FATAL_FAILURE(cycle(i));
    const auto countsBefore = counts();
    const auto memoryBefore = memory();
    for (int i = warm; i < cycles; ++i)
        ASSERT_NO_FATAL_FAILURE(cycle(i));
    for (const auto& [name, count] : counts())
        EXPECT_LE(count, countsBefore.at(name) + comesAndGoes(name)) << name;
    for (const auto& [name, kib] : memory()) {
        std::cout << fmt::format("{}: {} KiB after {} cycles, {} KiB after {}\n", name, memoryBefore.at(name),
                                 warm, kib, cycles);
        EXPECT_LE(kib, memoryBefore.at(name) + settlingKib) << name;
    }
}

} // namespace
} // namespace xb::test
