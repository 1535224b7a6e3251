// SPDX-License-Identifier: Apache-2.0
// Names that are not what they seem: -n, --owner-name, --translate-anonymous-dests.
#include "fixture.hpp"

namespace xb::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ProxyNames : public ProxyFixture {
protected:
    const std::string echoAlone =
        basics + std::string("allow inc-method-call destination ") + serviceName + " member echo\n";

    std::string ownerOf(Bus& client, const std::string& name) {
        const auto owner = await(client.owner(name));
        return owner.value_or("nobody");
    }
};

TEST_F(ProxyNames, GuestsHaveTheOneOfTheirVm) {
    const std::string own = "com.citrix.xenclient.guest.uuid_11111111_2222_4333_8444_555555555555";
    startProxy("allow all\n", {"-n", "com.citrix.xenclient.guest.uuid_$UUID"});
    const auto guest = connect();
    EXPECT_EQ(ownerOf(*guest, "com.example.agent"), "nobody");
    guest->requestName("com.example.agent");
    EXPECT_EQ(ownerOf(*dom0, own), guest->uniqueName());
    EXPECT_EQ(ownerOf(*dom0, "com.example.agent"), "nobody");
    EXPECT_EQ(ownerOf(*guest, "com.example.agent"), guest->uniqueName());
    EXPECT_EQ(ownerOf(*guest, own), guest->uniqueName());
    guest->objects().add("/", std::make_shared<TestService>());
    EXPECT_EQ(ask(*dom0, "echo", "x", own), "x");
    EXPECT_EQ(askDriver(*guest, "ReleaseName", "com.example.agent"), "none");
    EXPECT_EQ(ownerOf(*dom0, own), "nobody");
    EXPECT_EQ(ownerOf(*guest, "com.example.agent"), "nobody");
}

TEST_F(ProxyNames, WithoutAVmThereIsNone) {
    writeRules("allow all\n");
    startProxyWith({"-d", "9", "-n", "com.citrix.xenclient.guest.uuid_$UUID"});
    const auto guest = connect();
    EXPECT_THAT(askDriver(*guest, "RequestName", "com.example.agent"), StartsWith(errors::accessDenied));
}

TEST_F(ProxyNames, AreAnsweredAsTheirOwnOwners) {
    startProxy("allow all\n", {"--owner-name"});
    const auto guest = connect();
    EXPECT_EQ(ownerOf(*guest, serviceName), serviceName);
    EXPECT_EQ(ownerOf(*dom0, serviceName), dom0->uniqueName());
    EXPECT_EQ(ownerOf(*guest, "com.example.nobody"), "nobody");
}

TEST_F(ProxyNames, DoNotStandForUniqueOnesUnlessToldTo) {
    startProxy(echoAlone);
    const auto guest = connect();
    EXPECT_THAT(ask(*guest, "echo", "x", dom0->uniqueName()), StartsWith(errors::accessDenied));
    EXPECT_EQ(ask(*guest, "echo", "x"), "x");
}

TEST_F(ProxyNames, StandForUniqueOnesWhenRulesNameThem) {
    startProxy(echoAlone, {"--translate-anonymous-dests"});
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "echo", "x", dom0->uniqueName()), "x");
    EXPECT_THAT(ask(*guest, "other", "x", dom0->uniqueName()), StartsWith(errors::accessDenied));
    // Somebody else has the name now; the one who had it is nobody that the rules know.
    const std::string before = dom0->uniqueName();
    ASSERT_EQ(askDriver(*dom0, "ReleaseName", serviceName), "none");
    Bus next(loop, bus.address());
    next.objects().add("/", std::make_shared<TestService>());
    next.requestName(serviceName);
    EXPECT_EQ(ask(*guest, "echo", "x"), "x");
    EXPECT_EQ(ask(*guest, "echo", "x", next.uniqueName()), "x");
    EXPECT_THAT(ask(*guest, "echo", "x", before), StartsWith(errors::accessDenied));
}

TEST_F(ProxyNames, MayMakeAMessageLongerThanTheLimitOfWhatComes) {
    startProxy("allow all\n", {"--translate-anonymous-dests", "--max-message-bytes", "4096"});
    const auto guest = connect();
    // Of 4069 to 4093 bytes; the well-known name adds 16.
    for (std::size_t size = 3960; size <= 3984; ++size)
        EXPECT_EQ(ask(*guest, "echo", std::string(size, 'x'), dom0->uniqueName()).size(), size);
    EXPECT_TRUE(proxy->running());
}

} // namespace
} // namespace xb::test
