// SPDX-License-Identifier: Apache-2.0
// proxy_bench: what rpc-proxy costs: calls through it, as a guest's that rules are evaluated for, beside the
// same calls on the bus itself, in turns. Speed never makes it fail: the status is 0 if everything worked, 1
// if something did not.
#include "client.hpp"
#include "figures.hpp"
#include "process_facts.hpp"
#include "programs.hpp"
#include "tests/support/private_bus.hpp"
#include "toolstack/libs/files.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <csignal>
#include <cstdio>

namespace {

using namespace xb::bench;
using Times = std::vector<double>;

constexpr unsigned rounds = 15;
constexpr unsigned window = 64;
constexpr unsigned callsInFlight = 4000;
constexpr unsigned blocks = 100;
constexpr unsigned callsPerBlock = 20;
constexpr unsigned largeCalls = 200;
constexpr std::size_t largeBytes = 65536;
constexpr unsigned connects = 200;
constexpr unsigned openConnections = 40;

class World {
public:
    World() {
        emulator_ =
            launch(directory_.path(), "emulator",
                   {XEN_EMULATOR, "--directory", directory_.path() / "emulator", "--log-to", "stderr"}, true);
        echo_ = launch(directory_.path(), "echo",
                       {ECHO_SERVICE, "--bare", "--bus", bus_.address(), "--name", bareEchoService,
                        "--log-to", "stderr"},
                       true);
    }

    /// With `rules` of which the last one lets the calls through.
    std::string startProxy(unsigned rules) {
        std::string text = "allow destination org.freedesktop.DBus\n";
        for (unsigned i = 2; i < rules; ++i)
            text += fmt::format("allow inc-method-call destination com.example.service{} interface "
                                "com.example.interface{} member m{}\n",
                                i, i % 100, i);
        text += fmt::format("allow inc-method-call destination {} interface org.xenbroker.bench\n",
                            bareEchoService);
        const auto file = directory_.path() / "rules";
        xb::writeFileAtomically(file, text);
        const std::string socket = directory_.path() / "proxy";
        proxy_ = launch(directory_.path(), "rpc-proxy",
                        {RPC_PROXY, "-d", "7", "-i", "unix:" + socket, "-o", "unix:" + busFile(), "-r", file,
                         "--hypervisor", "emulated", "--emulator-directory", directory_.path() / "emulator",
                         "--no-vm-rules", "--log-to", "stderr"},
                        true);
        return "unix:path=" + socket;
    }
    void stopProxy() { end(proxy_); }
    pid_t proxy() const { return proxy_->pid(); }
    const std::string& address() const { return bus_.address(); }
    void stop() {
        echo_->signal(SIGKILL);
        echo_.reset();
        end(emulator_);
    }

private:
    std::string busFile() const { return bus_.address().substr(std::string("unix:path=").size()); }

    xb::test::TemporaryDirectory directory_;
    xb::test::PrivateBus bus_;
    std::unique_ptr<xb::test::Process> emulator_;
    std::unique_ptr<xb::test::Process> echo_;
    std::unique_ptr<xb::test::Process> proxy_;
};

void measureInFlight(World& world, Report& report, Effort effort, unsigned rules) {
    Client direct(world.address());
    Client through(world.startProxy(rules));
    const Call call = echoCall(bareEchoService);
    const unsigned count = effort.times(callsInFlight);
    Times directRates, rates, shares, processor;
    for (unsigned i = 0; i < rounds; ++i) {
        directRates.push_back(direct.inFlight(call, window, count));
        const double before = processorTimeOf(world.proxy());
        rates.push_back(through.inFlight(call, window, count));
        processor.push_back((processorTimeOf(world.proxy()) - before) / count);
        shares.push_back(rates.back() / directRates.back());
    }
    report.add(
        {fmt::format("{} rules, {} in flight", rules, window), median(rates), "calls/s",
         Goal{0.9, Goal::Sense::atLeast, true},
         fmt::format("{:.0f} % of direct, CPU {:.1f} us each", 100 * median(shares), median(processor)),
         median(directRates)});
    world.stopProxy();
}

void measureSync(World& world, Report& report, Effort effort) {
    Client direct(world.address());
    const std::string address = world.startProxy(100);
    Client through(address);
    const Call call = echoCall(bareEchoService);
    Times without, with;
    for (unsigned i = 0; i < effort.times(blocks); ++i) {
        direct.oneByOne(call, callsPerBlock, without);
        through.oneByOne(call, callsPerBlock, with);
    }
    report.add({"one by one, p50", median(with), "us", std::nullopt, "", median(without)});
    report.add({"one by one, p99", quantile(with, 0.99), "us", std::nullopt, "", quantile(without, 0.99)});
    const Call large = echoCall(bareEchoService, std::string(largeBytes, 'x'));
    without.clear();
    with.clear();
    for (unsigned i = 0; i < effort.times(largeCalls); ++i) {
        direct.oneByOne(large, 1, without);
        through.oneByOne(large, 1, with);
    }
    report.add({"64 KiB there and back, p50", median(with), "us", std::nullopt, "", median(without)});
    without.clear();
    with.clear();
    const auto timed = [](const std::string& where, Times& times) {
        const auto begin = std::chrono::steady_clock::now();
        const Client client(where);
        times.push_back(
            std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    };
    for (unsigned i = 0; i < effort.times(connects); ++i) {
        timed(world.address(), without);
        timed(address, with);
    }
    report.add({"connect and Hello, p50", median(with), "us", std::nullopt, "", median(without)});
    world.stopProxy();
}

void measureMemory(World& world, Report& report) {
    const std::string address = world.startProxy(100);
    { // what is made once
        Client first(address);
        first.call(echoCall(bareEchoService));
    }
    const double before = memoryOf(world.proxy()).privateDirty;
    std::vector<std::unique_ptr<Client>> clients;
    for (unsigned i = 0; i < openConnections; ++i) {
        clients.push_back(std::make_unique<Client>(address));
        clients.back()->call(echoCall(bareEchoService));
    }
    const double each = (memoryOf(world.proxy()).privateDirty - before) / openConnections;
    report.add({fmt::format("memory per open connection ({})", openConnections), each, "KiB", Goal{9},
                fmt::format("without any {:.1f} MiB", before / 1024)});
    clients.clear();
    world.stopProxy();
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("proxy_bench: measures rpc-proxy beside the bus itself");
    ReportOptions options;
    options.addTo(app);
    CLI11_PARSE(app, argc, argv);
    try {
        World world;
        Report report(options.format);
        for (const unsigned rules : {10U, 100U, 1000U, 10000U})
            measureInFlight(world, report, options.effort, rules);
        measureSync(world, report, options.effort);
        measureMemory(world, report);
        world.stop();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "proxy_bench: %s\n", e.what());
        return 1;
    }
    return 0;
}
