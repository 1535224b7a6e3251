// SPDX-License-Identifier: Apache-2.0
#include "xen/libxl/death_watcher.hpp"

#include "toolstack/libs/log.hpp"

namespace xb::xen {

struct DeathWatcher::Entry {
    DomId domid = 0;
    Hypervisor::EventHandler handler; // empty once the watch has ended
    std::string uuid;     // of the domain that is meant: its number may be given to another one later
    bool stopped = false; // reported
};

// The only owner of an entry.
class DeathWatcher::Watch final : public DomainWatch {
public:
    explicit Watch(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() override { entry_->handler = nullptr; }

private:
    std::shared_ptr<Entry> entry_;
};

DeathWatcher::DeathWatcher(Executor executor, std::shared_ptr<XenStore> store, Query query)
    : executor_(std::move(executor)), store_(std::move(store)), query_(std::move(query)) {}

Task<std::unique_ptr<DomainWatch>> DeathWatcher::watch(std::shared_ptr<DeathWatcher> self, DomId domid,
                                                       Hypervisor::EventHandler handler) {
    if (!self->released_) {
        auto onRelease = [weak = self->weak_from_this()](const std::string&) {
            if (auto watcher = weak.lock())
                watcher->lookSoon();
        };
        auto released = co_await self->store_->watch("@releaseDomain", std::move(onRelease));
        if (!self->released_)
            self->released_ = std::move(released);
    }
    auto entry = std::make_shared<Entry>();
    entry->domid = domid;
    entry->handler = std::move(handler);
    std::erase_if(self->entries_, [](const auto& weak) { return weak.expired(); });
    self->entries_.push_back(entry);
    // Whatever happened before is seen by this look, what happens after it fires the xenstore watch.
    self->lookSoon();
    co_return std::make_unique<Watch>(std::move(entry));
}

void DeathWatcher::resumed(DomId domid) {
    for (const auto& weak : entries_)
        if (const auto entry = weak.lock(); entry && entry->domid == domid)
            entry->stopped = false;
    lookSoon(); // it may have stopped again before we came here
}

void DeathWatcher::lookSoon() {
    again_ = true;
    if (looking_)
        return;
    looking_ = true;
    spawn(executor_, "watching domains", look(shared_from_this()));
}

Task<> DeathWatcher::look(std::shared_ptr<DeathWatcher> self) {
    while (std::exchange(self->again_, false)) {
        const auto entries = self->entries_;
        for (const auto& weak : entries)
            if (auto entry = weak.lock(); entry && entry->handler)
                co_await lookAt(self, entry);
    }
    self->looking_ = false;
}

Task<> DeathWatcher::lookAt(std::shared_ptr<DeathWatcher> self, std::shared_ptr<Entry> entry) {
    try {
        const auto info = co_await self->query_(entry->domid);
        judge(*entry, info);
    } catch (const std::exception& e) {
        log::error("watching domain {}: {}", entry->domid, e.what());
    }
}

void DeathWatcher::judge(Entry& entry, const std::optional<DomainInfo>& info) {
    if (info && entry.uuid.empty())
        entry.uuid = info->uuid;
    const bool gone = !info || info->dying || info->uuid != entry.uuid;
    if (!entry.handler || (!gone && (!info->shutdown || entry.stopped)))
        return;
    DomainEvent event;
    // Called through a copy: the handler may end the watch.
    auto handler = entry.handler;
    if (gone) {
        entry.handler = nullptr; // the last report
        event.kind = DomainEvent::Kind::death;
    } else {
        entry.stopped = true;
        event.kind = DomainEvent::Kind::shutdown;
        event.reason = info->reason;
    }
    handler(event);
}

} // namespace xb::xen
