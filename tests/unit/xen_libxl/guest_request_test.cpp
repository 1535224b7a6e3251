// SPDX-License-Identifier: Apache-2.0
// Asking a guest to stop: acknowledgement, silence, a guest that stops without a word.
#include "tests/unit/xen_libxl/fake_store.hpp"
#include "tests/unit/xen_libxl/run_task.hpp"
#include "xen/libxl/guest_request.hpp"

#include <gtest/gtest.h>

namespace xb::xen {
namespace {

const std::string node = "/local/domain/7/control/shutdown";

class GuestRequestTest : public testing::Test {
public:
    GuestRequestTest() { info.emplace(); }

    Task<bool> ask(ShutdownRequest request, std::chrono::seconds limit) {
        auto query = [this](DomId) -> Task<std::optional<DomainInfo>> { co_return info; };
        return requestOfGuest(loop.executor(), store, query, 7, request, limit);
    }

    // A guest: waits for a word, then reacts.
    Task<std::unique_ptr<XenStoreWatch>> guest(std::function<void(const std::string&)> react) {
        auto onChange = [this, react](const std::string&) {
            const auto word = store->values.find(node);
            if (word != store->values.end() && !word->second.empty())
                react(word->second);
        };
        return store->watch(node, onChange);
    }

    Loop loop;
    std::optional<DomainInfo> info;
    std::shared_ptr<FakeStore> store = std::make_shared<FakeStore>(loop.executor());
};

TEST_F(GuestRequestTest, AcknowledgedByEmptyingTheNode) {
    auto body = [](GuestRequestTest& t) -> Task<> {
        std::string seen;
        auto react = [&](const std::string& word) {
            seen = word;
            t.store->values[node] = "";
            t.store->fire(node);
        };
        const auto held = co_await t.guest(react);
        const bool poweroff = co_await t.ask(ShutdownRequest::poweroff, testLimit);
        EXPECT_TRUE(poweroff);
        EXPECT_EQ(seen, "poweroff");
        const bool reboot = co_await t.ask(ShutdownRequest::reboot, testLimit);
        EXPECT_TRUE(reboot);
        EXPECT_EQ(seen, "reboot");
        const bool suspend = co_await t.ask(ShutdownRequest::suspend, testLimit);
        EXPECT_TRUE(suspend);
        EXPECT_EQ(seen, "suspend");
        EXPECT_EQ(t.store->watches(), 1U);
    };
    runTask(loop, body(*this));
}

TEST_F(GuestRequestTest, SilenceIsFalseAndWithdrawn) {
    auto body = [](GuestRequestTest& t) -> Task<> {
        const bool acknowledged = co_await t.ask(ShutdownRequest::poweroff, std::chrono::seconds(0));
        EXPECT_FALSE(acknowledged);
        EXPECT_EQ(t.store->values[node], "");
        EXPECT_EQ(t.store->watches(), 0U);
    };
    runTask(loop, body(*this));
}

TEST_F(GuestRequestTest, AnothersRequestIsLeftAlone) {
    auto body = [](GuestRequestTest& t) -> Task<> {
        auto react = [&t](const std::string& word) {
            if (word == "poweroff")
                t.store->values[node] = "reboot"; // of another toolstack
        };
        const auto held = co_await t.guest(react);
        const bool acknowledged = co_await t.ask(ShutdownRequest::poweroff, std::chrono::seconds(1));
        EXPECT_FALSE(acknowledged);
        EXPECT_EQ(t.store->values[node], "reboot");
    };
    runTask(loop, body(*this));
}

TEST_F(GuestRequestTest, StoppingWithoutAWordIsEnough) {
    auto body = [](GuestRequestTest& t) -> Task<> {
        auto react = [&t](const std::string&) {
            t.info->shutdown = true;
            t.store->fire("@releaseDomain");
        };
        const auto held = co_await t.guest(react);
        const bool stopped = co_await t.ask(ShutdownRequest::poweroff, testLimit);
        EXPECT_TRUE(stopped);
    };
    runTask(loop, body(*this));
}

} // namespace
} // namespace xb::xen
