// SPDX-License-Identifier: Apache-2.0
// platform_bench: how fast and how lean the platform is, on a private bus and the emulated hypervisor, beside
// an echo service on the same bus in the same run. Speed never makes it fail: the status is 0 if everything
// worked, 1 if something did not.
#include "measure.hpp"
#include "toolstack/libs/files.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    CLI::App app("platform_bench: measures the platform on a private bus");
    xb::bench::ReportOptions options;
    std::vector<std::string> parts{"calls", "life"};
    options.addTo(app);
    app.add_option("parts", parts, "what to measure besides the start of the platform")
        ->check(CLI::IsMember({"calls", "life"}));
    CLI11_PARSE(app, argc, argv);
    try {
        xb::bench::Platform platform;
        xb::bench::Report report(options.format);
        const xb::bench::Measuring measuring{platform, report, options.effort};
        const auto many = platform.directory() / "many";
        xb::makeDirectories(many / "storage/isos");
        xb::writeFileAtomically(many / "kernel", "not a kernel");
        xb::bench::measureStart(measuring, many);
        for (const auto& part : parts)
            (part == "calls" ? xb::bench::measureCalls : xb::bench::measureLife)(measuring);
        platform.stop();
    } catch (const std::exception& e) {
        std::fprintf(stderr, "platform_bench: %s\n", e.what());
        return 1;
    }
    return 0;
}
