// SPDX-License-Identifier: Apache-2.0
// The bus policy that is installed: who is root may be the daemons and call them, rpc-proxy's user may be
// rpc-proxy and call dbd and xenmgr, nobody else may, and nothing beyond that is granted. Every other test of
// the platform runs under it as well.
#include "platform.hpp"

#include "toolstack/libs/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::test {
namespace {

using testing::HasSubstr;

struct Service {
    const char* name;
    const char* interface;
};

constexpr Service services[]{
    {"com.citrix.xenclient.db", "com.citrix.xenclient.db"},
    {"com.citrix.xenclient.rpc_proxy", "com.citrix.xenclient.rpc_proxy"},
    {"com.citrix.xenclient.xenmgr", "com.citrix.xenclient.xenmgr"},
    {"org.xen.vm.uuid_00000000_0000_4000_8000_000000000001", "org.xenbroker.xenvm"},
    {"org.xen.vm.uuid_00000000_0000_4000_8000_000000000001", "org.xenbroker.daemon"},
    {"org.xen.vm.uuid_00000000_0000_4000_8000_000000000001", "org.freedesktop.DBus.Properties"},
    {"org.xen.vm.uuid_00000000_0000_4000_8000_000000000001", "org.freedesktop.DBus.Introspectable"},
};

class Policy : public testing::Test {
protected:
    explicit Policy(const BusPolicy& policy) : daemon(policy) {}

    std::string errorOfName(const std::string& name) {
        try {
            Bus bus(loop, daemon.address());
            bus.requestName(name);
        } catch (const Error& e) {
            return e.name();
        }
        return "none";
    }

    // The error of a call to whoever has the name. He has no objects: a call that reaches him is answered by
    // that.
    std::string errorOfCall(const std::string& name, const std::string& interface) {
        Bus server(loop, daemon.address());
        server.requestName(name);
        Bus client(loop, daemon.address());
        std::string error;
        asio::co_spawn(loop.context(), client.callMethod(name, "/", interface, std::string("m")),
                       [&error](const std::exception_ptr& failure, const Message&) {
                           try {
                               if (failure)
                                   std::rethrow_exception(failure);
                               error = "none";
                           } catch (const Error& e) {
                               error = e.name();
                           }
                       });
        const auto deadline = std::chrono::steady_clock::now() + patience;
        loop.context().restart();
        while (error.empty() && std::chrono::steady_clock::now() < deadline)
            loop.context().run_one_until(deadline);
        return error;
    }

    std::string errorOfDaemon(const std::string& program, std::vector<std::string> more) {
        std::vector<std::string> arguments{program,          "--bus",    daemon.address(), "--root",
                                           directory.path(), "--log-to", "stderr"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        Process process(directory.path(), "daemon", arguments);
        EXPECT_EQ(process.waitEnd(), 1);
        return process.messages();
    }

    TemporaryDirectory directory;
    Loop loop;
    PrivateBus daemon;
};

class PolicyForRoot : public Policy {
protected:
    // Of the names those that are rpc-proxy's are ours by a rule of this test, so that there is somebody to
    // call.
    static BusPolicy policy() {
        BusPolicy policy = shippedPolicy(::getuid(), ::getuid() + 1);
        policy.addText("<busconfig><policy context=\"default\">"
                       "<allow own=\"com.citrix.xenclient.rpc_proxy\"/><allow own=\"org.example.agent\"/>"
                       "</policy></busconfig>",
                       0);
        return policy;
    }
    PolicyForRoot() : Policy(policy()) {}
};

TEST_F(PolicyForRoot, MayBeTheServicesAndCallThem) {
    for (const auto& service : services)
        EXPECT_EQ(errorOfCall(service.name, service.interface), errors::unknownObject)
            << service.name << " " << service.interface;
}

TEST_F(PolicyForRoot, MayCallTheAgentsOfGuests) {
    EXPECT_EQ(errorOfCall("org.example.agent", "com.citrix.xenclient.guest"), errors::unknownObject);
}

// Not asked for: com.citrix.xenclient.db.more, which dbus-broker 33 grants. It takes own= for own_prefix=.
TEST_F(PolicyForRoot, NoNameIsGrantedBeyondThose) {
    for (const char* name : {"org.example.mine", "com.citrix.xenclient", "com.citrix.xenclient.xenmgr2",
                             "org.xen.vmware", "org.xen"})
        EXPECT_EQ(errorOfName(name), errors::accessDenied) << name;
}

TEST_F(PolicyForRoot, MayNotStandForGuests) {
    for (const char* name : {"com.citrix.xenclient.guest.domid_7.c1_1",
                             "com.citrix.xenclient.guest.domid_0.c1_0", "com.citrix.xenclient.guest.uuid_x"})
        EXPECT_EQ(errorOfName(name), errors::accessDenied) << name;
}

TEST_F(PolicyForRoot, AMonitorIsCalledByItsInterfacesOnly) {
    EXPECT_EQ(errorOfCall("org.xen.vm.uuid_x", "org.example.other"), errors::accessDenied);
}

class PolicyForTheProxy : public Policy {
protected:
    static BusPolicy policy() {
        BusPolicy policy = shippedPolicy(::getuid() + 1, ::getuid());
        policy.addText("<busconfig><policy context=\"default\"><allow own=\"com.citrix.xenclient.db\"/>"
                       "<allow own=\"com.citrix.xenclient.xenmgr\"/><allow own_prefix=\"org.xen.vm\"/>"
                       "</policy></busconfig>",
                       0);
        return policy;
    }
    PolicyForTheProxy() : Policy(policy()) {}
};

TEST_F(PolicyForTheProxy, MayStandForGuestsAndItself) {
    for (const char* name :
         {"com.citrix.xenclient.guest.domid_7.c1_1", "com.citrix.xenclient.guest.domid_0.c1_0",
          "com.citrix.xenclient.guest.uuid_x", "com.citrix.xenclient.rpc_proxy"})
        EXPECT_EQ(errorOfName(name), "none") << name;
}

TEST_F(PolicyForTheProxy, MayCallWhatGuestsMayCallAndNoMore) {
    for (const auto& service : services) {
        const std::string name = service.name;
        const bool forGuests = name == "com.citrix.xenclient.db" || name == "com.citrix.xenclient.xenmgr";
        EXPECT_EQ(errorOfCall(name, service.interface),
                  forGuests ? errors::unknownObject : errors::accessDenied)
            << name << " " << service.interface;
    }
}

class PolicyForTheProxyAlone : public Policy {
protected:
    PolicyForTheProxyAlone() : Policy(shippedPolicy(::getuid() + 1, ::getuid())) {}
};

TEST_F(PolicyForTheProxyAlone, MayNotBeTheOtherServices) {
    for (const char* name : {"com.citrix.xenclient.db", "com.citrix.xenclient.xenmgr", "org.xen.vm.uuid_x"})
        EXPECT_EQ(errorOfName(name), errors::accessDenied) << name;
}

class PolicyForOthers : public Policy {
protected:
    // Somebody else is root. We may have the names, by a rule of this test, so that there is somebody to
    // call.
    static BusPolicy policy() {
        const uid_t somebodyElse = ::getuid() + 1;
        BusPolicy policy = shippedPolicy(somebodyElse, somebodyElse);
        policy.addText("<busconfig><policy context=\"default\"><allow own=\"com.citrix.xenclient.db\"/>"
                       "<allow own=\"com.citrix.xenclient.rpc_proxy\"/>"
                       "<allow own=\"com.citrix.xenclient.xenmgr\"/><allow own_prefix=\"org.xen.vm\"/>"
                       "</policy></busconfig>",
                       0);
        return policy;
    }
    PolicyForOthers() : Policy(policy()) {}
};

TEST_F(PolicyForOthers, MayNotCallTheServices) {
    for (const auto& service : services)
        EXPECT_EQ(errorOfCall(service.name, service.interface), errors::accessDenied)
            << service.name << " " << service.interface;
}

class PolicyForStrangers : public Policy {
protected:
    PolicyForStrangers() : Policy(shippedPolicy(::getuid() + 1, ::getuid() + 1)) {}
};

TEST_F(PolicyForStrangers, MayNotBeTheServices) {
    for (const auto& service : services)
        EXPECT_EQ(errorOfName(service.name), errors::accessDenied) << service.name;
}

TEST_F(PolicyForStrangers, MayNotStandForGuests) {
    EXPECT_EQ(errorOfName("com.citrix.xenclient.guest.domid_7.c1_1"), errors::accessDenied);
}

TEST_F(PolicyForStrangers, TheDaemonsSayWhatIsMissing) {
    EXPECT_THAT(errorOfDaemon(DBD, {}),
                HasSubstr("the bus refuses the name com.citrix.xenclient.db: install "
                          "the bus policy that comes with this daemon, or run it as root"));
}

} // namespace
} // namespace xb::test
