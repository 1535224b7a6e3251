// SPDX-License-Identifier: Apache-2.0
// What the emulated Xen accounts of a domain's memory and virtual CPUs, and the bounds that it holds them to.
// Plain values, no I/O.
#pragma once

#include "xen/facts.hpp"

#include <optional>
#include <vector>

namespace xb::xen::emulated {

class DomainResources {
public:
    explicit DomainResources(const DomainConfig& config);

    /// All that the domain takes of the machine's memory.
    std::uint64_t takenKib() const { return overheadKib_ + currentKib; }
    /// Throw xb::Error (InvalidArgs) and change nothing when out of bounds.
    void setTarget(std::uint64_t kib);
    void setOnline(unsigned vcpu, bool online) { vcpus.at(vcpu).online = online; }
    void checkOnlineCount(unsigned count) const;
    void setAffinity(unsigned vcpu, const std::optional<std::vector<unsigned>>& hard,
                     const std::optional<std::vector<unsigned>>& soft, unsigned cpus);
    void setScheduler(SchedulerParameters wanted);

    std::uint64_t targetKib;
    std::uint64_t currentKib;
    std::uint64_t allowedKib; ///< Xen's maximum: the guest gets no more, whatever it asks for
    const std::uint64_t maxKib;
    std::vector<VcpuInfo> vcpus;
    SchedulerParameters scheduler;

private:
    const std::uint64_t overheadKib_;
};

} // namespace xb::xen::emulated
