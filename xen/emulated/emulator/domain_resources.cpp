// SPDX-License-Identifier: Apache-2.0
#include "xen/emulated/emulator/domain_resources.hpp"

#include "toolstack/libs/error.hpp"
#include "xen/emulated/emulator/domain_checks.hpp"

#include <algorithm>
#include <string>

namespace xb::xen::emulated {

namespace {

constexpr unsigned capPerCpu = 100;

[[noreturn]] void refuse(const std::string& why) {
    throw Error(errors::invalidArgs, why);
}

// All of them is the same as none named.
std::vector<unsigned> checkedCpus(std::vector<unsigned> list, unsigned cpus) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    if (!list.empty() && list.back() >= cpus)
        refuse("this machine has no CPU " + std::to_string(list.back()) + ": it has 0 to " +
               std::to_string(cpus - 1));
    if (list.size() == cpus)
        list.clear();
    return list;
}

} // namespace

DomainResources::DomainResources(const DomainConfig& config)
    : targetKib(config.memoryKib), currentKib(config.memoryKib), allowedKib(config.memoryKib),
      maxKib(std::max(config.memoryKib, config.maxMemoryKib)), vcpus(config.vcpus),
      overheadKib_(memoryNeededKib(config) - config.memoryKib) {
    for (unsigned i = 0; i < vcpus.size(); ++i) {
        vcpus[i].number = i;
        vcpus[i].online = true;
    }
}

void DomainResources::setTarget(std::uint64_t kib) {
    if (kib == 0 || kib > maxKib)
        refuse(std::to_string(kib) + " KiB is not a memory target: its static maximum is " +
               std::to_string(maxKib) + " KiB");
    // As libxl does: what may be had at most moves along.
    targetKib = allowedKib = kib;
}

void DomainResources::checkOnlineCount(unsigned count) const {
    if (count < 1 || count > vcpus.size())
        refuse("it has 1 to " + std::to_string(vcpus.size()) + " virtual CPUs, not " + std::to_string(count));
}

void DomainResources::setAffinity(unsigned vcpu, const std::optional<std::vector<unsigned>>& hard,
                                  const std::optional<std::vector<unsigned>>& soft, unsigned cpus) {
    if (vcpu >= vcpus.size())
        refuse("it has no virtual CPU " + std::to_string(vcpu));
    auto& which = vcpus[vcpu];
    const auto newHard = hard ? checkedCpus(*hard, cpus) : which.hardAffinity;
    which.softAffinity = soft ? checkedCpus(*soft, cpus) : which.softAffinity;
    which.hardAffinity = newHard;
    if (!newHard.empty())
        which.cpu = newHard.front();
}

void DomainResources::setScheduler(SchedulerParameters wanted) {
    const auto most = capPerCpu * vcpus.size();
    if (wanted.weight == 0)
        refuse("weight 0 is not within 1..65535");
    if (wanted.cap > most)
        refuse("cap " + std::to_string(wanted.cap) + " is above " + std::to_string(most) +
               ", 100 for each of its virtual CPUs");
    scheduler = wanted;
}

} // namespace xb::xen::emulated
