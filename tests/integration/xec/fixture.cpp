// SPDX-License-Identifier: Apache-2.0
#include "fixture.hpp"

#include <cstdlib>
#include <filesystem>

namespace xb::test {

void PrintTo(const Result& result, std::ostream* stream) {
    *stream << "status " << result.status << "\nstdout: " << result.out << "\nstderr: " << result.err;
}

void ToolTest::TearDown() {
    never.set();
    loop.context().restart();
    loop.context().poll();
}

Command ToolTest::command(const std::string& program, const Words& words) const {
    Command command;
    command.arguments = Words{program};
    command.arguments.insert(command.arguments.end(), words.begin(), words.end());
    const auto directory = std::filesystem::path(XEC_PROGRAM).parent_path().string();
    const char* path = std::getenv("PATH");
    command.environment = {{"XENBROKER_BUS", daemon.address()},
                           {"PATH", directory + ":" + (path ? path : "/usr/bin:/bin")},
                           {"LC_ALL", "C"}};
    command.signalWhenParentDies = SIGKILL;
    return command;
}

Result ToolTest::run(Command command) {
    Output output = await(runCommand(std::move(command)));
    return Result{output.status.code.value_or(-1), output.standardOutput, output.standardError};
}

Result ToolTest::run(const std::string& program, const Words& words) {
    return run(command(program, words));
}

Result ToolTest::shell(const std::string& script) {
    return run(command("/bin/bash", {"--norc", "-c", script}));
}

} // namespace xb::test
