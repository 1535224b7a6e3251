// SPDX-License-Identifier: Apache-2.0
// Sub-commands on domains as a whole: lists, life cycle, console.
#include "toolstack/console/console.hpp"
#include "toolstack/libs/files.hpp"
#include "toolstack/xenops/commands.hpp"
#include "toolstack/xenops/domain_table.hpp"
#include "toolstack/xenops/words.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace xb::xenops {

namespace {

using xen::DomainEvent;
using xen::ShutdownReason;
using xen::ShutdownRequest;

/// How long a guest has to acknowledge a request, and with -sync to stop after that.
constexpr std::uint64_t defaultWaitSeconds = 30;
constexpr std::uint64_t longestWaitSeconds = 86400;

// Nothing where the hypervisor has none to tell, or the domain went meanwhile.
Task<std::optional<xen::DomainDetails>> detailsOf(xen::Hypervisor& hypervisor, xen::DomId domid) {
    try {
        co_return co_await hypervisor.domainDetails(domid);
    } catch (const Error&) {
        co_return std::nullopt;
    }
}

Task<std::vector<DomainRow>> wantedRows(Context& context) {
    std::vector<xen::DomainInfo> wanted;
    if (context.arguments.has("domid")) {
        wanted.push_back(co_await theDomain(context));
        context.arguments.end();
    } else if (context.arguments.operands.empty()) {
        wanted = co_await context.hypervisor.domains();
    }
    while (!context.arguments.operands.empty())
        wanted.push_back(co_await theDomain(context));
    std::ranges::sort(wanted, {}, &xen::DomainInfo::domid);
    std::vector<DomainRow> rows;
    for (auto& info : wanted) {
        auto details = co_await detailsOf(context.hypervisor, info.domid);
        rows.push_back({std::move(info), std::move(details)});
    }
    co_return rows;
}

Task<> list(Context& context) {
    const auto rows = co_await wantedRows(context);
    if (context.arguments.has("json"))
        context.out += domainsJson(rows);
    else
        context.out += everydayTable(rows, context.arguments.has("label"));
}

Task<> listDomains(Context& context) {
    const auto rows = co_await wantedRows(context);
    context.out += classicTable(rows, context.arguments.has("v"));
}

// Seconds since the epoch at which the toolstack made the domain: /vm/UUID/start_time, "seconds.hundredths".
Task<std::optional<std::uint64_t>> startTime(xen::Hypervisor& hypervisor, std::string uuid) {
    const auto node = co_await hypervisor.store().read("/vm/" + uuid + "/start_time");
    if (!node)
        co_return std::nullopt;
    try {
        co_return numberWithin(node->substr(0, node->find('.')), "start_time", 0, ~std::uint64_t{0});
    } catch (const UsageError&) {
        co_return std::nullopt;
    }
}

std::uint64_t hostUptime() {
    const std::string text = readFile("/proc/uptime", 4096);
    return numberWithin(text.substr(0, text.find('.')), "uptime", 0, ~std::uint64_t{0});
}

Task<> uptime(Context& context) {
    const auto now = static_cast<std::uint64_t>(std::time(nullptr));
    std::vector<std::vector<std::string>> table{{fmt::format("{:<24}", "Name"), "ID", "Uptime"}};
    const auto rows = co_await wantedRows(context);
    for (const DomainRow& row : rows) {
        std::string text = "-";
        if (row.info.domid == 0) {
            text = durationText(hostUptime());
        } else {
            const auto start = co_await startTime(context.hypervisor, row.info.uuid);
            if (start)
                text = durationText(now - std::min(now, *start));
        }
        table.push_back({row.info.name, fmt::format("{}", row.info.domid), text});
    }
    context.out += alignedTable(table);
}

// Silent when there is no such domain, as scripts expect.
Task<> domUuid(Context& context) {
    const auto domid = context.arguments.number("domid", 0, domidLimit - 1);
    if (!domid) {
        const auto info = co_await theDomain(context);
        context.print("{}", info.uuid);
        co_return;
    }
    const auto info = co_await context.hypervisor.domain(static_cast<xen::DomId>(*domid));
    if (info)
        context.print("{}", info->uuid);
}

Task<> pauseDomain(Context& context) {
    const auto info = co_await theGuest(context);
    co_await context.hypervisor.pause(info.domid);
    context.print("paused domain: {}", info.domid);
}

Task<> unpauseDomain(Context& context) {
    const auto info = co_await theGuest(context);
    co_await context.hypervisor.unpause(info.domid);
    context.print("unpaused domain: {}", info.domid);
}

Task<> destroyDomain(Context& context) {
    const auto info = co_await theGuest(context);
    co_await context.hypervisor.destroy(info.domid);
}

struct ReasonFlag {
    std::string_view flag;
    ShutdownRequest request;
    ShutdownReason reason;
};
constexpr ReasonFlag reasonFlags[]{
    {"poweroff", ShutdownRequest::poweroff, ShutdownReason::poweroff},
    {"halt", ShutdownRequest::poweroff, ShutdownReason::poweroff},
    {"reboot", ShutdownRequest::reboot, ShutdownReason::reboot},
    {"suspend", ShutdownRequest::suspend, ShutdownReason::suspend},
};

const ReasonFlag& reasonOf(const Arguments& arguments) {
    const ReasonFlag* found = nullptr;
    for (const ReasonFlag& each : reasonFlags) {
        if (!arguments.has(each.flag))
            continue;
        if (found)
            throw UsageError(
                fmt::format("error: both -{} and -{} are given: say one", found->flag, each.flag));
        found = &each;
    }
    if (!found)
        throw UsageError("error: say one of -poweroff, -halt, -reboot and -suspend");
    return *found;
}

// How the domain ended, which it may have already; nothing when it has not within the limit.
Task<std::optional<DomainEvent>> endOf(xen::Hypervisor& hypervisor, xen::DomId domid,
                                       std::chrono::seconds limit) {
    const auto executor = co_await asio::this_coro::executor;
    const auto ended = std::make_shared<Event>(executor);
    const auto how = std::make_shared<std::optional<DomainEvent>>();
    const xen::Hypervisor::EventHandler handler = [ended, how](DomainEvent event) {
        if (!*how)
            *how = event;
        ended->set();
    };
    const auto watch = co_await hypervisor.watch(domid, handler);
    static_cast<void>(co_await ended->waitFor(limit));
    co_return *how;
}

Task<> shutdownDomain(Context& context) {
    const ReasonFlag& reason = reasonOf(context.arguments);
    const std::chrono::seconds limit(
        context.arguments.number("wait", 1, longestWaitSeconds).value_or(defaultWaitSeconds));
    const auto info = co_await theGuest(context);
    const bool acknowledged = co_await context.hypervisor.requestShutdown(info.domid, reason.request, limit);
    if (!acknowledged)
        throw Error(
            fmt::format("{} did not acknowledge the request within {} s: it has no PV driver, or does "
                        "not run; xenops hard_shutdown -{} stops it at once",
                        domainText(info), limit.count(), reason.flag));
    if (!context.arguments.has("sync"))
        co_return;
    const auto end = co_await endOf(context.hypervisor, info.domid, limit);
    if (!end)
        throw Error(fmt::format("{} acknowledged the request, but has not stopped after {} s",
                                domainText(info), limit.count()));
    if (end->kind == DomainEvent::Kind::death)
        context.print("domain {} is gone", info.domid);
    else
        context.print("domain {} has stopped: {}", info.domid, xen::toString(end->reason));
}

Task<> hardShutdown(Context& context) {
    const ReasonFlag& reason = reasonOf(context.arguments);
    const auto info = co_await theGuest(context);
    co_await context.hypervisor.forceShutdown(info.domid, reason.reason);
}

Task<> attach(Context& context) {
    const auto info = co_await theGuest(context);
    const auto tty = co_await context.hypervisor.consoleTty(info.domid);
    const std::string name = domainText(info);
    context.afterwards = [tty, name] { console::attachConsole(tty, name); };
}

Task<> sysrq(Context& context) {
    const auto info = co_await theGuest(context);
    const auto key =
        context.arguments.has("key") ? context.arguments.required("key") : context.arguments.take("KEY");
    if (key.size() != 1 || key[0] <= ' ' || key[0] > '~')
        throw notValid("key", "it is one character, such as s");
    co_await context.hypervisor.sendSysrq(info.domid, key[0]);
}

} // namespace

std::vector<SubCommand> domainCommands() {
    const Flag poweroff{"poweroff", "", "the guest powers off"};
    const Flag halt{"halt", "", "the same"};
    const Flag reboot{"reboot", "", "it reboots"};
    const Flag suspend{"suspend", "", "it suspends itself"};
    return {
        {"list",
         {"li"},
         "[DOMAIN...]",
         {domidFlag, {"json", "", "as JSON", "l"}, {"label", "", "with security labels", "Z"}},
         "the domains: name, number, memory, CPUs, state, CPU time",
         list},
        {"list_domains",
         {},
         "[DOMAIN...]",
         {domidFlag, {"v", "", "everything that Xen keeps of them"}},
         "the domains in the classic form",
         listDomains},
        {"uptime", {}, "[DOMAIN...]", {domidFlag}, "how long domains have been there", uptime},
        {"dom-uuid", {"getuuid_domain"}, "DOMAIN", {domidFlag}, "the domain's UUID", domUuid},
        {"pause_domain", {"pause"}, "DOMAIN", {domidFlag}, "stops its CPUs", pauseDomain},
        {"unpause_domain", {"unpause"}, "DOMAIN", {domidFlag}, "lets them go on", unpauseDomain},
        {"destroy_domain",
         {"destroy", "del"},
         "DOMAIN",
         {domidFlag},
         "takes it apart at once",
         destroyDomain},
        {"shutdown_domain",
         {"shutdown"},
         "DOMAIN",
         {domidFlag,
          poweroff,
          halt,
          reboot,
          suspend,
          {"sync", "", "wait until it has stopped"},
          {"wait", "SECONDS", "at most so long for either (30)"}},
         "asks the guest to stop",
         shutdownDomain},
        {"hard_shutdown_domain",
         {"hard_shutdown"},
         "DOMAIN",
         {domidFlag, poweroff, halt, reboot, suspend},
         "stops it at once, as if it had done so itself",
         hardShutdown},
        {"console", {}, "DOMAIN", {domidFlag}, "its console; ctrl-] leaves", attach},
        {"sysrq_domain",
         {"sysrq"},
         "DOMAIN [KEY]",
         {domidFlag, {"key", "C", "the key"}},
         "Linux's magic SysRq",
         sysrq},
    };
}

} // namespace xb::xenops
