// SPDX-License-Identifier: Apache-2.0
// rpc-proxy as a user of its own, whose connections services refuse unless they stand for somebody: it is
// heard itself, and so are its guests. This test's user plays that user, and its dbd is the service.
#include "fixture.hpp"

#include "idl/db_client.hpp"
#include "rpc-proxy/own_name.hpp"
#include "toolstack/libs/files.hpp"

#include <pwd.h>
#include <unistd.h>

namespace xb::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ProxyOwnUser : public ProxyFixture {
protected:
    ProxyOwnUser() {
        vmRules = true;
        const passwd* const us = ::getpwuid(::getuid());
        makeDirectories(directory.path() / "root/config");
        dbd = std::make_unique<Process>(
            directory.path(), "dbd",
            std::vector<std::string>{DBD, "--bus", bus.address(), "--root", directory.path() / "root",
                                     "--hypervisor", "emulated", "--emulator-directory",
                                     directory.path() / "emulator", "--log-to", "stderr", "--proxy-user",
                                     us != nullptr ? us->pw_name : ""});
        EXPECT_TRUE(dbd->waitReady()) << dbd->messages();
    }
    std::string write(Bus& client, const std::string& path, const std::string& value) {
        try {
            await(idl::db::DbClient(client, database, "/").write(path, value));
            return "none";
        } catch (const Error& e) {
            return e.name() + ": " + e.what();
        }
    }

    static constexpr auto database = "com.citrix.xenclient.db";
    std::unique_ptr<Process> dbd;
};

TEST_F(ProxyOwnUser, IsHeardItselfAndForItsGuests) {
    const std::string rule = std::string("/vm/") + uuid + "/rpc-firewall-rules/0";
    EXPECT_THAT(write(*dom0, rule, "deny member other"), StartsWith(errors::accessDenied))
        << "a connection without a name";
    Bus writer(loop, bus.address());
    writer.requestName("com.citrix.xenclient.guest.domid_0.c1_1");
    ASSERT_EQ(write(writer, rule, "deny member other"), "none");

    startProxy("allow all\n");
    EXPECT_TRUE(await(dom0->owner(proxy::ownConnectionName(proxy->pid()))));
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    EXPECT_THAT(ask(*guest, "other"), StartsWith(errors::accessDenied)) << "the database told the VM's rule";
    EXPECT_EQ(write(*guest, "/k", "of the guest"), "none");
    EXPECT_EQ(await(idl::db::DbClient(writer, database, "/").read(std::string("/dom-store/") + uuid + "/k")),
              "of the guest");
}

TEST_F(ProxyOwnUser, ItsNameIsNoGuests) {
    startProxy("allow all\n", {"--own-name", "com.citrix.xenclient.*"});
    const auto guest = connect();
    for (const std::string& name : {proxy::ownConnectionName(1), proxy::ownConnectionName(proxy->pid())})
        EXPECT_THAT(askDriver(*guest, "ReleaseName", name), HasSubstr("the proxy's own")) << name;
    EXPECT_THROW(guest->requestName(proxy::ownConnectionName(1)), Error);
    ASSERT_EQ(write(*guest, "/vm/x/name", "1"), "none");
    Bus dom0Itself(loop, bus.address());
    dom0Itself.requestName("com.citrix.xenclient.guest.domid_0.c1_1");
    idl::db::DbClient db(dom0Itself, database, "/");
    EXPECT_FALSE(await(db.exists("/vm/x/name"))) << "it is a guest as before, in its own part of the tree";
    EXPECT_TRUE(await(db.exists(std::string("/dom-store/") + uuid + "/vm/x/name")));
}

} // namespace
} // namespace xb::test
