// SPDX-License-Identifier: Apache-2.0
// Each kind of call beside echo, in turns, a few of either at a time, so that what else the machine does
// meets both.
#include "database.hpp"

#include "database_text.hpp"
#include "tests/support/process_facts.hpp"
#include "toolstack/libs/error.hpp"

#include <fmt/format.h>

namespace xb::bench {

namespace {

constexpr unsigned rounds = 15;
constexpr unsigned callsInFlight = 3000;
constexpr unsigned window = 64;
constexpr unsigned blocks = 150;
constexpr unsigned callsPerBlock = 20;
constexpr unsigned largeCalls = 15;
constexpr unsigned listed = 1000;
constexpr std::size_t leastDump = 1'500'000;

using Times = std::vector<double>;

void compareInFlight(const DatabaseRun& run, const std::string& name, const Call& call, Goal goal,
                     std::optional<Goal> processorGoal) {
    Client& client = run.database.client();
    Times echoRates, rates, shares, processor, echoProcessor;
    const unsigned count = run.effort.times(callsInFlight);
    for (unsigned i = 0; i < rounds; ++i) {
        const double echoBefore = test::processorTimeOf(run.database.echo());
        echoRates.push_back(client.inFlight(echoCall(bareEchoService), window, count));
        echoProcessor.push_back((test::processorTimeOf(run.database.echo()) - echoBefore) / count);
        const double before = test::processorTimeOf(run.database.dbd());
        rates.push_back(client.inFlight(call, window, count));
        processor.push_back((test::processorTimeOf(run.database.dbd()) - before) / count);
        shares.push_back(rates.back() / echoRates.back());
    }
    run.report.add({name + ", 64 in flight", median(rates), "calls/s", goal,
                    fmt::format("{:.0f} % of echo, median of {} pairs", 100 * median(shares), rounds),
                    median(echoRates)});
    run.report.add({name + ", CPU each", median(processor), "us", processorGoal, "", median(echoProcessor)});
}

void compareSync(const DatabaseRun& run, const std::string& name, const Call& call) {
    Times echo, mine;
    for (unsigned i = 0; i < run.effort.times(blocks); ++i) {
        run.database.client().oneByOne(echoCall(bareEchoService), callsPerBlock, echo);
        run.database.client().oneByOne(call, callsPerBlock, mine);
    }
    run.report.add({name + ", one by one, p50", median(mine), "us", std::nullopt, "", median(echo)});
    run.report.add({name + ", one by one, p99", quantile(mine, 0.99), "us",
                    Goal{1.5, Goal::Sense::atMost, true}, "", quantile(echo, 0.99)});
}

void measureList(const DatabaseRun& run) {
    constexpr double goalUs = 150;
    Client& client = run.database.client();
    client.call(databaseCall("inject", {"/bench/list", siblingsJson(listed)}));
    Times echo, mine;
    for (unsigned i = 0; i < run.effort.times(blocks) / 5 + 1; ++i) {
        client.oneByOne(echoCall(bareEchoService), callsPerBlock, echo);
        client.oneByOne(databaseCall("list", {"/bench/list"}), callsPerBlock, mine);
    }
    run.report.add({fmt::format("list of {} children, p50", listed), median(mine), "us", Goal{goalUs}, "",
                    median(echo)});
}

/// One call that carries the whole database against an echo of that text, which carries it there and back.
void compareLarge(const DatabaseRun& run, const std::string& name, const Call& call, const std::string& text,
                  double goalMs) {
    Client& client = run.database.client();
    const Call echoed = echoCall(bareEchoService, text);
    Times echo, mine;
    const double before = test::processorTimeOf(run.database.dbd());
    for (unsigned i = 0; i < run.effort.times(largeCalls); ++i) {
        client.oneByOne(echoed, 1, echo);
        client.oneByOne(call, 1, mine);
    }
    const double processor = (test::processorTimeOf(run.database.dbd()) - before) / 1000;
    run.report.add({name, median(mine) / 1000, "ms", Goal{goalMs},
                    fmt::format("{:.2f} MB, CPU {:.1f} ms", static_cast<double>(text.size()) / 1e6,
                                processor / static_cast<double>(mine.size())),
                    median(echo) / 1000});
}

} // namespace

void measureDatabaseCalls(const DatabaseRun& run) {
    constexpr double readProcessorUs = 12;
    constexpr double dumpGoalMs = 10;
    constexpr double injectGoalMs = 25;
    compareInFlight(run, "read", readAnywhere(), Goal{0.9, Goal::Sense::atLeast, true},
                    Goal{readProcessorUs});
    compareInFlight(run, "write", writeAnywhere(), Goal{0.8, Goal::Sense::atLeast, true}, std::nullopt);
    compareSync(run, "read", readAnywhere());
    const Call dump = databaseCall("dump", {"/"});
    const std::string everything = run.database.client().text(dump);
    if (everything.size() < leastDump)
        throw Error(fmt::format("dump has only {} bytes", everything.size()));
    compareLarge(run, "dump of everything", dump, everything, dumpGoalMs);
    const std::string json = databaseJson();
    compareLarge(run, fmt::format("inject of {} x {}", databaseVms, databaseKeys),
                 databaseCall("inject", {"/bench/again", json}), json, injectGoalMs);
    measureList(run);
}

} // namespace xb::bench
