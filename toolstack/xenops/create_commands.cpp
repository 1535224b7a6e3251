// SPDX-License-Identifier: Apache-2.0
// Sub-commands that make domains: create from a configuration file, and the classic two steps, which libxl
// does not have.
#include "toolstack/console/console.hpp"
#include "toolstack/xenops/commands.hpp"
#include "toolstack/xenops/guest_config.hpp"
#include "toolstack/xenops/guest_start.hpp"

namespace xb::xenops {

namespace {

Task<> create(Context& context) {
    const std::string file =
        context.arguments.has("file") ? context.arguments.required("file") : context.arguments.take("FILE");
    const auto config = co_await readGuestConfig(context, file);
    context.arguments.end();
    if (context.arguments.has("dryrun")) {
        context.out += describe(config);
        co_return;
    }
    const bool attach = context.arguments.has("console");
    UniqueFd none;
    const auto domid = co_await startGuest(context.hypervisor, config, std::move(none), false);
    if (attach) {
        // Before it runs, so that nothing of what it says is missed.
        const auto tty = co_await context.hypervisor.consoleTty(domid);
        const std::string name = config.domain.name;
        context.afterwards = [tty, name] { console::attachConsole(tty, name); };
    }
    if (!context.arguments.has("paused"))
        co_await context.hypervisor.unpause(domid);
    if (!context.arguments.has("quiet"))
        context.print("created domain: {}", domid);
}

[[noreturn]] void refuseSteps(std::string_view what) {
    throw Error(
        errors::notSupported,
        fmt::format(
            "{}: libxl makes and builds a domain in one step; write its configuration into a FILE and "
            "say xenops create FILE (-paused to leave it paused)",
            what));
}

Task<> createDomain(Context&) {
    refuseSteps("an empty domain cannot be made");
}
Task<> buildDomain(Context&) {
    refuseSteps("a domain that exists cannot be built");
}

} // namespace

std::vector<SubCommand> createCommands() {
    return {
        {"create",
         {},
         "FILE [KEY=VALUE...]",
         {{"file", "FILE", "as the operand", "f"},
          {"console", "", "attach to its console", "c"},
          {"paused", "", "leave it paused", "p"},
          {"dryrun", "", "only show what would be made", "n"},
          {"quiet", "", "do not print its number", "q"}},
         "makes a domain as a configuration file in the style of xl says, and starts it",
         create},
        {"create_domain", {"init"}, "", {{"hvm", "", ""}}, "not supported: see create", createDomain},
        {"build_domain", {"build"}, "", {domidFlag}, "not supported: see create", buildDomain},
        {"build_hvm", {"hvmbuild"}, "", {domidFlag}, "not supported: see create", buildDomain},
    };
}

} // namespace xb::xenops
