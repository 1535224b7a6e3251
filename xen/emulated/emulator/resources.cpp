// SPDX-License-Identifier: Apache-2.0
// The part of the emulator about memory, virtual CPUs and scheduling of live domains, and about the console
// of the emulated Xen. Guests are asked through xenstore, as real ones are, and answer with hypercalls.
#include "toolstack/libs/error.hpp"
#include "xen/emulated/emulator/domain_tree.hpp"
#include "xen/emulated/emulator/emulator.hpp"

#include <algorithm>

namespace xb::xen::emulated {

namespace {

// As conring_size of Xen, whose default is this.
constexpr std::size_t consoleRingSize = 16 * 1024;

} // namespace

MemoryTarget Emulator::memoryTarget(DomId domid) const {
    const auto domain = existing(domid);
    return {domain->resources.targetKib, domain->resources.currentKib, domain->resources.maxKib};
}

Task<> Emulator::setMemoryTarget(DomId domid, std::uint64_t kib) {
    const auto domain = existing(domid);
    domain->resources.setTarget(kib);
    co_await store_->write(domainPath(domid) + "/memory/target", std::to_string(kib));
}

void Emulator::setMaxMemory(DomId domid, std::uint64_t kib) {
    existing(domid)->resources.allowedKib = kib;
}

// The balloon driver's populate and decrease: never more than allowed, nor than there is.
std::uint64_t Emulator::grantMemory(Domain& domain, std::uint64_t kib) const {
    auto& resources = domain.resources;
    const std::uint64_t most = std::min(resources.allowedKib, resources.currentKib + freeMemoryKib());
    if (kib > resources.currentKib)
        kib = std::max(std::min(kib, most), resources.currentKib);
    return resources.currentKib = kib;
}

// Those of domain 0 are this machine's, and nobody schedules them: it has the usual share.
std::vector<VcpuInfo> Emulator::vcpus(DomId domid) const {
    if (domid == 0) {
        std::vector<VcpuInfo> own(options_.cpus);
        for (unsigned i = 0; i < own.size(); ++i) {
            own[i].number = own[i].cpu = i;
            own[i].online = true;
        }
        return own;
    }
    const auto domain = existing(domid);
    auto list = domain->resources.vcpus;
    // One process runs them all: its time is that of the first.
    const auto info = domain->info();
    for (auto& each : list)
        each.blocked = each.online && domain->running() && !info.paused;
    list.front().timeNs = info.cpuTimeNs;
    return list;
}

Task<> Emulator::setOnlineVcpus(DomId domid, unsigned count) {
    const auto domain = existing(domid);
    domain->resources.checkOnlineCount(count);
    for (unsigned vcpu = 0; vcpu < domain->resources.vcpus.size(); ++vcpu) {
        const std::string node = domainPath(domid) + "/cpu/" + std::to_string(vcpu) + "/availability";
        co_await store_->write(node, vcpu < count ? "online" : "offline");
    }
}

void Emulator::setAffinity(DomId domid, unsigned vcpu, const std::optional<std::vector<unsigned>>& hard,
                           const std::optional<std::vector<unsigned>>& soft) {
    existing(domid)->resources.setAffinity(vcpu, hard, soft, options_.cpus);
}

SchedulerParameters Emulator::schedulerParameters(DomId domid) const {
    if (domid == 0)
        return {};
    return existing(domid)->resources.scheduler;
}

void Emulator::setSchedulerParameters(DomId domid, SchedulerParameters parameters) {
    existing(domid)->resources.setScheduler(parameters);
}

void Emulator::printOnXen(const std::string& line) {
    consoleRing_ += "(XEN) " + line + "\n";
    if (consoleRing_.size() > consoleRingSize)
        consoleRing_.erase(0, consoleRing_.size() - consoleRingSize);
}

// Those keys that mean something here; Xen is silent about others as well.
void Emulator::sendDebugKeys(const std::string& keys) {
    if (keys.empty())
        throw Error(errors::invalidArgs, "debug keys are one or more letters");
    for (const char key : keys) {
        if (key == 'h') {
            printOnXen("'h' pressed -> showing installed handlers");
            printOnXen(" key 'h' (ascii '68') => show this message");
            printOnXen(" key 'q' (ascii '71') => dump domain (and guest debug) info");
        } else if (key == 'q') {
            printOnXen("'q' pressed -> dumping domain info");
            for (const auto& info : domains())
                printOnXen("General information for domain " + std::to_string(info.domid) + ": " +
                           std::to_string(info.memoryKib / 4) + " pages, handle=" + info.uuid);
        }
    }
}

Task<> Emulator::sendSysrq(DomId domid, std::string key) {
    existing(domid);
    if (key.size() != 1)
        throw Error(errors::invalidArgs, "SysRq takes one key");
    co_await store_->write(domainPath(domid) + "/control/sysrq", key);
}

} // namespace xb::xen::emulated
