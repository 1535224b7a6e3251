// SPDX-License-Identifier: Apache-2.0
#include "xen/vchan/domains.hpp"

#include "toolstack/libs/log.hpp"

extern "C" {
#include <xenstore.h>
}

#include <charconv>
#include <utility>

namespace xb::xen::vchan {

namespace {

std::optional<DomId> domidOf(const std::string& name) {
    DomId domid = 0;
    const char* end = name.data() + name.size();
    const auto [last, error] = std::from_chars(name.data(), end, domid);
    if (error != std::errc() || last != end)
        return std::nullopt;
    return domid;
}

} // namespace

Domains::Domains(Executor executor, std::shared_ptr<XenStoreClient> store, Handler onCome, Handler onGone)
    : executor_(std::move(executor)), store_(std::move(store)), onCome_(std::move(onCome)),
      onGone_(std::move(onGone)) {}

Task<> Domains::start(std::shared_ptr<Domains> self) {
    const auto onChange = [weak = std::weak_ptr(self)](const std::string&) {
        if (const auto domains = weak.lock())
            domains->lookSoon();
    };
    XenStore::WatchHandler forComing = onChange;
    XenStore::WatchHandler forGoing = onChange;
    // Registering calls the handlers: that is the first look.
    self->comes_ = co_await self->store_->watch("@introduceDomain", std::move(forComing));
    self->goes_ = co_await self->store_->watch("@releaseDomain", std::move(forGoing));
}

void Domains::stop() {
    stopped_ = true;
    comes_.reset();
    goes_.reset();
}

void Domains::lookSoon() {
    again_ = true;
    if (looking_ || stopped_)
        return;
    looking_ = true;
    spawn(executor_, "looking which domains there are", look(shared_from_this()));
}

Task<> Domains::look(std::shared_ptr<Domains> self) {
    while (std::exchange(self->again_, false) && !self->stopped_) {
        try {
            const auto now = co_await self->introduced();
            self->compare(now);
        } catch (const std::exception& e) {
            log::error("cannot tell which domains there are: {}", e.what());
        }
    }
    self->looking_ = false;
}

// A home in xenstore outlives its domain and comes before it; what counts is whether xenstored serves the
// domain.
Task<std::set<DomId>> Domains::introduced() {
    const auto names = co_await store_->list("/local/domain");
    std::set<DomId> candidates;
    for (const auto& name : names)
        if (const auto domid = domidOf(name); domid && *domid != 0)
            candidates.insert(*domid);
    auto work = [candidates](xs_handle* handle) {
        std::set<DomId> result;
        for (const DomId domid : candidates)
            if (xs_is_domain_introduced(handle, domid))
                result.insert(domid);
        return result;
    };
    co_return co_await store_->run(std::move(work));
}

void Domains::compare(const std::set<DomId>& now) {
    const auto before = std::exchange(known_, now);
    for (const DomId domid : before)
        if (!now.contains(domid) && !stopped_)
            onGone_(domid);
    for (const DomId domid : now)
        if (!before.contains(domid) && !stopped_)
            onCome_(domid);
}

} // namespace xb::xen::vchan
