// SPDX-License-Identifier: Apache-2.0
// proxy_bench: what rpc-proxy costs: calls through it, as a guest's that rules are evaluated for, beside the
// same calls on the bus itself and through xdg-dbus-proxy, in turns, with a client that costs next to
// nothing; then what programs with sd-bus see. The column "echo" is the bus itself, and the raw proxy for
// JSON. Speed never makes it fail: the status is 0 if everything worked, 1 if something did not.
#include "browser_client.hpp"
#include "client.hpp"
#include "figures.hpp"
#include "measure_proxy_floods.hpp"
#include "programs.hpp"
#include "proxy_world.hpp"
#include "tests/support/process_facts.hpp"
#include "wire_client.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>

namespace {

using namespace xb::bench;
using xb::test::memoryOf;
using xb::test::processorTimeOf;
using Times = std::vector<double>;

constexpr unsigned rounds = 15;
constexpr unsigned window = 64;
constexpr unsigned callsInFlight = 4000;
constexpr unsigned blocks = 100;
constexpr unsigned callsPerBlock = 20;
constexpr unsigned largeCalls = 200;
constexpr std::size_t largeBytes = 65536;
constexpr unsigned connects = 200;
constexpr unsigned peerConnects = 10; // with many rules one takes the peer a second
constexpr unsigned openConnections = 40;
constexpr unsigned fewRules = 10;
constexpr unsigned manyRules = 10000;

double microsecondsOf(const std::function<void()>& action) {
    const auto begin = std::chrono::steady_clock::now();
    action();
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

/// What is measured of one way to the echo service.
struct Way {
    Way(std::string file, std::optional<pid_t> proxy) : socket(std::move(file)), pid(proxy), client(socket) {}

    void fly(unsigned count) {
        const double before = pid ? processorTimeOf(*pid) : 0;
        rates.push_back(client.inFlight(window, count));
        if (pid)
            processor.push_back((processorTimeOf(*pid) - before) / count);
    }
    void connect() {
        connects.push_back(microsecondsOf([this] { const WireClient another(socket); }));
    }

    std::string socket;
    std::optional<pid_t> pid; ///< of the proxy that is on it
    WireClient client;
    Times rates, processor, times, connects;
};

double medianRatio(const Times& ones, const Times& others) {
    Times ratios;
    for (std::size_t i = 0; i < ones.size(); ++i)
        ratios.push_back(ones[i] / others[i]);
    return median(ratios);
}

void reportPeer(Report& report, const std::string& name, const Way& way, const Way& direct) {
    report.add({fmt::format("{}, {} in flight", name, window), median(way.rates), "calls/s", std::nullopt,
                fmt::format("{:.0f} % of direct, CPU {:.1f} us each",
                            100 * medianRatio(way.rates, direct.rates), median(way.processor)),
                median(direct.rates)});
    report.add({name + ", one by one, p50", median(way.times), "us", std::nullopt, "", median(direct.times)});
    report.add({name + ", connect and Hello", median(way.connects), "us", std::nullopt, "",
                median(direct.connects)});
}

// Most of what is resident are pages of programs and libraries, which others have too and which the system
// can drop.
void reportMemory(Report& report, unsigned rules, pid_t proxy, std::optional<pid_t> peer) {
    const auto figures = [](const xb::test::Memory& memory) {
        return fmt::format("{:.1f} MiB of it its own data, proportional share {:.1f}",
                           memory.anonymous / 1024, memory.proportional / 1024);
    };
    const xb::test::Memory ours = memoryOf(proxy);
    std::string note = figures(ours);
    if (peer) {
        const xb::test::Memory theirs = memoryOf(*peer);
        note += fmt::format("; xdg-dbus-proxy {:.1f} MiB, {}", theirs.resident / 1024, figures(theirs));
    }
    report.add({fmt::format("{} rules, resident memory", rules), ours.resident / 1024, "MiB", Goal{8}, note});
}

// Direct, through ours and through the peer, in turns. All three have the same client.
void measureBesidePeer(ProxyWorld& world, Report& report, Effort effort, unsigned rules) {
    RunningProxy proxy = world.startProxy(rules);
    const std::unique_ptr<XdgProxy> peer = XdgProxy::exists() ? world.startXdgProxy(rules) : nullptr;
    Way direct(world.busSocket(), std::nullopt);
    Way ours(proxy.socket, proxy.pid());
    std::unique_ptr<Way> xdg;
    if (peer)
        xdg = std::make_unique<Way>(peer->socket(), peer->pid());
    std::vector<Way*> ways{&direct, &ours};
    if (xdg)
        ways.push_back(xdg.get());
    for (unsigned i = 0; i < rounds; ++i) {
        for (Way* way : ways)
            way->fly(effort.times(callsInFlight));
    }
    for (unsigned i = 0; i < effort.times(blocks); ++i) {
        for (Way* way : ways)
            way->client.oneByOne(callsPerBlock, way->times);
    }
    for (unsigned i = 0; i < effort.times(connects); ++i) {
        direct.connect();
        ours.connect();
        if (xdg && i < peerConnects)
            xdg->connect();
    }
    const std::string beside =
        xdg ? fmt::format(", {:.2f} x xdg-dbus-proxy", medianRatio(ours.rates, xdg->rates)) : "";
    report.add({fmt::format("{} rules, {} in flight", rules, window), median(ours.rates), "calls/s",
                Goal{0.9, Goal::Sense::atLeast, true},
                fmt::format("{:.0f} % of direct, CPU {:.1f} us each{}",
                            100 * medianRatio(ours.rates, direct.rates), median(ours.processor), beside),
                median(direct.rates)});
    report.add({fmt::format("{} rules, one by one, p50", rules), median(ours.times), "us",
                Goal{1.6, Goal::Sense::atMost, true}, "", median(direct.times)});
    report.add({fmt::format("{} rules, connect and Hello", rules), median(ours.connects), "us",
                Goal{4, Goal::Sense::atMost, true}, "", median(direct.connects)});
    const std::string name = fmt::format("{} rules, xdg-dbus-proxy", rules);
    if (xdg)
        reportPeer(report, name, *xdg, direct);
    else
        report.absent(name, "not installed");
    if (rules == fewRules || rules == manyRules)
        reportMemory(report, rules, proxy.pid(), peer ? std::optional(peer->pid()) : std::nullopt);
    proxy.stop();
}

void measureJson(ProxyWorld& world, Report& report, Effort effort) {
    RunningProxy raw = world.startProxy(100);
    RunningProxy json = world.startProxy(100, {"--json-in", "--websockets-in", "--auto-auth"});
    WireClient client(raw.socket);
    BrowserClient browser(json.socket);
    Times without, with, processor;
    const unsigned count = effort.times(callsInFlight);
    for (unsigned i = 0; i < rounds; ++i) {
        without.push_back(client.inFlight(window, count));
        const double before = processorTimeOf(json.pid());
        with.push_back(browser.inFlight(window, count));
        processor.push_back((processorTimeOf(json.pid()) - before) / count);
    }
    report.add({fmt::format("JSON in a WebSocket, {} in flight", window), median(with), "calls/s",
                Goal{0.5, Goal::Sense::atLeast, true},
                fmt::format("{:.0f} % of the raw proxy, CPU {:.1f} us each", 100 * medianRatio(with, without),
                            median(processor)),
                median(without)});
    raw.stop();
    json.stop();
}

void measureSync(ProxyWorld& world, Report& report, Effort effort) {
    Client direct(world.address());
    RunningProxy proxy = world.startProxy(100);
    Client through(proxy.address());
    const Call call = echoCall(bareEchoService);
    Times without, with;
    for (unsigned i = 0; i < effort.times(blocks); ++i) {
        direct.oneByOne(call, callsPerBlock, without);
        through.oneByOne(call, callsPerBlock, with);
    }
    report.add({"sd-bus, one by one, p50", median(with), "us", std::nullopt, "", median(without)});
    report.add(
        {"sd-bus, one by one, p99", quantile(with, 0.99), "us", std::nullopt, "", quantile(without, 0.99)});
    const Call large = echoCall(bareEchoService, std::string(largeBytes, 'x'));
    without.clear();
    with.clear();
    for (unsigned i = 0; i < effort.times(largeCalls); ++i) {
        direct.oneByOne(large, 1, without);
        through.oneByOne(large, 1, with);
    }
    report.add({"sd-bus, 64 KiB there and back, p50", median(with), "us", std::nullopt, "", median(without)});
    without.clear();
    with.clear();
    const auto timed = [](const std::string& where, Times& times) {
        times.push_back(microsecondsOf([&where] { const Client client(where); }));
    };
    for (unsigned i = 0; i < effort.times(connects); ++i) {
        timed(world.address(), without);
        timed(proxy.address(), with);
    }
    report.add({"sd-bus, connect and Hello, p50", median(with), "us", std::nullopt, "", median(without)});
    proxy.stop();
}

void measureMemory(ProxyWorld& world, Report& report) {
    RunningProxy proxy = world.startProxy(100);
    { // what is made once
        Client first(proxy.address());
        first.call(echoCall(bareEchoService));
    }
    const double before = memoryOf(proxy.pid()).privateDirty;
    std::vector<std::unique_ptr<Client>> clients;
    for (unsigned i = 0; i < openConnections; ++i) {
        clients.push_back(std::make_unique<Client>(proxy.address()));
        clients.back()->call(echoCall(bareEchoService));
    }
    const double each = (memoryOf(proxy.pid()).privateDirty - before) / openConnections;
    report.add({fmt::format("sd-bus, memory per open connection ({})", openConnections), each, "KiB", Goal{9},
                fmt::format("without any {:.1f} MiB", before / 1024)});
    clients.clear();
    proxy.stop();
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("proxy_bench: measures rpc-proxy beside the bus itself");
    ReportOptions options;
    options.addTo(app);
    CLI11_PARSE(app, argc, argv);
    try {
        ProxyWorld world;
        Report report(options.format);
        for (const unsigned rules : {fewRules, 100U, 1000U, manyRules})
            measureBesidePeer(world, report, options.effort, rules);
        measureJson(world, report, options.effort);
        measureSync(world, report, options.effort);
        measureMemory(world, report);
        measureFloods(world, report, options.effort);
        world.stop();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "proxy_bench: %s\n", e.what());
        return 1;
    }
    return 0;
}
