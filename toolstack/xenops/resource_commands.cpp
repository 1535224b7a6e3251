// SPDX-License-Identifier: Apache-2.0
// Sub-commands on a domain's memory, CPUs and share of them.
#include "toolstack/xenops/commands.hpp"
#include "toolstack/xenops/domain_table.hpp"
#include "toolstack/xenops/words.hpp"

namespace xb::xenops {

namespace {

constexpr std::uint64_t kibPerMib = 1024;
/// A guest with less does not live (the classic limit of balloon, in MiB).
constexpr std::uint64_t leastBalloonMib = 16;
/// What the control domain keeps unless told otherwise (dom0-min-mem of the classic toolstack).
constexpr auto leastControlMib = "196";
constexpr std::uint64_t highestWeight = 65535;
constexpr std::uint64_t highestCap = 65535;

// The flag, or else the next operand.
std::string flagOrOperand(Context& context, std::string_view flag, std::string_view operand) {
    return context.arguments.has(flag) ? context.arguments.required(flag) : context.arguments.take(operand);
}

// ---- memory

Task<> memSet(Context& context) {
    const auto info = co_await theDomain(context);
    const auto kib = parseMemory(flagOrOperand(context, "memory", "MEMORY"), "memory", kibPerMib);
    if (kib <= leastBalloonMib * kibPerMib)
        throw notValid("memory", fmt::format("it must be more than {} MiB", leastBalloonMib));
    const auto least = parseMemory(context.arguments.text("dom0-min-mem").value_or(leastControlMib),
                                   "dom0-min-mem", kibPerMib);
    if (info.domid == 0 && kib < least)
        throw notValid("memory", fmt::format("domain 0 keeps at least {} MiB; -dom0-min-mem says how much",
                                             least / kibPerMib));
    co_await context.hypervisor.setMemoryTarget(info.domid, kib);
}

Task<> setMaxMem(Context& context) {
    const auto info = co_await theDomain(context);
    const auto kib = parseMemory(flagOrOperand(context, "memory", "MEMORY"), "memory", 1);
    co_await context.hypervisor.setMaxMemory(info.domid, kib);
}

// ---- virtual CPUs

std::string vcpuState(const xen::VcpuInfo& vcpu) {
    if (!vcpu.online)
        return "--p";
    return fmt::format("{}{}-", vcpu.running ? 'r' : '-', vcpu.blocked ? 'b' : '-');
}

Task<> vcpuList(Context& context) {
    std::vector<xen::DomainInfo> domains;
    if (context.arguments.operands.empty() && !context.arguments.has("domid"))
        domains = co_await context.hypervisor.domains();
    else
        domains.push_back(co_await theDomain(context));
    std::vector<std::vector<std::string>> table{
        {fmt::format("{:<24}", "Name"), "ID", "VCPU", "CPU", "State", "Time(s)", "Affinity(Hard/Soft)"}};
    for (const auto& info : domains) {
        const auto vcpus = co_await context.hypervisor.vcpus(info.domid);
        for (const xen::VcpuInfo& vcpu : vcpus) {
            const auto tenths = vcpu.timeNs / 100'000'000;
            table.push_back({info.name, fmt::format("{}", info.domid), fmt::format("{}", vcpu.number),
                             vcpu.online ? fmt::format("{}", vcpu.cpu) : "-", vcpuState(vcpu),
                             fmt::format("{}.{}", tenths / 10, tenths % 10),
                             cpusText(vcpu.hardAffinity) + " / " + cpusText(vcpu.softAffinity)});
        }
    }
    context.out += alignedTable(table);
}

Task<> vcpuSet(Context& context) {
    const auto info = co_await theDomain(context);
    const auto count = numberWithin(flagOrOperand(context, "vcpus", "COUNT"), "vcpus", 1, cpuLimit);
    co_await context.hypervisor.setOnlineVcpus(info.domid, static_cast<unsigned>(count));
}

// "-" leaves an affinity as it is.
std::optional<std::vector<unsigned>> affinity(const std::string& word, std::string_view argument) {
    if (word == "-")
        return std::nullopt;
    return parseCpus(word, argument);
}

Task<> vcpuPin(Context& context) {
    const auto info = co_await theDomain(context);
    const std::string which = context.arguments.take("VCPU");
    const auto hard = affinity(context.arguments.take("CPUS"), "CPUS");
    const auto softWord = context.arguments.takeIfThere().value_or("-");
    const auto soft = affinity(softWord, "SOFT-CPUS");
    unsigned first = 0;
    unsigned end = info.vcpus;
    if (which != "all") {
        first = static_cast<unsigned>(numberWithin(which, "VCPU", 0, cpuLimit - 1));
        end = first + 1;
    }
    for (unsigned vcpu = first; vcpu < end; ++vcpu)
        co_await context.hypervisor.setAffinity(info.domid, vcpu, hard, soft);
}

Task<> affinitySet(Context& context) {
    const auto vcpu = context.arguments.requiredNumber("vcpu", 0, cpuLimit - 1);
    const std::optional<std::vector<unsigned>> hard =
        parseCpuBitmap(context.arguments.required("bitmap"), "bitmap");
    const std::optional<std::vector<unsigned>> soft;
    const auto info = co_await theDomain(context);
    co_await context.hypervisor.setAffinity(info.domid, static_cast<unsigned>(vcpu), hard, soft);
}

Task<> affinityGet(Context& context) {
    const auto number = context.arguments.requiredNumber("vcpu", 0, cpuLimit - 1);
    const auto info = co_await theDomain(context);
    const auto host = co_await context.hypervisor.hostInfo();
    const auto vcpus = co_await context.hypervisor.vcpus(info.domid);
    for (const xen::VcpuInfo& vcpu : vcpus) {
        if (vcpu.number == number) {
            context.print("{}", cpuBitmapText(vcpu.hardAffinity, host.cpus));
            co_return;
        }
    }
    throw notValid("vcpu", fmt::format("{} has {} of them", domainText(info), vcpus.size()));
}

// ---- scheduling

bool change(xen::SchedulerParameters& parameters, const Arguments& arguments) {
    const auto weight = arguments.number("weight", 1, highestWeight);
    const auto cap = arguments.number("cap", 0, highestCap);
    if (weight)
        parameters.weight = static_cast<std::uint16_t>(*weight);
    if (cap)
        parameters.cap = static_cast<std::uint16_t>(*cap);
    return weight || cap;
}

Task<> schedSet(Context& context) {
    const auto info = co_await theDomain(context);
    auto parameters = co_await context.hypervisor.schedulerParameters(info.domid);
    if (!change(parameters, context.arguments))
        throw UsageError("error: say -weight, -cap or both");
    co_await context.hypervisor.setSchedulerParameters(info.domid, parameters);
}

Task<> schedGet(Context& context) {
    const auto info = co_await theDomain(context);
    const auto parameters = co_await context.hypervisor.schedulerParameters(info.domid);
    context.print("{} {}", parameters.weight, parameters.cap);
}

Task<> schedCredit(Context& context) {
    std::vector<xen::DomainInfo> domains;
    if (const auto word = context.arguments.text("domain"))
        context.arguments.operands.insert(context.arguments.operands.begin(), *word);
    if (context.arguments.operands.empty() && !context.arguments.has("domid"))
        domains = co_await context.hypervisor.domains();
    else
        domains.push_back(co_await theDomain(context));
    const bool oneNamed = domains.size() == 1;
    std::vector<std::vector<std::string>> table{{fmt::format("{:<24}", "Name"), "ID", "Weight", "Cap"}};
    for (const auto& info : domains) {
        auto parameters = co_await context.hypervisor.schedulerParameters(info.domid);
        if (change(parameters, context.arguments)) {
            if (!oneNamed)
                throw UsageError("error: say whose weight and cap are meant with -d DOMAIN");
            co_await context.hypervisor.setSchedulerParameters(info.domid, parameters);
            co_return;
        }
        table.push_back({info.name, fmt::format("{}", info.domid), fmt::format("{}", parameters.weight),
                         fmt::format("{}", parameters.cap)});
    }
    context.out += alignedTable(table);
}

} // namespace

std::vector<SubCommand> resourceCommands() {
    const Flag weight{"weight", "N", "its share, 1 to 65535; twice as much is twice the time", "w"};
    const Flag cap{"cap", "N", "at most so many hundredths of a CPU; 0: no limit", "c"};
    const Flag vcpu{"vcpu", "N", "the virtual CPU"};
    return {
        {"balloon",
         {"mem-set"},
         "DOMAIN [MEMORY]",
         {domidFlag,
          {"memory", "MIB", "or with one of the letters k, m, g, t"},
          {"dom0-min-mem", "MIB", "what domain 0 must keep [196]"}},
         "asks the guest to come to so much memory",
         memSet},
        {"setmaxmem",
         {"mem-max"},
         "DOMAIN [MEMORY]",
         {domidFlag, {"memory", "KIB", "or with one of the letters k, m, g, t"}},
         "what it may have at most",
         setMaxMem},
        {"vcpu-list", {}, "[DOMAIN]", {domidFlag}, "virtual CPUs and where they run", vcpuList},
        {"vcpu-set",
         {},
         "DOMAIN [COUNT]",
         {domidFlag, {"vcpus", "N", "so many of them"}},
         "how many are online",
         vcpuSet},
        {"vcpu-pin",
         {},
         "DOMAIN VCPU|all CPUS [SOFT-CPUS]",
         {domidFlag},
         "where they may run and should run: all, 0-3,^2, or - for no change",
         vcpuPin},
        {"affinity_set",
         {},
         "DOMAIN",
         {domidFlag, vcpu, {"bitmap", "0101", "character i is CPU i"}},
         "where a virtual CPU may run",
         affinitySet},
        {"affinity_get", {}, "DOMAIN", {domidFlag, vcpu}, "prints that bitmap", affinityGet},
        {"sched-credit",
         {"sched-credit2"},
         "[DOMAIN]",
         {domidFlag, {"domain", "DOMAIN", "as the operand", "d"}, weight, cap},
         "shows or sets weight and cap",
         schedCredit},
        {"sched_domain", {}, "DOMAIN", {domidFlag, weight, cap}, "sets weight, cap or both", schedSet},
        {"sched_get", {}, "DOMAIN", {domidFlag}, "prints weight and cap", schedGet},
    };
}

} // namespace xb::xenops
