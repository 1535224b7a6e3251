// SPDX-License-Identifier: Apache-2.0
// Who watches a domain hears of its stop once and of its end once, whenever they happen.
#include "tests/unit/xen_libxl/fake_store.hpp"
#include "tests/unit/xen_libxl/run_task.hpp"
#include "xen/libxl/death_watcher.hpp"

#include <gtest/gtest.h>

namespace xb::xen {
namespace {

using Kind = DomainEvent::Kind;

class DeathWatcherTest : public testing::Test {
public:
    void add(DomId domid, const std::string& uuid) {
        DomainInfo info;
        info.domid = domid;
        info.uuid = uuid;
        domains[domid] = info;
    }

    void stop(DomId domid, ShutdownReason reason) {
        domains[domid].shutdown = true;
        domains[domid].reason = reason;
        store->fire("@releaseDomain");
    }

    Task<std::optional<DomainInfo>> query(DomId domid) {
        ++queries;
        co_await asio::post(loop.context(), asio::use_awaitable);
        const auto found = domains.find(domid);
        co_return found == domains.end() ? std::nullopt : std::optional(found->second);
    }

    // Notes events and tells waiters.
    Hypervisor::EventHandler recorder() {
        return [this](DomainEvent event) {
            events.push_back(event);
            happened.set();
        };
    }

    Task<std::unique_ptr<DomainWatch>> watch(DomId domid) {
        return DeathWatcher::watch(watcher, domid, recorder());
    }

    Task<> expectEvents(std::size_t count) {
        while (events.size() < count) {
            happened.clear();
            const bool inTime = co_await happened.waitFor(testLimit / 2);
            if (!inTime)
                throw std::runtime_error("no event");
        }
        EXPECT_EQ(events.size(), count);
    }

    // Lets everything that is under way happen: after a further, silent look nothing is left.
    Task<> settle() {
        store->fire("@releaseDomain");
        const int before = queries;
        for (int i = 0; i < 100 && queries == before; ++i)
            co_await asio::post(loop.context(), asio::use_awaitable);
        for (int i = 0; i < 100; ++i)
            co_await asio::post(loop.context(), asio::use_awaitable);
    }

    Loop loop;
    std::map<DomId, DomainInfo> domains;
    std::vector<DomainEvent> events;
    Event happened{loop.executor()};
    int queries = 0;
    std::shared_ptr<FakeStore> store = std::make_shared<FakeStore>(loop.executor());
    std::shared_ptr<DeathWatcher> watcher =
        std::make_shared<DeathWatcher>(loop.executor(), store, [this](DomId domid) { return query(domid); });
};

TEST_F(DeathWatcherTest, ReportsStopThenEndOnceEach) {
    auto body = [](DeathWatcherTest& t) -> Task<> {
        t.add(7, "a");
        const auto held = co_await t.watch(7);
        co_await t.settle();
        EXPECT_TRUE(t.events.empty());
        t.stop(7, ShutdownReason::crash);
        co_await t.expectEvents(1);
        EXPECT_EQ(t.events[0].kind, Kind::shutdown);
        EXPECT_EQ(t.events[0].reason, ShutdownReason::crash);
        co_await t.settle();
        EXPECT_EQ(t.events.size(), 1U);
        t.domains.erase(7);
        t.store->fire("@releaseDomain");
        co_await t.expectEvents(2);
        EXPECT_EQ(t.events[1].kind, Kind::death);
        co_await t.settle();
        EXPECT_EQ(t.events.size(), 2U);
    };
    runTask(loop, body(*this));
}

TEST_F(DeathWatcherTest, ReportsWhatHappenedBefore) {
    auto body = [](DeathWatcherTest& t) -> Task<> {
        t.add(7, "a");
        t.stop(7, ShutdownReason::reboot);
        const auto first = co_await t.watch(7);
        co_await t.expectEvents(1);
        EXPECT_EQ(t.events[0].reason, ShutdownReason::reboot);
        // The store's watch is there already: nothing fires for the second one.
        const auto second = co_await t.watch(8);
        co_await t.expectEvents(2);
        EXPECT_EQ(t.events[1].kind, Kind::death);
    };
    runTask(loop, body(*this));
}

TEST_F(DeathWatcherTest, DyingIsDead) {
    auto body = [](DeathWatcherTest& t) -> Task<> {
        t.add(7, "a");
        const auto held = co_await t.watch(7);
        t.domains[7].dying = true;
        t.store->fire("@releaseDomain");
        co_await t.expectEvents(1);
        EXPECT_EQ(t.events[0].kind, Kind::death);
    };
    runTask(loop, body(*this));
}

TEST_F(DeathWatcherTest, AnotherDomainWithTheNumberIsNotMeant) {
    auto body = [](DeathWatcherTest& t) -> Task<> {
        t.add(7, "a");
        const auto held = co_await t.watch(7);
        co_await t.settle();
        t.add(7, "b");
        t.store->fire("@releaseDomain");
        co_await t.expectEvents(1);
        EXPECT_EQ(t.events[0].kind, Kind::death);
    };
    runTask(loop, body(*this));
}

TEST_F(DeathWatcherTest, SeveralWatchesAndAnEndedOne) {
    auto body = [](DeathWatcherTest& t) -> Task<> {
        t.add(7, "a");
        t.add(8, "b");
        const auto first = co_await t.watch(7);
        const auto second = co_await t.watch(7);
        auto third = co_await t.watch(7);
        const auto other = co_await t.watch(8);
        co_await t.settle();
        third.reset();
        t.stop(7, ShutdownReason::poweroff);
        co_await t.expectEvents(2);
        co_await t.settle();
        EXPECT_EQ(t.events.size(), 2U);
    };
    runTask(loop, body(*this));
}

TEST_F(DeathWatcherTest, HandlerMayEndItsWatch) {
    auto body = [](DeathWatcherTest& t) -> Task<> {
        t.add(7, "a");
        std::unique_ptr<DomainWatch> held;
        auto handler = [&t, &held](DomainEvent event) {
            held.reset();
            t.recorder()(event);
        };
        held = co_await DeathWatcher::watch(t.watcher, 7, handler);
        co_await t.settle();
        t.stop(7, ShutdownReason::poweroff);
        co_await t.expectEvents(1);
        t.domains.erase(7);
        co_await t.settle();
        EXPECT_EQ(t.events.size(), 1U);
    };
    runTask(loop, body(*this));
}

} // namespace
} // namespace xb::xen
