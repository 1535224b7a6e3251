// SPDX-License-Identifier: Apache-2.0
#include "programs.hpp"

#include "toolstack/libs/error.hpp"

#include <csignal>

namespace xb::bench {

Call echoCall(const char* service, std::string text) {
    return {service, "/", "org.xenbroker.bench", "echo", strings({std::move(text)})};
}

Call databaseCall(const std::string& member, std::vector<std::string> arguments) {
    return {databaseService, "/", databaseService, member, strings(std::move(arguments))};
}

std::unique_ptr<test::Process> launch(const std::filesystem::path& directory, const std::string& name,
                                      std::vector<std::string> arguments, bool waitReady) {
    auto process = std::make_unique<test::Process>(directory, name, std::move(arguments));
    if (waitReady && !process->waitReady())
        throw Error(name + " does not start: " + process->messages());
    return process;
}

void end(std::unique_ptr<test::Process>& process) {
    process->signal(SIGTERM);
    const auto status = process->waitEnd();
    const std::string messages = process->messages();
    process.reset();
    if (status != 0)
        throw Error("a daemon did not end well: " + messages);
}

} // namespace xb::bench
