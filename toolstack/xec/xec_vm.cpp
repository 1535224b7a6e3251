// SPDX-License-Identifier: Apache-2.0
// xec-vm(1): one VM of xenmgr, found by name, uuid, domid or path; or the table of all.
#include "toolstack/console/console.hpp"
#include "toolstack/xec/command.hpp"
#include "toolstack/xec/program.hpp"
#include "toolstack/xec/value_printer.hpp"
#include "toolstack/xec/vm_wait.hpp"
#include "toolstack/xec/vms.hpp"

namespace xb::xec {

namespace {

constexpr auto program = "xec-vm";

// `start --wait`: the methods that --wait is for take no arguments, so the word cannot be meant for them.
void takeTrailingWait(VmOptions& options) {
    const Words& words = options.positional;
    if (words.size() != 2 || !canWaitFor(words[0]) ||
        (words[1] != "--wait" && !words[1].starts_with("--wait=")))
        return;
    const VmOptions trailing = parseVmOptions(Words{words[1]});
    if (!options.wait)
        options.wait = trailing.wait;
    options.positional.pop_back();
}

bool wantsConsole(const VmOptions& options) {
    return options.positional == Words{"console"} && !options.disk && !options.nic && !options.get &&
           !options.set && !options.listInterfaces && !options.listMethods && !options.listProperties &&
           !options.listDisks && !options.listNics;
}

VmOptions parseAndCheck(const Words& words) {
    VmOptions options = parseVmOptions(words);
    takeTrailingWait(options);
    const bool nothingToCheck = options.help || options.version || options.completionNames;
    if (!nothingToCheck && !options.hasSelector() && options.hasAction())
        throw UsageError("which VM? Give its --name, --uuid, --domid or --path");
    return options;
}

Task<std::string> actOnVm(Client& client, VmOptions options) {
    const std::string path = co_await selectObject(client, options);
    if (options.listDisks || options.listNics) {
        const std::string method = options.listDisks ? "list_disks" : "list_nics";
        Words none;
        co_return co_await callMethod(client, options.common(), path, method, std::move(none));
    }
    if (options.wait)
        co_return co_await callAndWait(client, options, path);
    co_return co_await runCommand(client, options.common(), path);
}

Task<std::string> findConsole(Client& client, VmOptions options, std::string& pty) {
    const std::string path = co_await selectObject(client, options);
    std::vector<Value> none;
    const auto reply = co_await client.call(path, "org.xenbroker.vm", "get_console", std::move(none));
    if (reply.size() != 1 || reply[0].type != "s")
        throw Error("get_console answered with values of another type than its interface says");
    pty = printValue(reply[0]);
    co_return "";
}

int console(const VmOptions& options) {
    std::string pty;
    const int found =
        runOnBus(program, options, [&](Client& client) { return findConsole(client, options, pty); });
    if (found != exitOk)
        return found;
    try {
        const auto& name = options.name ? options.name : options.uuid ? options.uuid : options.object;
        console::attachConsole(pty, name.value_or("the VM"));
        return exitOk;
    } catch (const std::exception& e) {
        return complain(program, e.what(), exitRefused);
    }
}

} // namespace

int runXecVm(const Words& words) {
    VmOptions options;
    try {
        options = parseAndCheck(words);
    } catch (const UsageError& e) {
        return complain(program, std::string(e.what()) + "; see xec-vm --help", exitBadUsage);
    }
    if (options.help)
        return print(program, std::string(xecVmHelp));
    if (options.version)
        return print(program, "xec-vm " XENBROKER_VERSION "\n");
    if (options.completionNames)
        return runOnBus(program, options, [](Client& client) { return listNames(client); });
    if (!options.query)
        logCall(words);
    if (!options.hasSelector())
        return runOnBus(program, options, [&](Client& client) { return showTable(client, options); });
    if (wantsConsole(options))
        return console(options);
    return runOnBus(program, options, [&](Client& client) { return actOnVm(client, options); });
}

} // namespace xb::xec
