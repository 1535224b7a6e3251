// SPDX-License-Identifier: Apache-2.0
// Much of everything at once: connections, subscriptions, changes of the rules, and too few descriptors. The
// proxy stays within its bounds, and who has no part in it is served.
#include "fixture.hpp"

#include <filesystem>

#include <sys/resource.h>

namespace xb::test {
namespace {

using namespace std::string_literals;
using testing::AnyOf;
using testing::StartsWith;

const std::string allowAll = "allow all\n";
constexpr auto driver = "org.freedesktop.DBus";

class ProxyFlood : public ProxyFixture {
protected:
    std::ptrdiff_t descriptors() const {
        return std::distance(
            std::filesystem::directory_iterator("/proc/" + std::to_string(proxy->pid()) + "/fd"), {});
    }
    static std::string ping(RawClient& client) {
        const std::uint32_t serial = client.call(driver, "/", "org.freedesktop.DBus.Peer", "Ping");
        return client.replyTo(serial).error();
    }
};

TEST_F(ProxyFlood, ConnectionsThatComeAndGoLeaveNothing) {
    startProxy(allowAll);
    RawClient other(socket());
    other.hello();
    const std::ptrdiff_t before = descriptors();
    for (int i = 0; i < 1000; ++i) {
        RawClient client(socket());
        if (i % 3 == 0)
            client.hello(); // the others leave in the middle of it, or at once
        else if (i % 3 == 1)
            client.send("\0AUTH EXTERNAL 30\r\nBEG"s);
        if (i % 100 == 0) {
            EXPECT_EQ(ping(other), "");
        }
    }
    EXPECT_TRUE(eventually([&] { return descriptors() == before; })) << descriptors() << ", not " << before;
    EXPECT_EQ(ping(other), "");
}

TEST_F(ProxyFlood, SubscriptionsOfOneAreNotThoseOfOthers) {
    startProxy(allowAll);
    RawClient greedy(socket());
    greedy.hello();
    constexpr int many = 10'000;
    std::string refused;
    for (int i = 0; i < many; ++i) {
        const std::uint32_t serial = greedy.call(driver, "/org/freedesktop/DBus", driver, "AddMatch",
                                                 "member='m" + std::to_string(i) + "'");
        const std::string error = greedy.replyTo(serial).error();
        if (!error.empty())
            refused = error;
    }
    EXPECT_THAT(refused, AnyOf(std::string(), errors::limitsExceeded)) << "the bus may have a limit, or not";
    RawClient modest(socket());
    modest.hello();
    const std::uint32_t serial =
        modest.call(driver, "/org/freedesktop/DBus", driver, "AddMatch", "member='tick'");
    EXPECT_EQ(modest.replyTo(serial).error(), "");
    EXPECT_EQ(ping(greedy), "");
}

TEST_F(ProxyFlood, WithoutDescriptorsThoseWhoAreConnectedGoOn) {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "UBSan looks at objects through a pipe: without descriptors it takes them for broken";
#endif
    startProxy(allowAll);
    const rlimit few{64, 64};
    ASSERT_EQ(::prlimit(proxy->pid(), RLIMIT_NOFILE, &few, nullptr), 0);
    std::vector<std::unique_ptr<RawClient>> clients;
    clients.push_back(std::make_unique<RawClient>(socket()));
    clients.back()->hello();
    for (int i = 0; i < 100; ++i) {
        clients.push_back(std::make_unique<RawClient>(socket()));
        clients.back()->sendHello();
    }
    ASSERT_TRUE(proxySays("cannot take another client: Too many open files"));
    EXPECT_EQ(ping(*clients.front()), "");
    clients.erase(clients.begin() + 1, clients.end());
    RawClient next(socket()); // waits until those who left are seen to
    next.hello();
    EXPECT_EQ(ping(next), "");
    EXPECT_EQ(ping(*clients.front()), "");
}

TEST_F(ProxyFlood, EveryCallIsAnsweredWhileRulesChange) {
    startProxy(allowAll);
    RawClient guest(socket());
    guest.hello();
    EXPECT_EQ(ping(guest), "");
    constexpr int changes = 20;
    constexpr int callsEach = 50;
    int answered = 0;
    int refused = 0;
    for (int i = 0; i < changes; ++i) {
        std::vector<std::uint32_t> serials;
        for (int j = 0; j < callsEach; ++j)
            serials.push_back(guest.call(driver, "/", "org.freedesktop.DBus.Peer", "Ping"));
        const bool denies = i % 2 == 0;
        writeRules(denies ? allowAll + "deny member Ping\n" : allowAll);
        proxy->signal(SIGHUP);
        for (const std::uint32_t serial : serials) {
            const std::string error = guest.replyTo(serial).error();
            EXPECT_THAT(error, AnyOf(std::string(), errors::accessDenied));
            (error.empty() ? answered : refused) += 1;
        }
    }
    EXPECT_EQ(answered + refused, changes * callsEach);
    writeRules(allowAll + "deny member Ping\n# the last\n");
    proxy->signal(SIGHUP);
    EXPECT_TRUE(eventually([&] { return ping(guest) == errors::accessDenied; }));
    EXPECT_THAT(proxy->messages(), testing::Not(testing::HasSubstr("error:")));
}

} // namespace
} // namespace xb::test
