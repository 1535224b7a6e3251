// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/host_operations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <vector>

namespace xb::xen {

namespace {

// I/O ports of x86, and what the hypercalls can hold.
constexpr std::uint64_t portCount = 65536;
constexpr std::uint64_t highestIrq = std::numeric_limits<std::uint8_t>::max();

std::string describe(const HostResource& resource) {
    switch (resource.kind) {
    case HostResource::Kind::ports:
        return fmt::format("I/O ports {:#x} to {:#x}", resource.first, resource.first + resource.count - 1);
    case HostResource::Kind::pages:
        return fmt::format("pages {:#x} to {:#x}", resource.first, resource.first + resource.count - 1);
    case HostResource::Kind::irq:
        return fmt::format("interrupt {}", resource.first);
    }
    return "?";
}

void checkBounds(const HostResource& resource) {
    const std::uint64_t end = resource.kind == HostResource::Kind::ports ? portCount
                              : resource.kind == HostResource::Kind::irq ? highestIrq + 1
                                                                         : std::uint64_t{1} << 52;
    if (resource.count == 0 || resource.first >= end || resource.count > end - resource.first)
        throw Error(errors::invalidArgs, fmt::format("{} resources from {:#x} on are not within 0 to {:#x}",
                                                     resource.count, resource.first, end - 1));
}

int setPermission(xc_interface* control, DomId domid, const HostResource& resource, bool allowed) {
    switch (resource.kind) {
    case HostResource::Kind::ports:
        return xc_domain_ioport_permission(control, domid, static_cast<std::uint32_t>(resource.first),
                                           static_cast<std::uint32_t>(resource.count), allowed);
    case HostResource::Kind::pages:
        return xc_domain_iomem_permission(control, domid, resource.first, resource.count, allowed);
    case HostResource::Kind::irq:
        return xc_domain_irq_permission(control, domid, static_cast<std::uint32_t>(resource.first), allowed);
    }
    return -1;
}

[[noreturn]] void throwFlaskError(const std::string& what) {
    if (errno == ENOSYS || errno == EOPNOTSUPP)
        throw Error(errors::notSupported, what + ": Xen runs without FLASK; boot it with flask=enforcing");
    throw systemError(what, errno);
}

} // namespace

DomainDetails queryDomainDetails(LibxlContext& context, DomId domid) {
    xc_domaininfo_t info{};
    const int count = xc_domain_getinfolist(context.control(), domid, 1, &info);
    if (count < 0)
        throw systemError("asking for " + domainText(domid), errno);
    // It answers with the next one when there is no such domain.
    if (count != 1 || info.domain != domid)
        throw Error(fmt::format("there is no {}", domainText(domid)));
    DomainDetails result;
    result.hvm = info.flags & XEN_DOMINF_hvm_guest;
    result.running = info.flags & XEN_DOMINF_running;
    result.blocked = info.flags & XEN_DOMINF_blocked;
    if (info.flags & XEN_DOMINF_shutdown)
        result.shutdownCode = (info.flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;
    result.sharedInfoFrame = info.shared_info_frame;
    result.onlineVcpus = info.nr_online_vcpus;
    result.highestVcpu = info.max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? 0 : info.max_vcpu_id;
    result.securityId = info.ssidref;
    char* label = nullptr;
    std::size_t length = 0;
    if (libxl_flask_sid_to_context(context.get(), info.ssidref, &label, &length) == 0 && label)
        result.label.assign(label, strnlen(label, length));
    std::free(label);
    return result;
}

HostDetails queryHostDetails(LibxlContext& context) {
    xc_physinfo_t info{};
    if (xc_physinfo(context.control(), &info) != 0)
        throw systemError("asking for the host's processors", errno);
    HostDetails result;
    result.cpus = info.nr_cpus;
    result.threadsPerCore = info.threads_per_core;
    result.coresPerSocket = info.cores_per_socket;
    result.cpuKhz = info.cpu_khz;
    result.totalPages = info.total_pages;
    result.freePages = info.free_pages;
    result.scrubPages = info.scrub_pages;
    std::vector<xc_cpuinfo_t> cpus(info.max_cpu_id + 1);
    int known = 0;
    if (xc_getcpuinfo(context.control(), static_cast<int>(cpus.size()), cpus.data(), &known) != 0)
        throw systemError("asking for the idle times of the processors", errno);
    for (std::size_t cpu = 0; cpu < std::min(cpus.size(), static_cast<std::size_t>(std::max(known, 0)));
         ++cpu)
        result.idleNs.push_back(cpus[cpu].idletime);
    return result;
}

void permitResource(LibxlContext& context, DomId domid, const HostResource& resource, bool allowed) {
    checkBounds(resource);
    if (setPermission(context.control(), domid, resource, allowed) != 0)
        throw systemError(fmt::format("{} {} {} {}", allowed ? "granting" : "revoking", describe(resource),
                                      allowed ? "to" : "from", domainText(domid)),
                          errno);
}

void setTargetOf(LibxlContext& context, DomId stubdom, DomId target) {
    if (xc_domain_set_target(context.control(), stubdom, target) != 0)
        throw systemError(fmt::format("letting {} act for {}", domainText(stubdom), domainText(target)),
                          errno);
}

unsigned setOwnWatchdog(LibxlContext& context, unsigned slot, unsigned seconds) {
    const int result = xc_watchdog(context.control(), slot, seconds);
    if (result < 0)
        throw systemError(fmt::format("setting watchdog {} to {} s", slot, seconds), errno);
    // Xen names the slot only when it chose one.
    return slot == 0 ? static_cast<unsigned>(result) : slot;
}

bool queryFlaskEnforces(LibxlContext& context) {
    const int mode = xc_flask_getenforce(context.control());
    if (mode < 0)
        throwFlaskError("asking for FLASK's mode");
    return mode != 0;
}

void changeFlaskEnforces(LibxlContext& context, bool enforces) {
    if (xc_flask_setenforce(context.control(), enforces) < 0)
        throwFlaskError("setting FLASK's mode");
}

} // namespace xb::xen
