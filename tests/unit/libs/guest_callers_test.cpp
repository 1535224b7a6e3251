// SPDX-License-Identifier: Apache-2.0
// Which connections are guests', and until when.
#include "toolstack/libs/guest_callers.hpp"

#include "tests/support/private_bus.hpp"
#include "toolstack/libs/error.hpp"

#include <gtest/gtest.h>

#include <pwd.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace xb {
namespace {

constexpr auto uuid = "11111111-2222-4333-8444-555555555555";

TEST(GuestNames, AreReadStrictly) {
    EXPECT_EQ(guestDomainOf("com.citrix.xenclient.guest.domid_7.c1234_1"), 7U);
    EXPECT_EQ(guestDomainOf("com.citrix.xenclient.guest.domid_0.c0_0"), 0U);
    EXPECT_EQ(guestDomainOf("com.citrix.xenclient.guest.domid_32751.c1_2"), 32751U);
    for (const char* odd :
         {"com.citrix.xenclient.guest.domid_", "com.citrix.xenclient.guest.domid_7",
          "com.citrix.xenclient.guest.domid_07.c1_2", "com.citrix.xenclient.guest.domid_-7.c1_2",
          "com.citrix.xenclient.guest.domid_32752.c1_2", "com.citrix.xenclient.guest.domid_4294967303.c1_2",
          "com.citrix.xenclient.guest.domid_7.c1_2.x", "com.citrix.xenclient.guest.domid_7.c_2",
          "com.citrix.xenclient.guest.domid_7.d1_2", "com.citrix.xenclient.guest.domid_7.c1"})
        EXPECT_EQ(guestDomainOf(odd), unknownDomain) << odd;
    for (const char* other : {"com.citrix.xenclient.guest", "com.citrix.xenclient.guest.uuid_7", ":1.7",
                              "xcom.citrix.xenclient.guest.domid_7.c1_2"})
        EXPECT_EQ(guestDomainOf(other), std::nullopt) << other;
}

class GuestCallersTest : public testing::Test {
protected:
    std::unique_ptr<Bus> guest(const std::string& name) {
        auto connection = std::make_unique<Bus>(loop, daemon.address());
        connection->requestName("com.citrix.xenclient.guest." + name);
        return connection;
    }
    bool waitFor(const std::function<bool()>& condition) {
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        loop.context().restart();
        while (!condition() && std::chrono::steady_clock::now() < deadline)
            loop.context().run_one_until(deadline);
        return condition();
    }
    std::optional<GuestCaller> callerOf(const Bus& connection) {
        std::optional<GuestCaller> result;
        std::exception_ptr failure;
        bool done = false;
        asio::co_spawn(loop.context(), callers->of(connection.uniqueName()),
                       [&](std::exception_ptr e, std::optional<GuestCaller> caller) {
                           failure = e;
                           result = std::move(caller);
                           done = true;
                       });
        EXPECT_TRUE(waitFor([&done] { return done; }));
        if (failure)
            std::rethrow_exception(failure);
        return result;
    }
    void start(const std::string& proxyUser = "no-such-user") {
        callers.emplace(bus, proxyUser, [this](std::uint32_t) -> Task<std::string> {
            ++questions;
            return answer(this);
        });
    }
    static Task<std::string> answer(GuestCallersTest* self) { co_return self->uuidToTell; }

    test::PrivateBus daemon;
    Loop loop;
    Bus bus{loop, daemon.address()};
    std::string uuidToTell = uuid;
    int questions = 0;
    std::optional<GuestCallers> callers;
};

TEST_F(GuestCallersTest, AreFoundAtTheStartAndFollowed) {
    const auto early = guest("domid_7.c1_1");
    start();
    const auto late = guest("domid_8.c1_2");
    const Bus plain(loop, daemon.address());
    ASSERT_TRUE(waitFor([this] { return callers->size() == 2; }));
    EXPECT_FALSE(callers->isDom0(early->uniqueName()));
    EXPECT_TRUE(callers->isDom0(plain.uniqueName()));
    EXPECT_EQ(callerOf(*early)->domid, 7U);
    EXPECT_EQ(callerOf(*early)->uuid, uuid);
    EXPECT_EQ(callerOf(*late)->domid, 8U);
    EXPECT_EQ(questions, 2) << "each connection is asked about once";
    EXPECT_FALSE(callerOf(plain));
}

TEST_F(GuestCallersTest, AreForgottenWhenTheyEnd) {
    start();
    auto ending = guest("domid_7.c1_1");
    ASSERT_TRUE(waitFor([this] { return callers->size() == 1; }));
    ending.reset();
    EXPECT_TRUE(waitFor([this] { return callers->size() == 0; }));
}

TEST_F(GuestCallersTest, DomainZeroIsNoGuest) {
    start();
    const auto local = guest("domid_0.c1_1");
    ASSERT_TRUE(waitFor([this] { return callers->size() == 1; }));
    EXPECT_FALSE(callerOf(*local));
    EXPECT_TRUE(callers->isDom0(local->uniqueName()));
}

TEST_F(GuestCallersTest, TheProxysUserStandsForSomebody) {
    const passwd* const us = ::getpwuid(::getuid());
    ASSERT_NE(us, nullptr);
    start(us->pw_name);
    const Bus plain(loop, daemon.address());
    const auto odd = guest("uuid_x");
    const auto own = guest("domid_0.c1_0");
    const auto ofGuest = guest("domid_7.c1_1");
    ASSERT_TRUE(waitFor([this] { return callers->size() == 2; }));
    EXPECT_FALSE(callers->isDom0(plain.uniqueName()));
    EXPECT_THROW(callerOf(plain), Error);
    EXPECT_THROW(callerOf(*odd), Error);
    EXPECT_FALSE(callers->isDom0(own->uniqueName())) << "not before it was looked at";
    EXPECT_FALSE(callerOf(*own));
    EXPECT_TRUE(callers->isDom0(own->uniqueName()));
    EXPECT_EQ(callerOf(*ofGuest)->domid, 7U);
}

TEST_F(GuestCallersTest, AUuidIsNotAskedForInVain) {
    callers.emplace(bus, "no-such-user", nullptr);
    const auto one = guest("domid_7.c1_1");
    ASSERT_TRUE(waitFor([this] { return callers->size() == 1; }));
    EXPECT_EQ(callerOf(*one)->domid, 7U);
    EXPECT_EQ(callerOf(*one)->uuid, "");
    const auto odd = guest("domid_x");
    ASSERT_TRUE(waitFor([this] { return callers->size() == 2; }));
    EXPECT_THROW(callerOf(*odd), Error);
}

TEST_F(GuestCallersTest, AUuidThatIsNoneIsRefusedUntilItIsOne) {
    start();
    const auto odd = guest("domid_7.c1_1");
    ASSERT_TRUE(waitFor([this] { return callers->size() == 1; }));
    for (const char* text : {"", "../vm", "/", "11111111-2222-4333-8444-55555555555"}) {
        uuidToTell = text;
        EXPECT_THROW(callerOf(*odd), Error) << text;
    }
    uuidToTell = uuid;
    EXPECT_EQ(callerOf(*odd)->uuid, uuid);
}

} // namespace
} // namespace xb
