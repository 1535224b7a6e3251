// SPDX-License-Identifier: Apache-2.0
// dbd_bench: how fast and how lean dbd is with a database of 200 VMs of 300 keys, beside an echo service that
// is nothing but sd-bus, on the same private bus in turns. Speed never makes it fail: the status is 0 if
// everything worked, 1 if something did not.
#include "database.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    CLI::App app("dbd_bench: measures dbd beside an echo service");
    xb::bench::ReportOptions options;
    options.addTo(app);
    std::vector<std::string> parts{"calls", "load", "siblings"};
    app.add_option("parts", parts, "what to measure besides the start of dbd")
        ->check(CLI::IsMember({"calls", "load", "siblings"}));
    CLI11_PARSE(app, argc, argv);
    try {
        xb::bench::Database database;
        xb::bench::Report report(options.format);
        const xb::bench::DatabaseRun run{database, report, options.effort};
        xb::bench::measureDatabaseStart(run);
        for (const auto& part : parts)
            (part == "calls"  ? xb::bench::measureDatabaseCalls
             : part == "load" ? xb::bench::measureDatabaseLoad
                              : xb::bench::measureSiblings)(run);
        database.stop();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "dbd_bench: %s\n", e.what());
        return 1;
    }
    return 0;
}
