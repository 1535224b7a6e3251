// SPDX-License-Identifier: Apache-2.0
// Rules of VMs in the database: read before a client is heard, and followed while it is connected.
#include "fixture.hpp"

#include "idl/db_client.hpp"
#include "toolstack/libs/files.hpp"

#include <csignal>

namespace xb::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string denied = errors::accessDenied;

class ProxyVmRules : public ProxyFixture {
protected:
    ProxyVmRules() { vmRules = true; }

    void startDatabase() {
        makeDirectories(directory.path() / "root/config");
        dbd = std::make_unique<Process>(
            directory.path(), "dbd",
            std::vector<std::string>{DBD, "--bus", bus.address(), "--root", directory.path() / "root",
                                     "--hypervisor", "emulated", "--emulator-directory",
                                     directory.path() / "emulator", "--log-to", "stderr"});
        ASSERT_TRUE(dbd->waitReady()) << dbd->messages();
    }
    static std::string place(const std::string& key, const std::string& of = uuid) {
        return "/vm/" + of + "/rpc-firewall-rules/" + key;
    }
    void writeRule(const std::string& path, const std::string& rule) {
        await(idl::db::DbClient(*dom0, "com.citrix.xenclient.db", "/").write(path, rule));
    }
    void removeRules(const std::string& path) {
        await(idl::db::DbClient(*dom0, "com.citrix.xenclient.db", "/").rm(path));
    }
    /// Asks until the answer begins with this: the proxy is told of a change, but reads it by itself.
    bool soonAnswers(Bus& client, const std::string& member, const std::string& beginning) {
        return eventually([&] { return ask(client, member).starts_with(beginning); });
    }

    std::unique_ptr<Process> dbd;
};

TEST_F(ProxyVmRules, AreInForceFromTheFirstMessageOn) {
    startDatabase();
    writeRule(place("10"), "allow member other");
    writeRule(place("9"), "deny member other"); // by number, not by text
    writeRule(place("0"), "allow member echo");
    writeRule(place("0", "66666666-7777-4888-8999-aaaaaaaaaaaa"), "allow all");
    startProxy(basics);
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    EXPECT_EQ(ask(*guest, "other"), "hello");
    EXPECT_THAT(ask(*guest, "whoami"), StartsWith(denied)) << "another VM's is not its";
    EXPECT_TRUE(proxySays("denied: no rule matches"));
}

TEST_F(ProxyVmRules, AreFollowedWhileTheVmRuns) {
    startDatabase();
    startProxy(basics + std::string("allow member echo\n"));
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    writeRule(place("0"), "deny member echo");
    EXPECT_TRUE(soonAnswers(*guest, "echo", denied));
    EXPECT_TRUE(proxySays("VM " + std::string(uuid) + " rule 0"));
    EXPECT_THAT(ask(kept(connect()), "echo"), StartsWith(denied)) << "the next one has it too";
    writeRule(place("1"), "allow member other");
    EXPECT_TRUE(soonAnswers(*guest, "other", "hello"));
    removeRules("/vm/" + std::string(uuid));
    EXPECT_TRUE(soonAnswers(*guest, "echo", "hello"));
    EXPECT_TRUE(soonAnswers(*guest, "other", denied));
    writeRule(place("0", "66666666-7777-4888-8999-aaaaaaaaaaaa"), "deny all");
    EXPECT_EQ(ask(*guest, "echo"), "hello");
}

TEST_F(ProxyVmRules, ThatAreBrokenLeaveThoseFromBefore) {
    startDatabase();
    writeRule(place("0"), "allow member echo");
    startProxy(basics);
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    writeRule(place("1"), "allow bogus");
    EXPECT_TRUE(proxySays("its rules cannot be used: rule 1: column 7: "));
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    EXPECT_THAT(ask(*guest, "other"), StartsWith(denied));
    writeRule(place("1"), "allow member other");
    EXPECT_TRUE(soonAnswers(*guest, "other", "hello"));
}

TEST_F(ProxyVmRules, ThatAreNotKnownDenyEverything) {
    startProxy("allow all\n");
    const auto guest = connect();
    EXPECT_THAT(ask(*guest, "echo"), StartsWith(denied));
    EXPECT_TRUE(proxySays("its rules cannot be used: "));
    startDatabase();
    EXPECT_TRUE(soonAnswers(*guest, "echo", "hello"));
    dbd->signal(SIGKILL);
    dbd->waitEnd();
    EXPECT_EQ(ask(*guest, "echo"), "hello") << "what was known holds";
    EXPECT_EQ(ask(kept(connect()), "echo"), "hello");
    startDatabase();
    writeRule(place("0"), "deny member echo");
    EXPECT_TRUE(soonAnswers(*guest, "echo", denied)) << "the new one is watched too";
}

TEST_F(ProxyVmRules, HaveALimit) {
    startDatabase();
    writeRule(place("0"), "allow member echo");
    startProxy(basics);
    const auto guest = connect();
    EXPECT_EQ(ask(*guest, "echo"), "hello");
    std::string many = "{";
    for (int i = 0; i <= 1024; ++i)
        many += (i ? ", \"" : "\"") + std::to_string(i) + "\": \"deny member echo\"";
    await(idl::db::DbClient(*dom0, "com.citrix.xenclient.db", "/")
              .inject("/vm/" + std::string(uuid) + "/rpc-firewall-rules", many + "}"));
    EXPECT_TRUE(proxySays("there are 1025, the limit of a VM is 1024"));
    EXPECT_EQ(ask(*guest, "echo"), "hello");
}

} // namespace
} // namespace xb::test
