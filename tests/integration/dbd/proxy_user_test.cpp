// SPDX-License-Identifier: Apache-2.0
// Where rpc-proxy has a user of its own, its connections are guests' or nobody's.
#include "fixture.hpp"

#include <pwd.h>
#include <unistd.h>

namespace xb::test {
namespace {

using testing::StartsWith;

class DbdProxyUser : public DbdFixture {
protected:
    static std::string ourUser() {
        const passwd* const entry = ::getpwuid(::getuid());
        return entry != nullptr ? entry->pw_name : "";
    }
};

TEST_F(DbdProxyUser, IsRefusedWithoutAGuestsName) {
    ASSERT_NE(ourUser(), "");
    const std::string uuid = "11111111-2222-4333-8444-555555555555";
    startXenstore();
    setDomain(7, uuid);
    startDbd({"--proxy-user", ourUser()});
    EXPECT_THAT(errorOf(dom0->db.read("/k")), StartsWith(errors::accessDenied));
    EXPECT_THAT(errorOf(dom0->db.write("/k", "1")), StartsWith(errors::accessDenied));
    EXPECT_THAT(errorOf(dom0->extension.statistics()), StartsWith(errors::accessDenied));
    const auto guest = connectGuest(7);
    EXPECT_EQ(errorOf(guest->db.write("/k", "1")), "none");
    EXPECT_EQ(await(guest->db.read("/k")), "1");
    dom0->bus.requestName("com.citrix.xenclient.guest.domid_7.c1_99"); // late, but now it is one
    EXPECT_EQ(await(dom0->db.read("/k")), "1");
}

TEST_F(DbdProxyUser, OtherUsersAreDom0) {
    const char* const somebody = ::getuid() == 0 ? "nobody" : "root";
    startDbd({"--proxy-user", somebody});
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(errorOf(dom0->db.write("/k", "1")), "none");
    EXPECT_EQ(await(connect()->db.read("/k")), "1");
}

TEST_F(DbdProxyUser, ThatDoesNotExistChangesNothing) {
    startDbd({"--proxy-user", "no-such-user"});
    EXPECT_EQ(errorOf(dom0->db.write("/k", "1")), "none");
}

} // namespace
} // namespace xb::test
