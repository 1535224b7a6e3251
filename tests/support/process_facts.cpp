// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process_facts.hpp"

#include "toolstack/libs/error.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace xb::test {

namespace {

std::filesystem::path procOf(pid_t pid) {
    return "/proc/" + std::to_string(pid);
}

std::string contentOf(const std::filesystem::path& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    if (!file || text.str().empty())
        throw Error("cannot read " + path.string() + ": did the process end?");
    return text.str();
}

// The number behind `key` at the start of a line.
std::int64_t valueOf(const std::string& text, const std::string& key) {
    const std::size_t at = ("\n" + text).find("\n" + key + ":");
    if (at == std::string::npos)
        throw Error("the kernel does not tell " + key);
    return std::stoll(text.substr(at + key.size() + 1));
}

} // namespace

Memory memoryOf(pid_t pid) {
    const std::string text = contentOf(procOf(pid) / "smaps_rollup");
    auto kib = [&text](const char* key) { return static_cast<double>(valueOf(text, key)); };
    return {kib("Rss"), kib("Pss"), kib("Private_Dirty"), kib("Anonymous")};
}

double processorTimeOf(pid_t pid) {
    double nanoseconds = 0;
    for (const auto& task : std::filesystem::directory_iterator(procOf(pid) / "task"))
        nanoseconds += std::stod(contentOf(task.path() / "schedstat"));
    return nanoseconds / 1000;
}

Switches switchesOf(pid_t pid) {
    Switches sum;
    for (const auto& task : std::filesystem::directory_iterator(procOf(pid) / "task")) {
        const std::string text = contentOf(task.path() / "status");
        sum.voluntary += valueOf(text, "voluntary_ctxt_switches");
        sum.involuntary += valueOf(text, "nonvoluntary_ctxt_switches");
    }
    return sum;
}

} // namespace xb::test
