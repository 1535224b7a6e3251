// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/guest_request.hpp"

#include <fmt/format.h>

namespace xb::xen {

namespace {

const char* wordFor(ShutdownRequest request) {
    switch (request) {
    case ShutdownRequest::poweroff:
        return "poweroff";
    case ShutdownRequest::reboot:
        return "reboot";
    case ShutdownRequest::suspend:
        return "suspend";
    }
    return "";
}

bool runs(const std::optional<DomainInfo>& info) {
    return info && !info->shutdown && !info->dying;
}

Task<bool> ask(Executor executor, std::shared_ptr<XenStore> store, DeathWatcher::Query query, DomId domid,
               std::string word, std::chrono::seconds limit) {
    const auto node = fmt::format("/local/domain/{}/control/shutdown", domid);
    const auto deadline = std::chrono::steady_clock::now() + limit;

    auto changed = std::make_shared<Event>(executor);
    auto onChange = [changed](const std::string&) { changed->set(); };
    // A domain that stops without an acknowledgement is told by the second.
    const auto nodeWatch = co_await store->watch(node, onChange);
    const auto releaseWatch = co_await store->watch("@releaseDomain", onChange);
    co_await store->write(node, word);
    for (;;) {
        changed->clear();
        const auto value = co_await store->read(node);
        if (!value || value->empty())
            co_return true;
        const auto info = co_await query(domid);
        if (!runs(info))
            co_return true;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() > 0 && co_await changed->waitFor(left))
            continue;
        const auto last = co_await store->read(node);
        if (last != word)
            co_return !last || last->empty();
        co_await store->write(node, "");
        co_return false;
    }
}

} // namespace

Task<bool> requestOfGuest(Executor executor, std::shared_ptr<XenStore> store, DeathWatcher::Query query,
                          DomId domid, ShutdownRequest request, std::chrono::seconds limit) {
    return ask(std::move(executor), std::move(store), std::move(query), domid, wordFor(request), limit);
}

Task<bool> requestSleepOfGuest(Executor executor, std::shared_ptr<XenStore> store, DeathWatcher::Query query,
                               DomId domid, SleepState state, std::chrono::seconds limit) {
    return ask(std::move(executor), std::move(store), std::move(query), domid,
               state == SleepState::s3 ? "s3" : "hibernate", limit);
}

} // namespace xb::xen
