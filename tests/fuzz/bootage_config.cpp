// SPDX-License-Identifier: Apache-2.0
// Hostile: the configuration file of bootage. It is refused with file and line, or it is a set of services
// that can be started in an order in which everything comes after what it needs.
#include "bootage/graph.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

namespace xb::fuzz {

namespace {

using namespace xb::bootage;

void checkOrder(const Config& config) {
    const DependencyGraph graph(config);
    const auto& order = graph.startOrder();
    expect(order.size() == config.services.size(), "every service is in the order");
    std::vector<bool> started(order.size());
    for (const std::size_t service : order) {
        expect(!started.at(service), "no service is in the order twice");
        for (const std::size_t needed : graph.dependencies(service))
            expect(started.at(needed), "a service comes after those that it depends on");
        started[service] = true;
    }
}

void checkService(const Service& service) {
    expect(!service.name.empty() && service.name.size() <= maxNameLength, "a name within its limit");
    expect(!service.command.empty() && !service.command[0].empty(), "a program");
    for (const Milliseconds time : {service.readyTimeout, service.stopTimeout, service.restartLimit.time})
        expect(time.count() > 0 && time <= maxTime, "a time within its limit");
    expect((service.readiness == Readiness::socket) == !service.readySocket.empty(), "a socket if needed");
    expect(service.readySocket.size() <= maxSocketPath, "a path that fits into an address");
}

void run(std::string_view input) {
    const Variables variables{{"RUN", "/run/xen broker"}, {"EMPTY", ""}, {"ODD", "$ {RUN} \"'#"}};
    try {
        const Config config = parseConfig(input, "FILE", variables);
        std::ranges::for_each(config.services, checkService);
        checkOrder(config);
    } catch (const ConfigError& e) {
        expect(std::string_view(e.what()).starts_with("FILE:"), "an error names the file");
    }
}

const Target target("bootage_config", run);

} // namespace

} // namespace xb::fuzz
