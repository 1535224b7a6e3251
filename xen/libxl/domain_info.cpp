// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/domain_info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace xb::xen {

namespace {

struct FreeMemory {
    void operator()(char* memory) const { std::free(memory); }
};
using CString = std::unique_ptr<char, FreeMemory>;

// All domains at one moment.
class DomainList {
public:
    explicit DomainList(LibxlContext& context) : domains_(libxl_list_domain(context.get(), &count_)) {
        if (!domains_)
            throw libxlError("listing the domains", ERROR_FAIL, context.log());
    }
    DomainList(const DomainList&) = delete;
    DomainList& operator=(const DomainList&) = delete;
    ~DomainList() { libxl_dominfo_list_free(domains_, count_); }

    const libxl_dominfo* begin() const { return domains_; }
    const libxl_dominfo* end() const { return domains_ + count_; }

private:
    int count_ = 0;
    libxl_dominfo* domains_;
};

// Empty for a domain that is being made or taken apart.
std::string nameOf(LibxlContext& context, DomId domid) {
    const CString name(libxl_domid_to_name(context.get(), domid));
    return name ? name.get() : "";
}

ShutdownReason reasonOf(libxl_shutdown_reason reason) {
    switch (reason) {
    case LIBXL_SHUTDOWN_REASON_REBOOT:
        return ShutdownReason::reboot;
    case LIBXL_SHUTDOWN_REASON_SUSPEND:
        return ShutdownReason::suspend;
    case LIBXL_SHUTDOWN_REASON_CRASH:
        return ShutdownReason::crash;
    case LIBXL_SHUTDOWN_REASON_WATCHDOG:
        return ShutdownReason::watchdog;
    case LIBXL_SHUTDOWN_REASON_SOFT_RESET:
        return ShutdownReason::softReset;
    default:
        return ShutdownReason::poweroff; // also what guests may make up (Xen passes any number on)
    }
}

// Asks for one domain; false when there is none.
bool ask(LibxlContext& context, DomId domid, libxl_dominfo& info) {
    const int code = libxl_domain_info(context.get(), &info, domid);
    if (code == ERROR_DOMAIN_NOTFOUND)
        return false;
    context.check("asking for " + domainText(domid), code);
    return true;
}

class OneDomain {
public:
    OneDomain() { libxl_dominfo_init(&value); }
    OneDomain(const OneDomain&) = delete;
    OneDomain& operator=(const OneDomain&) = delete;
    ~OneDomain() { libxl_dominfo_dispose(&value); }
    libxl_dominfo value;
};

} // namespace

std::string uuidText(const libxl_uuid& uuid) {
    std::string text;
    const auto* bytes = libxl_uuid_bytearray_const(&uuid);
    for (int i = 0; i < 16; ++i)
        text += fmt::format("{}{:02x}", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
    return text;
}

std::string canonicalUuid(const std::string& uuid) {
    libxl_uuid parsed;
    if (libxl_uuid_from_string(&parsed, uuid.c_str()) != 0)
        throw Error(errors::invalidArgs, fmt::format("'{}' is not a UUID", uuid));
    return uuidText(parsed);
}

DomainInfo domainInfo(const libxl_dominfo& info) {
    DomainInfo result;
    result.domid = info.domid;
    result.uuid = uuidText(info.uuid);
    result.paused = info.paused;
    result.shutdown = info.shutdown;
    result.dying = info.dying;
    result.reason = reasonOf(info.shutdown_reason);
    result.memoryKib = info.current_memkb;
    result.maxMemoryKib = info.max_memkb;
    // Those that it has; vcpu_online counts only what the guest has brought up so far.
    result.vcpus = info.vcpu_max_id + 1;
    result.cpuTimeNs = info.cpu_time;
    return result;
}

HostInfo queryHost(LibxlContext& context) {
    libxl_physinfo info;
    libxl_physinfo_init(&info);
    context.check("asking for the host's memory and processors", libxl_get_physinfo(context.get(), &info));
    // Belongs to the context.
    const auto* version = libxl_get_version_info(context.get());
    if (!version)
        throw libxlError("asking for Xen's version", ERROR_FAIL, context.log());
    constexpr std::uint64_t kibPerPage = 4;
    HostInfo result;
    result.totalMemoryKib = info.total_pages * kibPerPage;
    // Pages that wait to be scrubbed are as good as free; claimed ones are not.
    const auto free = info.free_pages + info.scrub_pages;
    result.freeMemoryKib = (free - std::min(free, info.outstanding_pages)) * kibPerPage;
    result.cpus = info.nr_cpus;
    result.version = fmt::format("{}.{}{}", version->xen_version_major, version->xen_version_minor,
                                 version->xen_version_extra ? version->xen_version_extra : "");
    result.capabilities = version->capabilities ? version->capabilities : "";
    result.hvm = info.cap_hvm;
    result.directIo = info.cap_hvm_directio;
    libxl_physinfo_dispose(&info);
    return result;
}

std::vector<DomainInfo> queryDomains(LibxlContext& context) {
    std::vector<DomainInfo> result;
    for (const auto& each : DomainList(context)) {
        result.push_back(domainInfo(each));
        result.back().name = nameOf(context, each.domid);
    }
    return result;
}

std::optional<DomainInfo> queryDomainState(LibxlContext& context, DomId domid) {
    OneDomain info;
    if (!ask(context, domid, info.value))
        return std::nullopt;
    return domainInfo(info.value);
}

std::optional<DomainInfo> queryDomain(LibxlContext& context, DomId domid) {
    auto result = queryDomainState(context, domid);
    if (result)
        result->name = nameOf(context, domid);
    return result;
}

std::optional<DomainInfo> queryDomainByUuid(LibxlContext& context, const std::string& uuid) {
    const auto wanted = canonicalUuid(uuid);
    const DomainList domains(context);
    for (const auto& each : domains) {
        if (each.dying || uuidText(each.uuid) != wanted)
            continue;
        auto result = domainInfo(each);
        result.name = nameOf(context, each.domid);
        return result;
    }
    return std::nullopt;
}

} // namespace xb::xen
