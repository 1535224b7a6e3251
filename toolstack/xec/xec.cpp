// SPDX-License-Identifier: Apache-2.0
// xec(1): one object of any service.
#include "toolstack/xec/command.hpp"
#include "toolstack/xec/program.hpp"

namespace xb::xec {

namespace {
constexpr auto program = "xec";
}

int runXec(const Words& words) {
    Options options;
    try {
        options = parseXecOptions(words);
    } catch (const UsageError& e) {
        return complain(program, std::string(e.what()) + "; see xec --help", exitBadUsage);
    }
    if (options.help)
        return print(program, std::string(xecHelp));
    if (options.version)
        return print(program, "xec " XENBROKER_VERSION "\n");
    if (!options.query)
        logCall(words);
    return runOnBus(program, options, [&](Client& client) {
        return runCommand(client, options, options.object.value_or("/"));
    });
}

} // namespace xb::xec
