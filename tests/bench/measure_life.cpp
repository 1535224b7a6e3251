// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

#include "tests/support/process_facts.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/libs/uuid.hpp"

#include <systemd/sd-bus.h>

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace xb::bench {

namespace {

// As many as the goal for shared memory speaks of.
constexpr unsigned runningVms = 10;
constexpr int vmMemoryMib = 32;
constexpr double privateGoalMib = 1.5;
constexpr double proportionalGoalMib = 4;
// For what earlier calls have set: the time-out of the last one (25 s), the quiet time after a change of a
// VM.
constexpr std::chrono::seconds settling{30};
constexpr std::chrono::seconds idleTime{20};

std::string createVm(const Measuring& m) {
    Client& client = m.platform.client();
    const std::string path = client.text(
        {xenmgrService, "/", xenmgrService, "create_vm_with_template", strings({"new-vm-linux"})});
    client.set(xenmgrService, path, vmInterface, "virt-type", "pvh");
    client.set(xenmgrService, path, vmInterface, "kernel", "/kernel");
    client.set(xenmgrService, path, vmInterface, "memory", vmMemoryMib);
    client.set(xenmgrService, path, vmInterface, "slot", 0); // there are only nine
    return path;
}

std::string monitorName(const std::string& vmPath) {
    return "org.xen.vm.uuid_" + vmPath.substr(vmPath.rfind('/') + 1);
}

// Milliseconds until `state` is announced.
double until(const Measuring& m, const std::string& vm, const std::string& method, const std::string& state) {
    const auto begin = std::chrono::steady_clock::now();
    m.platform.client().call(onVm(vm, method));
    m.platform.client().waitUntil(method + " of " + vm, [&] { return m.platform.state(vm) == state; });
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

std::vector<std::string> measureStarts(const Measuring& m) {
    std::vector<std::string> vms;
    std::vector<double> first, second, stops, processor;
    for (unsigned i = 0; i < runningVms; ++i) {
        vms.push_back(createVm(m));
        first.push_back(until(m, vms.back(), "start", "running"));
        processor.push_back(test::processorTimeOf(m.platform.client().processOf(monitorName(vms.back()))) /
                            1000);
    }
    for (const auto& vm : vms) {
        stops.push_back(until(m, vm, "destroy", "stopped"));
        second.push_back(until(m, vm, "start", "running"));
    }
    m.report.add({"VM start, emulated, with its xenvm", median(first), "ms", std::nullopt,
                  fmt::format("CPU of xenvm {:.0f} ms", median(processor))});
    m.report.add({"VM start, emulated, again", median(second), "ms"});
    m.report.add({"VM destroy, emulated", median(stops), "ms"});
    return vms;
}

void addMemory(const Measuring& m, const std::string& name, const test::Memory& memory) {
    m.report.add({"memory of " + name + ", private dirty", memory.privateDirty / 1024, "MiB", std::nullopt,
                  fmt::format("resident {:.1f}, proportional {:.1f}", memory.resident / 1024,
                              memory.proportional / 1024)});
}

void measureMemory(const Measuring& m, const std::vector<pid_t>& monitors) {
    addMemory(m, fmt::format("dbd, {} VMs", manyVms), test::memoryOf(m.platform.dbd()));
    addMemory(m, fmt::format("xenmgr, {} VMs", manyVms), test::memoryOf(m.platform.xenmgr()));
    std::vector<double> dirty, proportional, resident;
    for (const pid_t monitor : monitors) {
        const test::Memory memory = test::memoryOf(monitor);
        dirty.push_back(memory.privateDirty / 1024);
        proportional.push_back(memory.proportional / 1024);
        resident.push_back(memory.resident / 1024);
    }
    m.report.add({"memory of a xenvm, private dirty", median(dirty), "MiB", Goal{privateGoalMib},
                  fmt::format("resident {:.1f}", median(resident))});
    m.report.add({fmt::format("memory of a xenvm, its share among {}", monitors.size()), median(proportional),
                  "MiB", Goal{proportionalGoalMib}});
}

void measureIdle(const Measuring& m, const std::vector<pid_t>& monitors) {
    std::vector<std::pair<std::string, pid_t>> processes{{"dbd", m.platform.dbd()},
                                                         {"xenmgr", m.platform.xenmgr()}};
    for (const pid_t monitor : monitors)
        processes.emplace_back("a xenvm, guest running", monitor);
    std::this_thread::sleep_for(settling);
    std::vector<test::Switches> before;
    for (const auto& [name, pid] : processes)
        before.push_back(test::switchesOf(pid));
    std::this_thread::sleep_for(idleTime); // the measurement itself
    std::map<std::string, test::Switches> most;
    for (std::size_t i = 0; i < processes.size(); ++i) {
        const test::Switches after = test::switchesOf(processes[i].second);
        test::Switches& worst = most[processes[i].first];
        worst.voluntary = std::max(worst.voluntary, after.voluntary - before[i].voluntary);
        worst.involuntary = std::max(worst.involuntary, after.involuntary - before[i].involuntary);
    }
    for (const auto& [name, switches] : most)
        m.report.add({"wake-ups of " + name, static_cast<double>(switches.voluntary),
                      fmt::format("in {} s", idleTime.count()), Goal{0},
                      fmt::format("{} involuntary", switches.involuntary)});
}

} // namespace

void measureLife(const Measuring& m) {
    const auto vms = measureStarts(m);
    std::vector<pid_t> monitors;
    for (const auto& vm : vms)
        monitors.push_back(m.platform.client().processOf(monitorName(vm)));
    measureMemory(m, monitors);
    measureIdle(m, monitors);
    for (const auto& vm : vms) {
        until(m, vm, "destroy", "stopped");
        m.platform.client().call(onVm(vm, "delete"));
    }
}

} // namespace xb::bench
