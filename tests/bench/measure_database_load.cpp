// SPDX-License-Identifier: Apache-2.0
// What clients wait for while dbd saves: a steady load of reads and some writes, with an echo between any two
// of them, which meets the same machine.
#include "database.hpp"

#include "database_text.hpp"
#include "tests/support/process_facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace xb::bench {

namespace {

constexpr std::chrono::microseconds period{5000}; // 200 calls/s of either kind
constexpr unsigned calls = 2400;                  // 12 s: several flushes
constexpr unsigned callsPerWrite = 10;
constexpr double longestGoalMs = 10;
constexpr double longUs = 10'000;
constexpr double againGoalMb = 32;

using Times = std::vector<double>;

/// The share of the whole time that went by in long waits, in percent.
double shareInLongWaits(const Times& times) {
    double sum = 0;
    for (const double time : times)
        sum += time > longUs ? time : 0;
    return 100 * sum / (static_cast<double>(times.size()) * static_cast<double>(period.count()));
}

/// Calls at their times; after a long wait the next comes at once.
void loadBoth(const DatabaseRun& run, Times& echo, Times& mine) {
    Client& client = run.database.client();
    const Call read = readAnywhere(), write = writeAnywhere(), peer = echoCall(bareEchoService);
    auto next = std::chrono::steady_clock::now();
    const auto pause = [&next] {
        next = std::max(next + period / 2, std::chrono::steady_clock::now());
        std::this_thread::sleep_until(next); // the load has a rate
    };
    for (unsigned i = 0; i < run.effort.times(calls); ++i) {
        client.oneByOne(i % callsPerWrite == 0 ? write : read, 1, mine);
        pause();
        client.oneByOne(peer, 1, echo);
        pause();
    }
}

} // namespace

void measureDatabaseLoad(const DatabaseRun& run) {
    Times echo, mine;
    run.database.client().call(databaseCall("inject", {"/bench/again", databaseJson()}));
    loadBoth(run, echo, mine);
    const auto longest = [](const Times& times) { return *std::ranges::max_element(times) / 1000; };
    run.report.add({"longest wait at 200 calls/s, 10 % writes", longest(mine), "ms", Goal{longestGoalMs},
                    fmt::format("p99 {:.2f} ms, echo {:.2f} ms", quantile(mine, 0.99) / 1000,
                                quantile(echo, 0.99) / 1000),
                    longest(echo)});
    run.report.add({"share of the time in waits over 10 ms", shareInLongWaits(mine), "%", Goal{0}, "",
                    shareInLongWaits(echo)});
    run.report.add({"resident memory, after an inject of the same",
                    test::memoryOf(run.database.dbd()).resident / 1024, "MB", Goal{againGoalMb}, "",
                    test::memoryOf(run.database.echo()).resident / 1024});
}

} // namespace xb::bench
