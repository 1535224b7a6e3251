// SPDX-License-Identifier: Apache-2.0
#include "toolstack/xenops/guest_start.hpp"

#include "toolstack/libs/files.hpp"
#include "toolstack/libs/uuid.hpp"

#include <algorithm>

namespace xb::xenops {

namespace {

using xen::DomId;

// No CPUs are all of them, which they may run on anyway.
std::optional<std::vector<unsigned>> unlessAll(const std::vector<unsigned>& cpus) {
    return cpus.empty() ? std::nullopt : std::optional(cpus);
}

Task<> applyRest(xen::Hypervisor& hypervisor, GuestConfig config, DomId domid) {
    if (config.weight || config.cap) {
        auto parameters = co_await hypervisor.schedulerParameters(domid);
        parameters.weight = config.weight.value_or(parameters.weight);
        parameters.cap = config.cap.value_or(parameters.cap);
        co_await hypervisor.setSchedulerParameters(domid, parameters);
    }
    if (!config.cpus.empty() || !config.softCpus.empty()) {
        const auto hard = unlessAll(config.cpus);
        const auto soft = unlessAll(config.softCpus);
        for (unsigned vcpu = 0; vcpu < config.domain.vcpus; ++vcpu)
            co_await hypervisor.setAffinity(domid, vcpu, hard, soft);
    }
    if (config.onlineVcpus != 0)
        co_await hypervisor.setOnlineVcpus(domid, config.onlineVcpus);
}

Task<DomId> make(xen::Hypervisor& hypervisor, xen::DomainConfig domain, UniqueFd saved, bool restored) {
    const xen::Hypervisor::ProgressHandler progress = [](xen::CreateStep, DomId) {};
    if (restored)
        co_return co_await hypervisor.restore(std::move(domain), std::move(saved), progress);
    co_return co_await hypervisor.create(std::move(domain), progress);
}

Task<DomainNames> namesOf(xen::Hypervisor& hypervisor) {
    DomainNames names;
    const auto domains = co_await hypervisor.domains();
    for (const auto& info : domains)
        names.emplace(info.name, info.domid);
    co_return names;
}

Task<> requireFree(xen::Hypervisor& hypervisor, std::string name, std::string uuid) {
    const auto domains = co_await hypervisor.domains();
    for (const auto& info : domains) {
        if (info.name == name || info.uuid == uuid)
            throw Error(
                fmt::format("{} has the name or UUID of \"{}\" already: destroy it first, or change the file",
                            domainText(info), name));
    }
}

void passWarnings(const GuestConfig& config, Context& context) {
    for (const std::string& warning : config.warnings)
        context.warn(warning);
}

} // namespace

Task<GuestConfig> readGuestConfig(Context& context, std::string file) {
    auto entries = parseConfigFile(readFile(file, maxConfigBytes), file);
    // As xl: what the command line adds counts more than the file.
    static const std::string commandLine = "the command line";
    while (auto operand = context.arguments.takeIfThere()) {
        const auto more = parseConfigFile(*operand, commandLine);
        for (const ConfigEntry& entry : more) {
            std::erase_if(entries, [&](const ConfigEntry& each) { return each.key == entry.key; });
            entries.push_back(entry);
        }
    }
    const auto names = co_await namesOf(context.hypervisor);
    auto config = toGuestConfig(entries, file, randomUuid(), names);
    passWarnings(config, context);
    co_await requireFree(context.hypervisor, config.domain.name, config.domain.uuid);
    co_return config;
}

Task<GuestConfig> savedGuestConfig(Context& context, xen::SavedHeader header, std::string file,
                                   std::optional<std::string> name) {
    if (header.configuration.empty())
        throw Error(errors::invalidArgs,
                    file + " has no configuration of its domain: say xenops restore CONFIG FILE");
    GuestConfig config;
    if (header.json) {
        config.domain = co_await context.hypervisor.parseConfiguration(header.configuration);
    } else {
        const auto entries = parseConfigFile(header.configuration, file);
        const auto names = co_await namesOf(context.hypervisor);
        config = toGuestConfig(entries, file, randomUuid(), names);
        passWarnings(config, context);
    }
    if (name) {
        config.domain.name = *std::move(name);
        config.domain.uuid = randomUuid();
    }
    co_await requireFree(context.hypervisor, config.domain.name, config.domain.uuid);
    co_return config;
}

Task<DomId> startGuest(xen::Hypervisor& hypervisor, GuestConfig config, UniqueFd saved, bool restored) {
    xen::DomainConfig domain = config.domain;
    const DomId domid = co_await make(hypervisor, std::move(domain), std::move(saved), restored);
    std::exception_ptr failure;
    try {
        co_await applyRest(hypervisor, std::move(config), domid);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        co_await hypervisor.destroy(domid);
        std::rethrow_exception(failure);
    }
    co_return domid;
}

} // namespace xb::xenops
