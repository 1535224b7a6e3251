// SPDX-License-Identifier: Apache-2.0
// Calls of guests: each sees and changes its own part of the tree and nothing else. Every refusal has a twin:
// the same call of a connection without a guest's name goes through.
#include "fixture.hpp"

#include "idl/org_xenbroker_daemon_client.hpp"
#include "toolstack/libs/files.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>
#include <csignal>

namespace xb::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

using NamedStep = Struct<std::string, std::string, std::string>;

const std::string mine = "11111111-2222-4333-8444-555555555555";
const std::string others = "66666666-7777-4888-8999-aaaaaaaaaaaa";

class DbdGuests : public DbdFixture {
protected:
    void SetUp() override {
        makeDirectories(root() / "config/dom-store" / mine);
        makeDirectories(root() / "config/dom-store" / others);
        writeFileAtomically(root() / "config/dom-store" / mine / "blob", "own bytes");
        writeFileAtomically(root() / "config/dom-store" / others / "blob", "other bytes");
        startXenstore();
        setDomain(7, mine);
        setDomain(8, others);
        startDbd();
        await(dom0->db.write("/dom-store/" + mine + "/k", "own"));
        await(dom0->db.write("/dom-store/" + others + "/k", "secret"));
        await(dom0->db.write("/vm/x/name", "web"));
        guest = connectGuest(7);
    }

    std::unique_ptr<Client> guest;
};

TEST_F(DbdGuests, ReadTheirPartOnly) {
    for (const char* path : {"k", "/k", "//k/"}) {
        EXPECT_EQ(await(guest->db.read(path)), "own");
        EXPECT_EQ(await(dom0->db.read(path)), "");
    }
    for (const std::string& path :
         {"/dom-store/" + others + "/k", "/../" + others + "/k", others + "/k", std::string("/vm/x/name")}) {
        EXPECT_EQ(await(guest->db.read(path)), "") << path;
        EXPECT_FALSE(await(guest->db.exists(path))) << path;
    }
    EXPECT_EQ(await(dom0->db.read("/dom-store/" + others + "/k")), "secret");
    EXPECT_THAT(await(guest->db.list("/")), ElementsAre("blob", "k"));
    EXPECT_THAT(await(guest->db.list("..")), IsEmpty());
    EXPECT_THAT(await(dom0->db.list("/")), testing::Contains("vm"));
    EXPECT_EQ(await(guest->db.dump("/")), "{\n  \"blob\": null,\n  \"k\": \"own\"\n}\n");
    EXPECT_THAT(await(dom0->db.dump("/")), HasSubstr("secret"));
}

TEST_F(DbdGuests, ReadTheirBinaryNodesOnly) {
    const auto bytes = await(guest->db.readBinary("/blob"));
    EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "own bytes");
    EXPECT_EQ(await(guest->db.read("/blob")), "file:/blob");
    EXPECT_EQ(await(dom0->db.read("/dom-store/" + mine + "/blob")),
              "file:" + (root() / "config/dom-store" / mine / "blob").string());
    for (const std::string& path : {"/../" + others + "/blob", "/dom-store/" + others + "/blob"})
        EXPECT_EQ(errorOf(guest->db.readBinary(path)),
                  std::string(errors::failed) + ": not a binary node: " + path);
    EXPECT_EQ(errorOf(dom0->db.readBinary("/dom-store/" + others + "/blob")), "none");
    std::filesystem::remove(root() / "config/dom-store" / mine / "blob");
    EXPECT_THAT(errorOf(guest->db.readBinary("/blob")), Not(HasSubstr(root().string())));
    EXPECT_THAT(errorOf(dom0->db.readBinary("/dom-store/" + mine + "/blob")), HasSubstr(root().string()));
}

TEST_F(DbdGuests, ChangeTheirPartOnly) {
    await(dom0->db.inject("/dom-store/empty", "null"));
    const std::string secret = await(dom0->db.dump("/dom-store/" + others));
    await(guest->db.write("/vm/x/name", "mail"));
    await(guest->db.inject("../" + others, R"({"k":"mine now"})"));
    await(guest->db.rm("/dom-store"));
    EXPECT_EQ(await(dom0->db.read("/vm/x/name")), "web");
    EXPECT_EQ(await(dom0->db.read("/dom-store/" + mine + "/vm/x/name")), "mail");
    await(guest->db.inject("/", R"({"a":"1"})"));
    EXPECT_EQ(await(dom0->db.dump("/dom-store/" + mine)), "{\n  \"a\": \"1\"\n}\n");
    await(guest->db.rm("/"));
    EXPECT_FALSE(await(dom0->db.exists("/dom-store/" + mine)));
    EXPECT_TRUE(await(dom0->db.exists("/dom-store/empty")));
    EXPECT_EQ(await(dom0->db.dump("/dom-store/" + others)), secret);
    await(dom0->db.rm("/dom-store/absent"));
    EXPECT_FALSE(await(dom0->db.exists("/dom-store/empty"))) << "as rm of dom0 does";
    await(guest->db.write("/k", "again"));
    restart(SIGKILL);
    EXPECT_EQ(await(guest->db.read("/k")), "again");
}

TEST_F(DbdGuests, ApplyToTheirPartOnly) {
    const std::vector<NamedStep> steps{{"check", "/k", "own"},
                                       {"check-absent", "/vm/x", ""},
                                       {"rm", "/k", ""},
                                       {"write", "/vm/x/name", "mail"}};
    await(guest->extension.apply(steps));
    EXPECT_EQ(await(dom0->db.read("/dom-store/" + mine + "/vm/x/name")), "mail");
    EXPECT_EQ(await(dom0->db.read("/vm/x/name")), "web");
    EXPECT_THAT(errorOf(dom0->extension.apply(steps)), HasSubstr("CheckFailed: step 1"));
    const std::vector<NamedStep> probe{{"check", "/../" + others + "/k", "secret"}};
    EXPECT_THAT(errorOf(guest->extension.apply(probe)), HasSubstr("found nothing"));
    const std::vector<NamedStep> binary{{"check", "/blob", "x"}};
    EXPECT_THAT(errorOf(guest->extension.apply(binary)), HasSubstr("found \"file:/blob\""));
}

TEST_F(DbdGuests, HearOfTheirPartOnly) {
    await(guest->extension.watch("/"));
    await(dom0->extension.watch("/"));
    await(dom0->db.write("/dom-store/" + others + "/k", "changed"));
    await(dom0->db.write("/dom-store/" + mine + "/k", "changed"));
    await(dom0->db.write("/vm/x/name", "mail"));
    EXPECT_EQ(await(guest->db.read("/k")), "changed");
    EXPECT_THAT(guest->heard, ElementsAre(ElementsAre("/k")));
    await(dom0->db.rm("/dom-store"));
    EXPECT_EQ(await(guest->db.read("/k")), "");
    EXPECT_THAT(guest->heard.back(), ElementsAre("/"));
    await(guest->db.write("/new", "1"));
    EXPECT_EQ(await(dom0->db.read("/")), "");
    EXPECT_THAT(dom0->heard.back(), ElementsAre("/dom-store/" + mine + "/new"));
    await(guest->extension.unwatch("//"));
}

TEST_F(DbdGuests, UseUpTheirOwnWatchesOnly) {
    std::vector<std::unique_ptr<Client>> many;
    for (int i = 0; i < 4; ++i) {
        many.push_back(connectGuest(7));
        await(many.back()->extension.watch("/"));
    }
    EXPECT_EQ(errorOf(guest->extension.watch("/")),
              std::string(errors::limitsExceeded) +
                  ": 4 connections of guest domain 7 watch the database already");
    EXPECT_EQ(errorOf(connectGuest(8)->extension.watch("/")), "none");
    EXPECT_EQ(errorOf(dom0->extension.watch("/")), "none");
}

TEST_F(DbdGuests, HaveAQuota) {
    restart(SIGTERM, {"--max-guest-nodes", "4", "--max-guest-depth", "2", "--max-guest-bytes", "100"});
    EXPECT_EQ(errorOf(guest->db.write("/a", "")), "none");
    EXPECT_EQ(errorOf(guest->db.write("/b", "")), std::string(errors::limitsExceeded) +
                                                      ": guest domain 7: the number of nodes is 5, the "
                                                      "limit is 4 (path /b)");
    EXPECT_THAT(errorOf(guest->db.write("/a/b/c", "")), HasSubstr("number of names in the path is 3"));
    EXPECT_THAT(errorOf(guest->db.write("/a", std::string(90, 'v'))), HasSubstr("size in bytes is"));
    EXPECT_EQ(errorOf(dom0->db.write("/dom-store/" + mine + "/b/c/d", std::string(90, 'v'))), "none");
}

TEST_F(DbdGuests, AreNotToldOfAndDoNotMoveWhatIsDom0s) {
    EXPECT_THAT(errorOf(guest->extension.statistics()), StartsWith(errors::accessDenied));
    EXPECT_THAT(errorOf(guest->extension.sync()), StartsWith(errors::accessDenied));
    const auto daemon = [](Client& client) {
        return idl::org_xenbroker_daemon::DaemonClient(client.bus, "com.citrix.xenclient.db",
                                                       "/org/xenbroker/daemon");
    };
    EXPECT_THAT(errorOf(daemon(*guest).setLogLevel("error")), StartsWith(errors::accessDenied));
    EXPECT_THAT(errorOf(daemon(*guest).getVersion()), StartsWith(errors::accessDenied));
    EXPECT_EQ(errorOf(dom0->extension.statistics()), "none");
    EXPECT_EQ(errorOf(dom0->extension.sync()), "none");
    EXPECT_EQ(errorOf(daemon(*dom0).setLogLevel("info")), "none");
}

TEST_F(DbdGuests, StayWhatTheyWereWhenTheyCame) {
    EXPECT_EQ(await(guest->db.read("/k")), "own");
    setDomain(7, others); // the domid is used again
    EXPECT_EQ(await(guest->db.read("/k")), "own");
    const auto next = connectGuest(7);
    EXPECT_EQ(await(next->db.read("/k")), "secret");
    restart(SIGKILL); // finds the names on the bus
    EXPECT_EQ(await(guest->db.read("/k")), "secret");
    ASSERT_GE(sd_bus_release_name(guest->bus.raw(), "com.citrix.xenclient.guest.domid_7.c1234_1"), 0);
    guest->bus.touched();
    EXPECT_EQ(await(guest->db.read("/k")), "secret");
    EXPECT_EQ(await(guest->db.read("/vm/x/name")), "") << "it gave its name away and became dom0";
}

TEST_F(DbdGuests, AreRefusedWhenNobodyKnowsThem) {
    for (unsigned domid : {9U, 32752U}) {
        const auto unknown = connectGuest(domid);
        EXPECT_THAT(errorOf(unknown->db.read("/vm/x/name")),
                    AllOf(StartsWith(errors::accessDenied), Not(HasSubstr("xenstore"))));
        EXPECT_THAT(errorOf(unknown->db.write("/a", "1")), StartsWith(errors::accessDenied));
        EXPECT_THAT(errorOf(unknown->db.dump("/")), StartsWith(errors::accessDenied));
        EXPECT_THAT(errorOf(unknown->db.list("/")), StartsWith(errors::accessDenied));
        EXPECT_THAT(errorOf(unknown->db.exists("/")), StartsWith(errors::accessDenied));
        EXPECT_THAT(errorOf(unknown->db.readBinary("/")), StartsWith(errors::accessDenied));
        EXPECT_THAT(errorOf(unknown->db.inject("/", "{}")), StartsWith(errors::accessDenied));
        EXPECT_THAT(errorOf(unknown->db.rm("/")), StartsWith(errors::accessDenied));
        EXPECT_THAT(errorOf(unknown->extension.apply({})), StartsWith(errors::accessDenied));
        EXPECT_THAT(errorOf(unknown->extension.watch("/")), StartsWith(errors::accessDenied));
        EXPECT_THAT(errorOf(unknown->extension.statistics()), StartsWith(errors::accessDenied));
    }
    const auto late = connectGuest(10);
    EXPECT_THAT(errorOf(late->db.read("/k")), StartsWith(errors::accessDenied));
    setDomain(10, others);
    EXPECT_EQ(await(late->db.read("/k")), "secret");
    await(xenstore->write("/local/domain/11/vm", "/vm/odd"));
    await(xenstore->write("/vm/odd/uuid", "../" + others));
    EXPECT_THAT(errorOf(connectGuest(11)->db.read("/k")), StartsWith(errors::accessDenied));
    auto two = connectGuest(7);
    two->bus.requestName("com.citrix.xenclient.guest.domid_8.c1_1");
    EXPECT_THAT(errorOf(two->db.read("/k")), StartsWith(errors::accessDenied));
    auto odd = connect();
    odd->bus.requestName("com.citrix.xenclient.guest.domid_x");
    EXPECT_THAT(errorOf(odd->db.read("/k")), StartsWith(errors::accessDenied));
    auto driver = connect(); // of another kind, and dom0's
    driver->bus.requestName("com.citrix.xenclient.guest.uuid_x");
    EXPECT_EQ(await(driver->db.read("/vm/x/name")), "web");
}

Task<std::string> write(Client& client, int number) {
    co_await client.db.write("/k", std::to_string(number));
    co_return std::string();
}

TEST_F(DbdGuests, AreAnsweredInOrderFromTheFirstCallOn) {
    std::vector<int> answered;
    std::vector<std::string> values;
    for (int i = 0; i < 20; ++i) {
        auto task = i % 2 == 0 ? write(*guest, i) : guest->db.read("/k");
        asio::co_spawn(loop.context(), std::move(task), [&, i](std::exception_ptr, std::string value) {
            answered.push_back(i);
            if (i % 2 == 1)
                values.push_back(value);
        });
    }
    ASSERT_TRUE(waitFor([&answered] { return answered.size() == 20; }));
    EXPECT_TRUE(std::ranges::is_sorted(answered));
    EXPECT_THAT(values, ElementsAre("0", "2", "4", "6", "8", "10", "12", "14", "16", "18"));
}

TEST_F(DbdFixture, WithoutXenstoreDom0IsServedAndGuestsAreNot) {
    startDbd();
    EXPECT_EQ(errorOf(dom0->db.write("/k", "1")), "none");
    const auto guest = connectGuest(7);
    EXPECT_THAT(errorOf(guest->db.read("/k")), StartsWith(errors::accessDenied));
    EXPECT_EQ(await(dom0->db.read("/k")), "1");
    startXenstore();
    setDomain(7, mine);
    EXPECT_EQ(await(guest->db.read("/k")), "");
}

} // namespace
} // namespace xb::test
