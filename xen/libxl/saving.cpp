// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/saving.hpp"

#include "toolstack/libs/log.hpp"
#include "xen/libxl/domain_config_builder.hpp"
#include "xen/libxl/domain_config_reader.hpp"
#include "xen/libxl/domain_info.hpp"
#include "xen/libxl/hvm_facts.hpp"
#include "xen/libxl/saved_stream.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

namespace xb::xen {

namespace {

// The guest is told that its suspend was cancelled, which every kernel since 2008 understands.
constexpr int suspendCancelled = 1;

DomainInfo stateOf(LibxlContext& context, DomId domid) {
    const auto info = queryDomainState(context, domid);
    if (!info || info->dying)
        throw Error(fmt::format("there is no {}", domainText(domid)));
    return *info;
}

bool isSuspended(const std::optional<DomainInfo>& info) {
    return info && !info->dying && info->shutdown && info->reason == ShutdownReason::suspend;
}

void requireSaveable(LibxlContext& context, DomId domid) {
    const auto info = stateOf(context, domid);
    if (info.shutdown)
        throw Error(fmt::format("{} cannot be saved: it has shut down ({})", domainText(domid),
                                toString(info.reason)));
    // It could not answer the request to suspend: libxl would wait a minute for that.
    if (info.paused)
        throw Error(fmt::format("{} cannot be saved: it is paused; unpause it first", domainText(domid)));
}

// While the guest runs Xen has to tell which pages it writes to: of PV guests only Xen's shadow paging does,
// which a distribution may have built it without (Debian), of others the hardware's, too.
void requireLiveSave(LibxlContext& context, DomId domid) {
    libxl_physinfo info;
    libxl_physinfo_init(&info);
    context.check("asking for what Xen can do", libxl_get_physinfo(context.get(), &info));
    const bool shadow = info.cap_shadow;
    const bool hap = info.cap_hap;
    libxl_physinfo_dispose(&info);
    libxl_dominfo domain;
    libxl_dominfo_init(&domain);
    const int code = libxl_domain_info(context.get(), &domain, domid);
    const bool pv = domain.domain_type == LIBXL_DOMAIN_TYPE_PV;
    libxl_dominfo_dispose(&domain);
    context.check("asking for " + domainText(domid), code);
    if (shadow || (hap && !pv))
        return;
    throw Error(errors::notSupported,
                fmt::format("{} cannot be saved while it runs: this Xen has no shadow paging{} (virt_caps of "
                            "`xl info`); save it stopped",
                            domainText(domid), pv ? ", which PV guests need for that" : ""));
}

// libxl writes to the stream itself: the reader of a pipe that goes away is to be an error (EPIPE), not our
// end. Signals of this kind are of the thread that writes.
class NoPipeSignal {
public:
    NoPipeSignal() {
        ::sigemptyset(&pipe_);
        ::sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    NoPipeSignal(const NoPipeSignal&) = delete;
    NoPipeSignal& operator=(const NoPipeSignal&) = delete;
    ~NoPipeSignal() {
        const timespec now{};
        ::sigtimedwait(&pipe_, nullptr, &now); // the one that came, if any
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    sigset_t pipe_{};
    sigset_t before_{};
};

void save(LibxlContext& context, DomId domid, int stream, SaveMode mode) {
    requireSaveable(context, domid);
    if (mode == SaveMode::live)
        requireLiveSave(context, domid);
    SaveStream checked(stream);
    context.log().clear();
    const NoPipeSignal guard;
    const int flags = mode == SaveMode::live ? LIBXL_SUSPEND_LIVE : 0;
    const int code = libxl_domain_suspend(context.get(), domid, checked.get(), flags, nullptr);
    std::exception_ptr error;
    try {
        context.check("saving " + domainText(domid), code);
        checked.finish();
        return;
    } catch (...) {
        error = std::current_exception();
    }
    // A guest that stands still for a copy that nobody has is to go on.
    if (isSuspended(queryDomainState(context, domid)) &&
        libxl_domain_resume(context.get(), domid, suspendCancelled, nullptr) < 0)
        log::error("{} could not be saved, and does not go on either: {}", domainText(domid),
                   context.log().complaints());
    std::rethrow_exception(error);
}

void resume(LibxlContext& context, DomId domid) {
    if (!isSuspended(stateOf(context, domid)))
        throw Error(fmt::format("{} cannot be resumed: it is not suspended", domainText(domid)));
    context.check("resuming " + domainText(domid),
                  libxl_domain_resume(context.get(), domid, suspendCancelled, nullptr));
}

void dumpCore(LibxlContext& context, DomId domid, const std::string& path) {
    stateOf(context, domid);
    // libxl would follow a link and write over what is there.
    const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file)
        throw systemError("cannot make the core file " + path, errno);
    const auto opened = fmt::format("/proc/self/fd/{}", file.get());
    const int code = libxl_domain_core_dump(context.get(), domid, opened.c_str(), nullptr);
    if (code >= 0)
        return;
    ::unlink(path.c_str());
    throw libxlError(fmt::format("dumping the core of {} to {}", domainText(domid), path), code,
                     context.log());
}

} // namespace

std::string configurationJson(LibxlContext& context, DomId domid) {
    stateOf(context, domid);
    LibxlDomainConfig config;
    context.check("reading the configuration of " + domainText(domid),
                  libxl_retrieve_domain_configuration(context.get(), domid, &config.value, nullptr));
    const std::unique_ptr<char, decltype(&std::free)> text(
        libxl_domain_config_to_json(context.get(), &config.value), &std::free);
    if (!text)
        throw Error("the configuration of " + domainText(domid) + " cannot be written down");
    return text.get();
}

DomainConfig parseConfiguration(LibxlContext& context, const std::string& json) {
    // libxl takes a text that ends at its first NUL.
    if (json.empty() || json.find('\0') != std::string::npos)
        throw Error(errors::invalidArgs, "the configuration of a domain is no JSON");
    LibxlDomainConfig config;
    context.check("reading the configuration of a domain",
                  libxl_domain_config_from_json(context.get(), &config.value, json.c_str()));
    return describe(config.value);
}

Task<> saveDomain(std::shared_ptr<LibxlThreads> threads, DomId domid, UniqueFd stream, SaveMode mode) {
    const auto shared = std::make_shared<UniqueFd>(std::move(stream)); // jobs are copyable
    auto job = [domid, shared, mode](LibxlContext& context) {
        save(context, domid, shared->get(), mode);
        shared->reset(); // the reader of a pipe sees the end before the caller hears of it
    };
    co_await threads->run(std::move(job));
}

Task<> resumeDomain(std::shared_ptr<LibxlThreads> threads, DomId domid) {
    auto job = [domid](LibxlContext& context) { resume(context, domid); };
    co_await threads->run(job);
}

Task<> dumpDomainCore(std::shared_ptr<LibxlThreads> threads, DomId domid, std::string path) {
    auto job = [domid, path](LibxlContext& context) { dumpCore(context, domid, path); };
    co_await threads->run(std::move(job));
}

Task<> wakeDomain(std::shared_ptr<LibxlThreads> threads, std::shared_ptr<XenStore> store, DomId domid) {
    const bool hvm = co_await isHvm(threads, store, domid);
    if (!hvm)
        throw Error(errors::notSupported, domainText(domid) + " cannot be woken: only HVM guests sleep");
    auto job = [domid](LibxlContext& context) {
        context.check("waking " + domainText(domid),
                      libxl_send_trigger(context.get(), domid, LIBXL_TRIGGER_S3RESUME, 0, nullptr));
    };
    co_await threads->run(job);
    // Drivers of some guests wait for this one.
    co_await store->write(fmt::format("/local/domain/{}/wakeup-req", domid), "1");
}

} // namespace xb::xen
