// SPDX-License-Identifier: Apache-2.0
// Sub-commands on the host and Xen itself, and rights of domains to the host's hardware.
#include "toolstack/xenops/commands.hpp"
#include "toolstack/xenops/domain_table.hpp"
#include "toolstack/xenops/words.hpp"

namespace xb::xenops {

namespace {

using xen::HostResource;

constexpr std::uint64_t pageSize = 4096;
constexpr std::uint64_t portEnd = 65536;
constexpr std::uint64_t highestIrq = 255;
constexpr std::uint64_t addressEnd = std::uint64_t{1} << 52;
constexpr std::uint64_t watchdogSlots = 2; // NR_DOMAIN_WATCHDOG_TIMERS of Xen
constexpr std::uint64_t longestWatchdog = 86400;

std::string pagesText(std::uint64_t pages) {
    return fmt::format("{} ({} MB)", pages, pages * pageSize / (1024 * 1024));
}

Task<> physinfo(Context& context) {
    const auto host = co_await context.hypervisor.hostInfo();
    std::optional<xen::HostDetails> details;
    try {
        details = co_await context.hypervisor.hostDetails();
    } catch (const Error& e) {
        if (e.name() != errors::notSupported)
            throw;
    }
    context.print("xen_version = {}", host.version);
    context.print("nr_cpus = {}", host.cpus);
    if (details) {
        context.print("threads_per_core = {}", details->threadsPerCore);
        context.print("cores_per_socket = {}", details->coresPerSocket);
        context.print("cpu_khz = {}", details->cpuKhz);
        context.print("total_pages = {}", pagesText(details->totalPages));
        context.print("free_pages = {}", pagesText(details->freePages));
        context.print("scrub_pages = {}", pagesText(details->scrubPages));
    } else {
        context.print("total_pages = {}", pagesText(host.totalMemoryKib * 1024 / pageSize));
        context.print("free_pages = {}", pagesText(host.freeMemoryKib * 1024 / pageSize));
    }
    context.print("capabilities ={}{}", host.hvm ? " hvm" : "", host.directIo ? " directio" : "");
    context.print("xen_caps = {}", host.capabilities);
}

Task<> pcpuinfo(Context& context) {
    const auto details = co_await context.hypervisor.hostDetails();
    for (std::size_t cpu = 0; cpu < details.idleNs.size(); ++cpu)
        context.print("cpu {} idle = {} ns", cpu, details.idleNs[cpu]);
}

Task<> capabilities(Context& context) {
    const auto host = co_await context.hypervisor.hostInfo();
    context.print("{}", host.capabilities);
}

Task<> dmesg(Context& context) {
    context.out += co_await context.hypervisor.consoleRing();
}

Task<> debugkeys(Context& context) {
    std::string keys = context.arguments.take("KEYS");
    while (auto more = context.arguments.takeIfThere())
        keys += *more;
    co_await context.hypervisor.sendDebugKeys(keys);
}

Task<> getenforce(Context& context) {
    const bool enforces = co_await context.hypervisor.flaskEnforces();
    context.print("{}", enforces ? "Enforcing" : "Permissive");
}

Task<> setenforce(Context& context) {
    const auto value = context.arguments.has("enforce")
                           ? context.arguments.requiredNumber("enforce", 0, 1)
                           : numberWithin(context.arguments.take("0|1"), "enforce", 0, 1);
    co_await context.hypervisor.setFlaskEnforces(value == 1);
}

Task<> watchdog(Context& context) {
    const auto slot = context.arguments.number("slot", 0, watchdogSlots).value_or(0);
    const auto seconds = context.arguments.requiredNumber("timeout", 0, longestWatchdog);
    const unsigned taken =
        co_await context.hypervisor.setWatchdog(static_cast<unsigned>(slot), static_cast<unsigned>(seconds));
    context.print("{}", taken);
}

Task<> setTarget(Context& context) {
    const auto stubdom = co_await theGuest(context);
    const auto word = context.arguments.has("target") ? context.arguments.required("target")
                                                      : context.arguments.take("TARGET");
    const auto target = co_await findByWord(context.hypervisor, word);
    if (target.domid == 0 || target.domid == stubdom.domid)
        throw notValid("target", "it is another guest than the stub domain");
    co_await context.hypervisor.setTarget(stubdom.domid, target.domid);
}

// [start, end), each a multiple of `unit`.
HostResource range(const Arguments& arguments, HostResource::Kind kind, std::uint64_t unit,
                   std::uint64_t end) {
    const auto first = arguments.requiredNumber("start", 0, end - 1);
    const auto last = arguments.requiredNumber("end", 1, end);
    if (last <= first)
        throw notValid("end", "the range ends before it begins: -end is the first that is not meant");
    if (first % unit != 0 || last % unit != 0)
        throw notValid("start", fmt::format("start and end are multiples of {}", unit));
    return {kind, first / unit, (last - first) / unit};
}

Task<> permitRange(Context& context, HostResource::Kind kind, std::uint64_t unit, std::uint64_t end,
                   bool allowed) {
    const HostResource resource = range(context.arguments, kind, unit, end);
    const auto info = co_await theGuest(context);
    co_await context.hypervisor.permit(info.domid, resource, allowed);
}

Task<> addIoport(Context& context) {
    return permitRange(context, HostResource::Kind::ports, 1, portEnd, true);
}
Task<> delIoport(Context& context) {
    return permitRange(context, HostResource::Kind::ports, 1, portEnd, false);
}
Task<> addIomem(Context& context) {
    return permitRange(context, HostResource::Kind::pages, pageSize, addressEnd, true);
}
Task<> delIomem(Context& context) {
    return permitRange(context, HostResource::Kind::pages, pageSize, addressEnd, false);
}

Task<> permitIrq(Context& context, bool allowed) {
    const HostResource resource{HostResource::Kind::irq,
                                context.arguments.requiredNumber("irq", 0, highestIrq), 1};
    const auto info = co_await theGuest(context);
    co_await context.hypervisor.permit(info.domid, resource, allowed);
}
Task<> addIrq(Context& context) {
    return permitIrq(context, true);
}
Task<> delIrq(Context& context) {
    return permitIrq(context, false);
}

} // namespace

std::vector<SubCommand> hostCommands() {
    const std::vector<Flag> ports{domidFlag,
                                  {"start", "PORT", "the first port"},
                                  {"end", "PORT", "the first that is not meant any more"}};
    const std::vector<Flag> memory{domidFlag,
                                   {"start", "ADDRESS", "of the first page, in bytes"},
                                   {"end", "ADDRESS", "of the first page that is not meant any more"}};
    const std::vector<Flag> irq{domidFlag, {"irq", "N", "the interrupt"}};
    return {
        {"physinfo", {"info"}, "", {}, "the host: CPUs, memory, what Xen can do", physinfo},
        {"pcpuinfo", {}, "", {}, "how long each CPU has been idle", pcpuinfo},
        {"capabilities", {}, "", {}, "what kinds of guests Xen runs", capabilities},
        {"dmesg", {}, "", {}, "Xen's console ring", dmesg},
        {"debugkeys", {}, "KEYS...", {}, "as if typed at Xen's serial console", debugkeys},
        {"getenforce", {}, "", {}, "FLASK's mode", getenforce},
        {"setenforce", {}, "[0|1]", {{"enforce", "0|1", "1: refuse; 0: log only"}}, "sets it", setenforce},
        {"watchdog",
         {},
         "",
         {{"slot", "N", "1 or 2; 0 (default): a free one"}, {"timeout", "SECONDS", "0 stops it"}},
         "this domain's watchdog; prints its slot",
         watchdog},
        {"set_target",
         {},
         "DOMAIN [TARGET]",
         {domidFlag, {"target", "DOMAIN", "whom it serves"}},
         "lets a stub domain act for another domain",
         setTarget},
        {"add_ioport", {}, "DOMAIN", ports, "grants I/O ports", addIoport},
        {"del_ioport", {}, "DOMAIN", ports, "revokes them", delIoport},
        {"add_iomem", {}, "DOMAIN", memory, "grants memory-mapped I/O", addIomem},
        {"del_iomem", {}, "DOMAIN", memory, "revokes it", delIomem},
        {"add_irq", {}, "DOMAIN", irq, "grants an interrupt", addIrq},
        {"del_irq", {}, "DOMAIN", irq, "revokes it", delIrq},
    };
}

} // namespace xb::xenops
