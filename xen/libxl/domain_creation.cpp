// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/domain_creation.hpp"

#include "toolstack/libs/log.hpp"
#include "xen/libxl/domain_config_builder.hpp"
#include "xen/libxl/domain_info.hpp"
#include "xen/libxl/loop_devices.hpp"
#include "xen/libxl/saved_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace xb::xen {

namespace {

// libxl tells the domid only when all is done. It writes /vm/<uuid> together with the domain's home right
// after it made the domain: then the UUID is looked up. Lives on the loop.
struct MadeReport {
    std::shared_ptr<LibxlThreads> threads;
    std::string uuid;
    Hypervisor::ProgressHandler progress;
    bool looking = false;
    bool again = false;
    bool over = false; // reported, or too late to

    void report(DomId domid) {
        if (std::exchange(over, true))
            return;
        if (progress)
            progress(CreateStep::domainMade, domid);
    }
};

Task<> lookForDomain(std::shared_ptr<MadeReport> made) {
    auto find = [uuid = made->uuid](LibxlContext& context) { return queryDomainByUuid(context, uuid); };
    while (!made->over && std::exchange(made->again, false)) {
        const auto found = co_await made->threads->run(find);
        if (found)
            made->report(found->domid);
    }
    made->looking = false;
}

void lookSoon(const Executor& executor, const std::shared_ptr<MadeReport>& made) {
    made->again = true;
    if (made->over || std::exchange(made->looking, true))
        return;
    spawn(executor, "looking for the new domain " + made->uuid, lookForDomain(made));
}

// libxl undoes what it began; this makes sure of it.
void removeRemains(LibxlContext& context, const std::string& uuid) {
    const auto left = queryDomainByUuid(context, uuid);
    if (!left)
        return;
    const int code = libxl_domain_destroy(context.get(), left->domid, nullptr);
    if (code < 0)
        log::error("domain {} could not be built, and its remains could not be destroyed: {}", left->domid,
                   context.log().complaints());
}

// libxl's own streams, not those of xend's time, which it would convert.
constexpr std::uint32_t streamVersion = 2;

struct RestoreParameters {
    libxl_domain_restore_params value;
    RestoreParameters() {
        libxl_domain_restore_params_init(&value);
        value.stream_version = streamVersion;
    }
    RestoreParameters(const RestoreParameters&) = delete;
    RestoreParameters& operator=(const RestoreParameters&) = delete;
    ~RestoreParameters() { libxl_domain_restore_params_dispose(&value); }
};

int make(LibxlContext& context, libxl_domain_config& config, std::uint32_t& domid, int stream) {
    if (stream < 0)
        return libxl_domain_create_new(context.get(), &config, &domid, nullptr, nullptr);
    constexpr int noWayBack = -1;
    const RestoreParameters parameters;
    const RestoreStream checked(stream);
    return libxl_domain_create_restore(context.get(), &config, &domid, checked.get(), noWayBack,
                                       &parameters.value, nullptr, nullptr);
}

// With the state that `stream` has, unless it is -1.
DomId build(LibxlContext& context, const DomainConfig& config, int stream) {
    const char* const what = stream < 0 ? "creating" : "restoring";
    if (const auto other = queryDomainByUuid(context, config.uuid))
        throw Error(fmt::format("{} domain '{}' failed: {} has its UUID {} already", what, config.name,
                                domainText(other->domid), config.uuid));
    LibxlDomainConfig translated;
    translate(config, translated);
    context.log().clear();
    std::uint32_t domid = invalidDomid;
    const int code = make(context, translated.value, domid, stream);
    if (code < 0) {
        auto error = std::make_exception_ptr(
            libxlError(fmt::format("{} domain '{}'", what, config.name), code, context.log()));
        removeRemains(context, config.uuid);
        std::rethrow_exception(error);
    }
    return domid;
}

// Of the disk files that libxl gives to a loop device.
std::vector<std::string> loopFiles(const DomainConfig& config) {
    std::vector<std::string> files;
    for (const auto& disk : config.disks) {
        if (disk.path.empty() || disk.backendDomid != 0)
            continue;
        std::error_code ignored; // a file that is not there has no loop device either
        files.push_back(std::filesystem::weakly_canonical(disk.path, ignored).string());
    }
    return files;
}

} // namespace

Task<DomId> createDomain(Executor executor, std::shared_ptr<LibxlThreads> threads,
                         std::shared_ptr<XenStore> store, DomainConfig config, UniqueFd stream,
                         Hypervisor::ProgressHandler progress) {
    auto made = std::make_shared<MadeReport>();
    made->threads = threads;
    made->uuid = canonicalUuid(config.uuid);
    made->progress = std::move(progress);
    auto onChange = [executor, made](const std::string&) { lookSoon(executor, made); };
    const auto madeWatch = co_await store->watch("/vm/" + made->uuid, onChange);

    const auto files = loopFiles(config);
    LoopSystem system;
    const auto attached = attachedLoopDevices(system);
    DomId domid = 0;
    std::exception_ptr failure;
    try {
        const auto shared = std::make_shared<UniqueFd>(std::move(stream)); // jobs are copyable
        auto job = [config = std::move(config), shared](LibxlContext& context) {
            return build(context, config, shared->get());
        };
        domid = co_await threads->run(std::move(job));
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        made->over = true;
        LoopSuspect suspect = [files, attached](const LoopDevice& each) {
            return std::ranges::find(files, each.file) != files.end() &&
                   std::ranges::find(attached, each) == attached.end();
        };
        if (!files.empty())
            co_await detachLeftLoopDevices(threads, store, std::move(suspect), std::move(system));
        std::rethrow_exception(failure);
    }
    made->report(domid);
    if (made->progress)
        made->progress(CreateStep::devicesMade, domid);
    co_return domid;
}

} // namespace xb::xen
