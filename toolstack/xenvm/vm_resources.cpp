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

} // namespace xb::xenvm
