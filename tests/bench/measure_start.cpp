// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"

#include "tests/support/process_facts.hpp"
#include "toolstack/libs/error.hpp"
#include "vm_files.hpp"

#include <fmt/format.h>

namespace xb::bench {

namespace {

constexpr unsigned starts = 7;
constexpr double emptyGoalMs = 300;
constexpr double manyGoalMs = 600;

// The last start is left running.
Row startsOn(const Measuring& m, const std::string& name, const std::filesystem::path& root, double goal) {
    std::vector<double> times, dbdTimes, xenmgrTimes;
    for (unsigned i = 0; i < m.times(starts); ++i) {
        m.platform.stop();
        times.push_back(m.platform.start(root));
        dbdTimes.push_back(test::processorTimeOf(m.platform.dbd()) / 1000);
        xenmgrTimes.push_back(test::processorTimeOf(m.platform.xenmgr()) / 1000);
    }
    return {name, median(times), "ms", Goal{goal},
            fmt::format("CPU: dbd {:.0f} ms, xenmgr {:.0f} ms", median(dbdTimes), median(xenmgrTimes))};
}

void expectVms(const Measuring& m, std::size_t count) {
    const std::size_t got = m.platform.client().objectPaths(listVms()).size();
    if (got != count)
        throw Error(fmt::format("xenmgr lists {} VMs, not {}", got, count));
}

} // namespace

void measureStart(const Measuring& m, const std::filesystem::path& many) {
    m.report.add(startsOn(m, "platform up, empty database", m.platform.directory() / "empty", emptyGoalMs));
    expectVms(m, 0);
    writeVmFiles(many / "config", manyVms);
    m.report.add(startsOn(m, fmt::format("platform up, {} VMs", manyVms), many, manyGoalMs));
    expectVms(m, manyVms);
}

} // namespace xb::bench
