// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/resources.hpp"

#include "xen/libxl/domain_info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace xb::xen {

namespace {

// Fractions of a CPU that a cap may reach: 100 for each.
constexpr unsigned capPerCpu = 100;
// 16 TiB, what Xen addresses.
constexpr std::uint64_t mostMemoryKib = 1ULL << 34;

DomainInfo require(LibxlContext& context, DomId domid) {
    auto info = queryDomainState(context, domid);
    if (!info)
        throw Error(fmt::format("there is no {}", domainText(domid)));
    return *info;
}

class CpuMap {
public:
    CpuMap() { libxl_bitmap_init(&value); }
    CpuMap(const CpuMap&) = delete;
    CpuMap& operator=(const CpuMap&) = delete;
    ~CpuMap() { libxl_bitmap_dispose(&value); }

    libxl_bitmap value;
};

// Of physical CPUs. None named: all.
void fill(LibxlContext& context, const std::vector<unsigned>& cpus, CpuMap& to) {
    context.check("making a map of CPUs", libxl_cpu_bitmap_alloc(context.get(), &to.value, 0));
    if (cpus.empty())
        libxl_bitmap_set_any(&to.value);
    const int present = libxl_get_online_cpus(context.get());
    context.check("counting the CPUs", present);
    for (const unsigned cpu : cpus) {
        if (cpu >= static_cast<unsigned>(present))
            throw Error(errors::invalidArgs,
                        fmt::format("this machine has no CPU {}: it has 0 to {}", cpu, present - 1));
        libxl_bitmap_set(&to.value, static_cast<int>(cpu));
    }
}

// Those of `map` among the `present` ones of the machine; none if that is all of them.
std::vector<unsigned> cpusOf(const libxl_bitmap& map, int present) {
    std::vector<unsigned> cpus;
    for (int cpu = 0; cpu < present; ++cpu)
        if (libxl_bitmap_test(&map, cpu))
            cpus.push_back(static_cast<unsigned>(cpu));
    if (cpus.size() == static_cast<std::size_t>(present))
        cpus.clear();
    return cpus;
}

class VcpuList {
public:
    VcpuList(LibxlContext& context, DomId domid)
        : list_(libxl_list_vcpu(context.get(), domid, &count_, &most_)) {
        if (!list_)
            throw libxlError("listing the virtual CPUs of " + domainText(domid), ERROR_FAIL, context.log());
    }
    VcpuList(const VcpuList&) = delete;
    VcpuList& operator=(const VcpuList&) = delete;
    ~VcpuList() { libxl_vcpuinfo_list_free(list_, count_); }

    const libxl_vcpuinfo* begin() const { return list_; }
    const libxl_vcpuinfo* end() const { return list_ + count_; }

private:
    int count_ = 0;
    int most_ = 0; // CPUs that Xen could have
    libxl_vcpuinfo* list_;
};

void checkCredit(LibxlContext& context, const std::string& what) {
    const auto scheduler = libxl_get_scheduler(context.get());
    if (scheduler != LIBXL_SCHEDULER_CREDIT && scheduler != LIBXL_SCHEDULER_CREDIT2)
        throw Error(errors::notSupported,
                    what + ": Xen's scheduler is neither credit nor credit2 (Xen's option sched=)");
}

} // namespace

MemoryTarget queryMemoryTarget(LibxlContext& context, DomId domid) {
    const auto info = require(context, domid);
    MemoryTarget result;
    context.check("asking for the memory target of " + domainText(domid),
                  libxl_get_memory_target(context.get(), domid, &result.targetKib));
    result.currentKib = info.memoryKib;
    return result;
}

Task<MemoryTarget> readMemoryTarget(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store,
                                    DomId domid) {
    auto query = [domid](LibxlContext& context) { return queryMemoryTarget(context, domid); };
    auto result = co_await threads->run(query);
    const auto text = co_await store->read(fmt::format("/local/domain/{}/memory/static-max", domid));
    result.maxKib = text ? std::strtoull(text->c_str(), nullptr, 10) : 0;
    co_return result;
}

void changeMemoryTarget(LibxlContext& context, DomId domid, std::uint64_t kib) {
    require(context, domid);
    if (kib == 0 || kib > mostMemoryKib)
        throw Error(errors::invalidArgs, fmt::format("{} KiB is not a memory target", kib));
    context.log().clear();
    context.check(
        fmt::format("setting the memory target of {} to {} KiB", domainText(domid), kib),
        libxl_set_memory_target(context.get(), domid, static_cast<std::int64_t>(kib), 0, /*enforce*/ 1));
}

void changeMaxMemory(LibxlContext& context, DomId domid, std::uint64_t kib) {
    require(context, domid);
    if (kib > mostMemoryKib)
        throw Error(errors::invalidArgs, fmt::format("{} KiB is not a memory maximum", kib));
    context.log().clear();
    context.check(fmt::format("setting the memory maximum of {} to {} KiB", domainText(domid), kib),
                  libxl_domain_setmaxmem(context.get(), domid, kib));
}

std::vector<VcpuInfo> queryVcpus(LibxlContext& context, DomId domid) {
    require(context, domid);
    const int present = libxl_get_online_cpus(context.get());
    context.check("counting the CPUs", present);
    std::vector<VcpuInfo> result;
    for (const auto& each : VcpuList(context, domid)) {
        VcpuInfo vcpu;
        vcpu.number = each.vcpuid;
        vcpu.online = each.online;
        vcpu.blocked = each.blocked;
        vcpu.running = each.running;
        vcpu.cpu = each.cpu;
        vcpu.timeNs = each.vcpu_time;
        vcpu.hardAffinity = cpusOf(each.cpumap, present);
        vcpu.softAffinity = cpusOf(each.cpumap_soft, present);
        result.push_back(std::move(vcpu));
    }
    return result;
}

void changeOnlineVcpus(LibxlContext& context, DomId domid, unsigned count) {
    const unsigned most = require(context, domid).vcpus;
    if (count < 1 || count > most)
        throw Error(errors::invalidArgs,
                    fmt::format("{} has 1 to {} virtual CPUs, not {}", domainText(domid), most, count));
    CpuMap online;
    context.check("making a map of virtual CPUs",
                  libxl_cpu_bitmap_alloc(context.get(), &online.value, static_cast<int>(most)));
    for (unsigned vcpu = 0; vcpu < count; ++vcpu)
        libxl_bitmap_set(&online.value, static_cast<int>(vcpu));
    context.log().clear();
    context.check(fmt::format("bringing {} virtual CPUs of {} online", count, domainText(domid)),
                  libxl_set_vcpuonline(context.get(), domid, &online.value, nullptr));
}

void changeAffinity(LibxlContext& context, DomId domid, unsigned vcpu,
                    const std::optional<std::vector<unsigned>>& hard,
                    const std::optional<std::vector<unsigned>>& soft) {
    const unsigned most = require(context, domid).vcpus;
    if (vcpu >= most)
        throw Error(errors::invalidArgs, fmt::format("{} has no virtual CPU {}: it has 0 to {}",
                                                     domainText(domid), vcpu, most - 1));
    CpuMap hardMap;
    CpuMap softMap;
    if (hard)
        fill(context, *hard, hardMap);
    if (soft)
        fill(context, *soft, softMap);
    context.log().clear();
    context.check(fmt::format("setting the affinity of virtual CPU {} of {}", vcpu, domainText(domid)),
                  libxl_set_vcpuaffinity(context.get(), domid, vcpu, hard ? &hardMap.value : nullptr,
                                         soft ? &softMap.value : nullptr));
}

SchedulerParameters queryScheduler(LibxlContext& context, DomId domid) {
    require(context, domid);
    const auto what = "asking for the scheduling of " + domainText(domid);
    checkCredit(context, what);
    libxl_domain_sched_params found;
    libxl_domain_sched_params_init(&found);
    const int code = libxl_domain_sched_params_get(context.get(), domid, &found);
    const SchedulerParameters result{static_cast<std::uint16_t>(found.weight),
                                     static_cast<std::uint16_t>(found.cap)};
    libxl_domain_sched_params_dispose(&found);
    context.check(what, code);
    return result;
}

void changeScheduler(LibxlContext& context, DomId domid, SchedulerParameters parameters) {
    const unsigned most = capPerCpu * require(context, domid).vcpus;
    const auto what = "setting the scheduling of " + domainText(domid);
    if (parameters.weight == 0)
        throw Error(errors::invalidArgs, what + ": weight 0 is not within 1..65535");
    if (parameters.cap > most)
        throw Error(errors::invalidArgs,
                    fmt::format("{}: cap {} is above {}, 100 for each of its virtual CPUs", what,
                                parameters.cap, most));
    checkCredit(context, what);
    libxl_domain_sched_params wanted;
    libxl_domain_sched_params_init(&wanted);
    wanted.weight = parameters.weight;
    wanted.cap = parameters.cap;
    context.log().clear();
    const int code = libxl_domain_sched_params_set(context.get(), domid, &wanted);
    libxl_domain_sched_params_dispose(&wanted);
    context.check(what, code);
}

std::string readConsoleRing(LibxlContext& context) {
    context.log().clear();
    auto* reader = libxl_xen_console_read_start(context.get(), /*clear*/ 0);
    if (!reader)
        throw libxlError("reading Xen's console", ERROR_FAIL, context.log());
    std::string text;
    int code = 0;
    char* line = nullptr; // belongs to the reader
    while (text.size() < maxConsoleRing &&
           (code = libxl_xen_console_read_line(context.get(), reader, &line)) > 0)
        text += line;
    libxl_xen_console_read_finish(context.get(), reader);
    context.check("reading Xen's console", code);
    return text;
}

void pressDebugKeys(LibxlContext& context, std::string keys) {
    if (keys.empty() || keys.find('\0') != std::string::npos)
        throw Error(errors::invalidArgs, "debug keys are one or more letters");
    context.log().clear();
    context.check("sending debug keys to Xen", libxl_send_debug_keys(context.get(), keys.data()));
}

void pressSysrq(LibxlContext& context, DomId domid, char key) {
    require(context, domid);
    context.log().clear();
    context.check("sending SysRq to " + domainText(domid), libxl_send_sysrq(context.get(), domid, key));
}

} // namespace xb::xen
