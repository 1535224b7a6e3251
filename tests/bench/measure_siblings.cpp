// SPDX-License-Identifier: Apache-2.0
// Whether it matters how many neighbours a node has.
#include "database.hpp"

#include "database_text.hpp"

#include <systemd/sd-bus.h>

#include <fmt/format.h>

#include <random>

namespace xb::bench {

namespace {

constexpr unsigned blocks = 100;
constexpr unsigned callsPerBlock = 20;
constexpr unsigned few = 10;
constexpr unsigned many = 100'000;
// "The same" in figures of a shared machine.
constexpr double sameGoal = 1.15;

using Times = std::vector<double>;

/// Calls a method on the members of a siblingsJson() of `count`.
Call amongSiblings(const std::string& method, const std::string& node, unsigned count) {
    auto random = std::make_shared<std::minstd_rand>(13);
    const bool hasValue = method == "write";
    return {databaseService, "/", databaseService, method, [=](sd_bus_message* message) {
                const auto path = fmt::format("{}/n{}", node, (*random)() % count);
                sd_bus_message_append(message, "s", path.c_str());
                if (hasValue)
                    sd_bus_message_append(message, "s", fmt::format("value {:08x}", (*random)()).c_str());
            }};
}

void compareSiblings(const DatabaseRun& run, const std::string& name,
                     const std::vector<std::string>& methods) {
    Client& client = run.database.client();
    Times echo, amongFew, amongMany;
    for (unsigned i = 0; i < run.effort.times(blocks); ++i) {
        client.oneByOne(echoCall(bareEchoService), callsPerBlock, echo);
        for (const std::string& method : methods)
            client.oneByOne(amongSiblings(method, "/bench/few", few), callsPerBlock, amongFew);
        for (const std::string& method : methods)
            client.oneByOne(amongSiblings(method, "/bench/many", many), callsPerBlock, amongMany);
    }
    run.report.add({fmt::format("{} among {} siblings, p50", name, few), median(amongFew), "us", std::nullopt,
                    "", median(echo)});
    run.report.add({fmt::format("{} among {} siblings, p50", name, many), median(amongMany), "us",
                    Goal{sameGoal * median(amongFew)}, fmt::format("as among {}", few), median(echo)});
}

} // namespace

void measureSiblings(const DatabaseRun& run) {
    Client& client = run.database.client();
    client.call(databaseCall("inject", {"/bench/few", siblingsJson(few)}));
    client.call(databaseCall("inject", {"/bench/many", siblingsJson(many)}));
    compareSiblings(run, "read", {"read"});
    compareSiblings(run, "write", {"write"});
    compareSiblings(run, "rm and write", {"rm", "write"});
}

} // namespace xb::bench
