// SPDX-License-Identifier: Apache-2.0
// Tells who watches a domain that it stopped or went. xenstored fires @releaseDomain whenever any domain does
// either (it does not say which): then the watched ones are looked at. This is what libxl's own death events
// are made of; done here it needs neither a libxl context for events nor a thread that polls one.
#pragma once

#include "xen/hypervisor.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace xb::xen {

class DeathWatcher : public std::enable_shared_from_this<DeathWatcher> {
public:
    /// How to look at a domain; nothing when there is none.
    using Query = std::function<Task<std::optional<DomainInfo>>(DomId)>;

    DeathWatcher(Executor executor, std::shared_ptr<XenStore> store, Query query);

    /// As Hypervisor::watch().
    static Task<std::unique_ptr<DomainWatch>> watch(std::shared_ptr<DeathWatcher> self, DomId domid,
                                                    Hypervisor::EventHandler handler);
    /// The domain, which had stopped, runs again: its next stop is news.
    void resumed(DomId domid);

private:
    struct Entry;
    class Watch;

    void lookSoon();
    static Task<> look(std::shared_ptr<DeathWatcher> self);
    static Task<> lookAt(std::shared_ptr<DeathWatcher> self, std::shared_ptr<Entry> entry);
    static void judge(Entry& entry, const std::optional<DomainInfo>& info);

    Executor executor_;
    std::shared_ptr<XenStore> store_;
    Query query_;
    std::unique_ptr<XenStoreWatch> released_;
    std::vector<std::weak_ptr<Entry>> entries_;
    bool looking_ = false;
    bool again_ = false; // something happened while looking
};

} // namespace xb::xen
