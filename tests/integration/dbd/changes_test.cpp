// SPDX-License-Identifier: Apache-2.0
// org.xenbroker.db: changes of many nodes as one, who hears of changes and when, and the figures.
#include "fixture.hpp"

#include "toolstack/libs/files.hpp"

#include <csignal>
#include <set>

namespace xb::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using NamedStep = Struct<std::string, std::string, std::string>;
using Steps = std::vector<NamedStep>;

class DbdChanges : public DbdFixture {
protected:
    void SetUp() override { startDbd(); }

    // Calls that dbd finds all at once.
    void atOnce(std::vector<Task<>> calls) {
        dbd->signal(SIGSTOP);
        std::size_t answered = 0;
        const std::size_t count = calls.size();
        for (Task<>& call : calls)
            asio::co_spawn(loop.context(), std::move(call), [&answered](std::exception_ptr e) {
                EXPECT_FALSE(e);
                ++answered;
            });
        await(dom0->bus.owner("org.freedesktop.DBus")); // the bus has passed on what came before
        dbd->signal(SIGCONT);
        ASSERT_TRUE(waitFor([&] { return answered == count; }));
    }
};

TEST_F(DbdChanges, ApplyIsAllOrNothing) {
    await(dom0->db.write("/a/b", "1"));
    const Steps good{{"check", "/a/b", "1"},
                     {"rm", "/a", ""},
                     {"write", "/a/c", "2"},
                     {"inject", "/j", R"({"x":"3"})"},
                     {"write", "/j/y", "4"}};
    await(dom0->extension.apply(good));
    const std::string after = await(dom0->db.dump("/"));
    EXPECT_EQ(await(dom0->db.read("/a/c")), "2");
    EXPECT_EQ(await(dom0->db.read("/j/y")), "4");
    EXPECT_EQ(errorOf(dom0->extension.apply(good)),
              "org.xenbroker.Error.CheckFailed: step 1: /a/b is not as expected: expected \"1\", found "
              "nothing; nothing was changed");
    const Steps late{{"write", "/a/c", "9"}, {"check", "/a/c", "9"}};
    EXPECT_THAT(errorOf(dom0->extension.apply(late)), HasSubstr("CheckFailed: step 2: /a/c"));
    const Steps bad{{"write", "/a/c", "9"}, {"inject", "/j", "{"}};
    EXPECT_THAT(errorOf(dom0->extension.apply(bad)), HasSubstr("Failed: step 2: inject"));
    const Steps unknown{{"write", "/a/c", "9"}, {"move", "/j", ""}};
    EXPECT_THAT(errorOf(dom0->extension.apply(unknown)), HasSubstr("InvalidArgs: step 2: no operation"));
    const Steps value{{"rm", "/a/c", "9"}};
    EXPECT_THAT(errorOf(dom0->extension.apply(value)), HasSubstr("InvalidArgs: step 1: rm takes no value"));
    EXPECT_EQ(await(dom0->db.dump("/")), after);
    restart(SIGKILL);
    EXPECT_EQ(await(dom0->db.dump("/")), after);
}

TEST_F(DbdChanges, ApplyHasALimitOfSteps) {
    restart(SIGTERM, {"--max-steps", "2"});
    const NamedStep step{"write", "/a", "1"};
    EXPECT_EQ(errorOf(dom0->extension.apply({step, step})), "none");
    EXPECT_EQ(errorOf(dom0->extension.apply({step, step, step})),
              std::string(errors::limitsExceeded) + ": apply: the number of steps is 3, the limit is 2");
}

TEST_F(DbdChanges, OneTurnIsOneSignal) {
    const auto watcher = connect();
    await(watcher->extension.watch("/a"));
    std::vector<Task<>> calls;
    for (int i = 0; i < 20; ++i)
        calls.push_back(dom0->db.write("/a/" + std::to_string(i % 3), std::to_string(i)));
    atOnce(std::move(calls));
    EXPECT_EQ(await(watcher->db.read("/a/0")), "18");
    // Usually one; a busy bus may not have handed over all calls when dbd goes on.
    EXPECT_LT(watcher->heard.size(), 20U);
    std::set<std::string> paths;
    for (const auto& signal : watcher->heard) {
        EXPECT_EQ(std::set(signal.begin(), signal.end()).size(), signal.size()) << "each path once";
        paths.insert(signal.begin(), signal.end());
    }
    EXPECT_THAT(paths, ElementsAre("/a/0", "/a/1", "/a/2"));
    const Steps steps{{"write", "/a/x", "1"}, {"write", "/b", "1"}, {"write", "/a/y", "1"}};
    await(dom0->extension.apply(steps));
    EXPECT_EQ(await(watcher->db.read("/a/x")), "1");
    EXPECT_THAT(watcher->heard.back(), ElementsAre("/a/x", "/a/y"));
}

TEST_F(DbdChanges, EachHearsOfWhatTheOthersChanged) {
    const auto other = connect();
    await(dom0->extension.watch("/"));
    await(other->extension.watch("/"));
    std::vector<Task<>> calls;
    calls.push_back(dom0->db.write("/by/dom0", "1"));
    calls.push_back(other->db.write("/by/other", "1"));
    atOnce(std::move(calls));
    EXPECT_EQ(await(dom0->db.read("/by/other")), "1");
    EXPECT_EQ(await(other->db.read("/by/dom0")), "1");
    EXPECT_THAT(dom0->heard, ElementsAre(ElementsAre("/by/other")));
    EXPECT_THAT(other->heard, ElementsAre(ElementsAre("/by/dom0")));
}

// A watcher, its maker and a reader share a connection: the order of what it receives is that of dbd.
TEST_F(DbdChanges, NobodyIsAnsweredBeforeThoseWhoWatchAreTold) {
    const auto maker = connect();
    await(dom0->extension.watch("/a"));
    bool readAfterTold = false;
    auto read = [](Client& client, bool& told) -> Task<> {
        const std::string value = co_await client.db.read("/a");
        told = value == "1" && client.heard.size() == 1;
    };
    std::vector<Task<>> calls;
    calls.push_back(maker->db.write("/a", "1"));
    calls.push_back(read(*dom0, readAfterTold));
    dbd->signal(SIGSTOP);
    std::size_t answered = 0;
    const auto done = [&answered](std::exception_ptr) { ++answered; };
    asio::co_spawn(loop.context(), std::move(calls[0]), done);
    await(maker->bus.owner("org.freedesktop.DBus")); // the write comes before the read
    asio::co_spawn(loop.context(), std::move(calls[1]), done);
    await(dom0->bus.owner("org.freedesktop.DBus"));
    dbd->signal(SIGCONT);
    ASSERT_TRUE(waitFor([&answered] { return answered == 2; }));
    EXPECT_TRUE(readAfterTold);
}

TEST_F(DbdChanges, TooManyPathsBecomeWhatTheyShare) {
    restart(SIGTERM, {"--max-signal-paths", "3"});
    const auto watcher = connect();
    await(watcher->extension.watch("/"));
    const Steps three{{"write", "/a/b/1", "1"}, {"write", "/a/b/2", "1"}, {"write", "/a/b/3", "1"}};
    await(dom0->extension.apply(three));
    EXPECT_EQ(await(watcher->db.read("/a/b/1")), "1");
    EXPECT_THAT(watcher->heard.back(), ElementsAre("/a/b/1", "/a/b/2", "/a/b/3"));
    const Steps more{{"write", "/a/b", ""},
                     {"write", "/a/b-c", "2"},
                     {"write", "/a/b/1", "2"},
                     {"write", "/a/b/2", "2"},
                     {"write", "/a/b/3", "2"}};
    await(dom0->extension.apply(more));
    EXPECT_EQ(await(watcher->db.read("/a/b/1")), "2");
    EXPECT_THAT(watcher->heard.back(), ElementsAre("/a"));
    const Steps wide{{"write", "/a/b/1", "3"},
                     {"write", "/a/b/2", "3"},
                     {"write", "/a/b/3", "3"},
                     {"write", "/a/b/4", "3"},
                     {"write", "/z", "3"}};
    await(dom0->extension.apply(wide));
    EXPECT_EQ(await(watcher->db.read("/z")), "3");
    EXPECT_THAT(watcher->heard.back(), ElementsAre("/"));
}

TEST_F(DbdChanges, StatisticsTellHowItIs) {
    makeDirectories(root() / "config/vms");
    writeFileAtomically(root() / "config/vms/11111111-2222-4333-8444-555555555555.db", "{\n  \"name\": ");
    restart(SIGTERM);
    const auto before = await(dom0->extension.statistics());
    await(dom0->db.write("/some/where", "12345"));
    const auto after = await(dom0->extension.statistics());
    EXPECT_EQ(std::get<0>(after), std::get<0>(before) + 2);
    EXPECT_EQ(std::get<1>(after), std::get<1>(before) + 14);
    EXPECT_EQ(std::get<5>(after), "");
    const auto quarantined = std::get<6>(after);
    ASSERT_EQ(quarantined.size(), 1U);
    EXPECT_THAT(std::get<0>(quarantined[0]), testing::EndsWith("444-555555555555.db"));
    EXPECT_EQ(std::get<1>(quarantined[0]), 2U);
    EXPECT_NE(std::get<2>(quarantined[0]), "");
}

} // namespace
} // namespace xb::test
