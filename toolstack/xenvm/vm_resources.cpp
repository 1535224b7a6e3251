// SPDX-License-Identifier: Apache-2.0
// Memory, virtual CPUs and scheduling of a VM's domain while it lives. What is set here holds until the
// domain ends; the next one is as the configuration says.
#include "toolstack/libs/error.hpp"
#include "toolstack/xenvm/vm.hpp"

#include <fmt/format.h>

namespace xb::xenvm {

namespace {

constexpr std::uint64_t kibPerMib = 1024;
/// Below this no guest lives (contract of xenops' balloon).
constexpr std::int32_t leastTargetMib = 16;

// Checked by us, as libxl passes over CPUs that there are not.
std::vector<unsigned> cpuNumbers(const std::vector<std::int32_t>& list, unsigned cpus) {
    std::vector<unsigned> numbers;
    for (const std::int32_t number : list) {
        if (number < 0 || static_cast<unsigned>(number) >= cpus)
            throw Error(errors::invalidArgs,
                        fmt::format("this machine has CPUs 0 to {}, not {}", cpus - 1, number));
        numbers.push_back(static_cast<unsigned>(number));
    }
    return numbers;
}

} // namespace

xen::DomId Vm::requireLive(const char* operation) const {
    if (!domid_ || ended_ || (state() != LifeState::running && state() != LifeState::paused))
        refuse(operation);
    return *domid_;
}

Task<> Vm::setMemoryTarget(std::int32_t mib) {
    const auto self = shared_from_this();
    AsyncMutex::Lock lock = co_await operations_.lock();
    const auto domid = requireLive("change its memory");
    const auto now = co_await hypervisor_.memoryTarget(domid);
    const auto most = static_cast<std::int64_t>(now.maxKib / kibPerMib);
    if (mib <= leastTargetMib || mib > most)
        throw Error(errors::invalidArgs,
                    fmt::format("VM {} cannot come to {} MiB of memory: it must be above {} and at most {}, "
                                "its memory-max",
                                options_.uuid, mib, leastTargetMib, most));
    co_await hypervisor_.setMemoryTarget(domid, static_cast<std::uint64_t>(mib) * kibPerMib);
}

Task<xen::MemoryTarget> Vm::memoryTarget() {
    const auto self = shared_from_this();
    const auto domid = requireLive("tell its memory");
    co_return co_await hypervisor_.memoryTarget(domid);
}

Task<> Vm::setOnlineVcpus(std::int32_t count) {
    const auto self = shared_from_this();
    AsyncMutex::Lock lock = co_await operations_.lock();
    const auto domid = requireLive("change its virtual CPUs");
    const auto all = co_await hypervisor_.vcpus(domid);
    if (count < 1 || static_cast<std::size_t>(count) > all.size())
        throw Error(errors::invalidArgs,
                    fmt::format("VM {} has 1 to {} virtual CPUs, not {}", options_.uuid, all.size(), count));
    co_await hypervisor_.setOnlineVcpus(domid, static_cast<unsigned>(count));
}

Task<> Vm::setScheduling(std::int32_t weight, std::int32_t cap) {
    const auto self = shared_from_this();
    AsyncMutex::Lock lock = co_await operations_.lock();
    const auto domid = requireLive("change its scheduling");
    constexpr std::int32_t most = UINT16_MAX;
    if (weight < 1 || weight > most || cap < 0 || cap > most)
        throw Error(errors::invalidArgs,
                    fmt::format("VM {}: weight is 1 to {} and not {}, cap 0 to {} and not {}", options_.uuid,
                                most, weight, most, cap));
    xen::SchedulerParameters wanted{static_cast<std::uint16_t>(weight), static_cast<std::uint16_t>(cap)};
    co_await hypervisor_.setSchedulerParameters(domid, wanted);
}

Task<xen::SchedulerParameters> Vm::scheduling() {
    const auto self = shared_from_this();
    const auto domid = requireLive("tell its scheduling");
    co_return co_await hypervisor_.schedulerParameters(domid);
}

Task<std::vector<xen::VcpuInfo>> Vm::vcpus() {
    const auto self = shared_from_this();
    const auto domid = requireLive("tell its virtual CPUs");
    co_return co_await hypervisor_.vcpus(domid);
}

Task<> Vm::setAffinity(std::int32_t vcpu, std::vector<std::int32_t> hard, std::vector<std::int32_t> soft) {
    const auto self = shared_from_this();
    AsyncMutex::Lock lock = co_await operations_.lock();
    const auto domid = requireLive("change the affinity of its virtual CPUs");
    const auto all = co_await hypervisor_.vcpus(domid);
    if (vcpu < -1 || vcpu >= static_cast<std::int64_t>(all.size()))
        throw Error(errors::invalidArgs, fmt::format("VM {} has virtual CPUs 0 to {} (-1 is all), not {}",
                                                     options_.uuid, all.size() - 1, vcpu));
    const xen::HostInfo host = co_await hypervisor_.hostInfo();
    const std::optional<std::vector<unsigned>> may = cpuNumbers(hard, host.cpus);
    const std::optional<std::vector<unsigned>> should = cpuNumbers(soft, host.cpus);
    const auto first = vcpu < 0 ? 0U : static_cast<unsigned>(vcpu);
    const auto last = vcpu < 0 ? static_cast<unsigned>(all.size()) - 1 : first;
    for (unsigned number = first; number <= last; ++number)
        co_await hypervisor_.setAffinity(domid, number, may, should);
}

// What the configuration says, before the domain runs for the first time.
Task<> Vm::giveShare(CpuShare share) {
    if (share.weight || share.cap) {
        auto parameters = co_await hypervisor_.schedulerParameters(*domid_);
        parameters.weight = share.weight.value_or(parameters.weight);
        parameters.cap = share.cap.value_or(parameters.cap);
        co_await hypervisor_.setSchedulerParameters(*domid_, parameters);
    }
    const std::optional<std::vector<unsigned>> asBefore;
    for (const auto& [vcpu, cpus] : share.affinity) {
        const std::optional<std::vector<unsigned>> hard = cpus;
        co_await hypervisor_.setAffinity(*domid_, vcpu, hard, asBefore);
    }
}

} // namespace xb::xenvm
