// SPDX-License-Identifier: Apache-2.0
// Calls are compared with the echo service in turns, a few of either at a time, so that what else the machine
// does meets both.
#include "measure.hpp"

#include "tests/support/process_facts.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <systemd/sd-bus.h>

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

namespace xb::bench {

namespace {

constexpr unsigned rounds = 5;
constexpr unsigned blocks = 100;
constexpr unsigned callsPerBlock = 20;
constexpr unsigned window = 64;
constexpr unsigned callsInFlight = 8000;
constexpr unsigned tableRuns = 15;
constexpr std::size_t leastProperties = 140;
constexpr double tableGoalMs = 50;

struct Subject {
    std::string name;
    Call call;
    pid_t server;
    std::optional<Goal> goal; ///< of the ratio to echo
};

// Single calls, as multiples of an echo.
void compareSync(const Measuring& m, const Subject& subject) {
    Client& client = m.platform.client();
    std::vector<double> echo, mine;
    const double before = test::processorTimeOf(subject.server);
    for (unsigned i = 0; i < m.times(blocks); ++i) {
        client.oneByOne(echoCall(), callsPerBlock, echo);
        client.oneByOne(subject.call, callsPerBlock, mine);
    }
    const double processor =
        (test::processorTimeOf(subject.server) - before) / static_cast<double>(mine.size());
    m.report.add({subject.name, median(mine) / median(echo), "x echo", subject.goal,
                  fmt::format("p50 {:.0f} us, p99 {:.0f} us, CPU {:.0f} us, echo p50 {:.0f} us", median(mine),
                              quantile(mine, 0.99), processor, median(echo))});
}

// Calls per second, as a share of echo's.
void compareInFlight(const Measuring& m, const Subject& subject, unsigned calls) {
    Client& client = m.platform.client();
    std::vector<double> shares, rates, processor;
    const unsigned count = m.times(calls);
    for (unsigned i = 0; i < rounds; ++i) {
        const double echo = client.inFlight(echoCall(), window, count);
        const double before = test::processorTimeOf(subject.server);
        const double mine = client.inFlight(subject.call, window, count);
        processor.push_back((test::processorTimeOf(subject.server) - before) / count);
        shares.push_back(100 * mine / echo);
        rates.push_back(mine);
    }
    m.report.add({subject.name, median(shares), "% echo", subject.goal,
                  fmt::format("{:.0f} calls/s, CPU {:.0f} us each", median(rates), median(processor))});
}

void measureEcho(const Measuring& m) {
    Client& client = m.platform.client();
    std::vector<double> times, rates, processor;
    client.oneByOne(echoCall(), m.times(blocks) * callsPerBlock, times);
    const unsigned count = m.times(callsInFlight);
    for (unsigned i = 0; i < rounds; ++i) {
        const double before = test::processorTimeOf(m.platform.echo());
        rates.push_back(client.inFlight(echoCall(), window, count));
        processor.push_back((test::processorTimeOf(m.platform.echo()) - before) / count);
    }
    m.report.add({"echo, p50", median(times), "us"});
    m.report.add({"echo, p99", quantile(times, 0.99), "us"});
    m.report.add({"echo, 64 in flight", median(rates), "calls/s", std::nullopt,
                  fmt::format("CPU {:.1f} us each", median(processor))});
    const pid_t bare = client.processOf(bareEchoService);
    compareSync(m, {"echo without the bus layer", echoCall(bareEchoService), bare, std::nullopt});
    compareInFlight(
        m, {"echo without the bus layer, 64 in flight", echoCall(bareEchoService), bare, std::nullopt},
        callsInFlight);
}

// A Set that changes the value every time.
Call setDescription(const std::string& vm) {
    auto number = std::make_shared<unsigned>(0);
    return {xenmgrService, vm, "org.freedesktop.DBus.Properties", "Set", [number](sd_bus_message* message) {
                const std::string value = "value " + std::to_string(++*number);
                sd_bus_message_append(message, "ssv", vmInterface, "description", "s", value.c_str());
            }};
}

std::size_t propertiesIn(const Measuring& m, const Call& getAll) {
    const auto reply = m.platform.client().call(getAll);
    sd_bus_message_enter_container(reply.get(), 'a', "{sv}");
    std::size_t count = 0;
    while (sd_bus_message_skip(reply.get(), "{sv}") > 0)
        ++count;
    if (count < leastProperties)
        throw Error(fmt::format("GetAll of a VM has only {} properties", count));
    return count;
}

void measureXenmgr(const Measuring& m) {
    const auto paths = m.platform.client().objectPaths(listVms());
    const std::string vm = paths.at(paths.size() / 2);
    const pid_t server = m.platform.xenmgr();
    compareSync(m, {fmt::format("list_vms, {} VMs", paths.size()), listVms(), server, Goal{2}});
    const Call getAll{xenmgrService, vm, "org.freedesktop.DBus.Properties", "GetAll", strings({vmInterface})};
    const std::size_t properties = propertiesIn(m, getAll);
    compareSync(m, {fmt::format("GetAll, {} properties of a VM", properties), getAll, server, Goal{3}});
    const Call get = getProperty(xenmgrService, vm, vmInterface, "memory");
    compareSync(m, {"Get of a property", get, server, std::nullopt});
    compareInFlight(m, {"Get of a property, 64 in flight", get, server, std::nullopt}, callsInFlight);
    compareSync(m, {"Set of a property, through dbd", setDescription(vm), server, std::nullopt});
}

void measureDbd(const Measuring& m) {
    const auto paths = m.platform.client().objectPaths(listVms());
    std::string uuid = paths.at(paths.size() / 2).substr(4);
    std::ranges::replace(uuid, '_', '-');
    const std::string node = "/vm/" + uuid;
    const pid_t server = m.platform.dbd();
    const Call read{databaseService, "/", databaseService, "read", strings({node + "/name"})};
    auto number = std::make_shared<unsigned>(0);
    const Call write{databaseService, "/", databaseService, "write", [=](sd_bus_message* message) {
                         const std::string value = "value " + std::to_string(++*number);
                         sd_bus_message_append(message, "ss", (node + "/bench").c_str(), value.c_str());
                     }};
    compareSync(m, {"dbd read", read, server, std::nullopt});
    compareInFlight(m, {"dbd read, 64 in flight", read, server, Goal{90, Goal::Sense::atLeast}},
                    callsInFlight);
    compareSync(m, {"dbd write", write, server, std::nullopt});
    compareInFlight(m, {"dbd write, 64 in flight", write, server, Goal{80, Goal::Sense::atLeast}},
                    callsInFlight);
}

// Milliseconds that a program takes, from its start to its end; its output goes to a file.
double timeToRun(std::vector<std::string> arguments, const std::filesystem::path& output) {
    std::vector<char*> argv;
    for (std::string& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const auto begin = std::chrono::steady_clock::now();
    pid_t pid = -1;
    const int r = posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0)
        throw systemError("cannot run " + arguments[0], r);
    int status = 0;
    if (waitpid(pid, &status, 0) != pid)
        throw systemError("waiting for " + arguments[0], errno);
    const auto time = std::chrono::steady_clock::now() - begin;
    if (status != 0)
        throw Error(fmt::format("{} ended with status {}", arguments[0], status));
    return std::chrono::duration<double, std::milli>(time).count();
}

void measureTable(const Measuring& m) {
    const auto output = m.platform.directory() / "table";
    std::vector<double> times, help;
    for (unsigned i = 0; i < m.times(tableRuns); ++i) {
        times.push_back(timeToRun({XEC_VM, "--bus", m.platform.address()}, output));
        const std::string table = readFile(output);
        if (std::ranges::count(table, '\n') < manyVms)
            throw Error("xec-vm does not print all VMs:\n" + table);
        help.push_back(timeToRun({XEC_VM, "--help"}, output));
    }
    m.report.add({fmt::format("xec-vm, table of {} VMs, whole process", manyVms), median(times), "ms",
                  Goal{tableGoalMs}, fmt::format("xec-vm --help {:.1f} ms", median(help))});
}

} // namespace

void measureCalls(const Measuring& m) {
    measureEcho(m);
    measureXenmgr(m);
    measureDbd(m);
    measureTable(m);
}

} // namespace xb::bench
