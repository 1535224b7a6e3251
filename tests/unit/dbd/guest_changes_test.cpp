// SPDX-License-Identifier: Apache-2.0
// What a guest may do to the tree, and what it is told when it may not.
#include "dbd/guest_changes.hpp"
#include "store_fixture.hpp"

#include <gmock/gmock.h>

namespace xb::dbd {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr auto uuid = "11111111-2222-4333-8444-555555555555";
constexpr auto other = "66666666-7777-4888-8999-aaaaaaaaaaaa";

class GuestChangesTest : public StoreTest {
protected:
    void SetUp() override {
        dir.put(std::string("dom-store/") + uuid + "/blob", "own");
        dir.put(std::string("dom-store/") + other + ".db", R"({"secret":"1"})");
        startWith(R"({"n":null,"k":"v"})");
        outside = dumpOutside();
    }
    std::string dumpOutside() const {
        return store->tree().dump("/k") + store->tree().dump(std::string("/dom-store/") + other) +
               (store->tree().exists("/n") ? "n" : "");
    }
    void use(const Limits& limits) {
        store = std::make_unique<Store>(fs, dir.path(), limits);
        store->load();
    }
    Error failure(const std::vector<StepView>& steps) {
        GuestChanges changes(*store, [this](const std::string& text) { reports.push_back(text); });
        const std::string before = store->tree().dump("/");
        try {
            changes.apply(guest, steps);
        } catch (const Error& error) {
            EXPECT_EQ(store->tree().dump("/"), before);
            EXPECT_THAT(error.what(), Not(HasSubstr("dom-store")));
            EXPECT_THAT(error.what(), Not(HasSubstr(dir.path())));
            return error;
        }
        return Error("none", "");
    }
    std::string errorOf(const std::vector<StepView>& steps) { return failure(steps).what(); }
    std::string errorOf(const StepView& step) { return errorOf(std::vector{step}); }
    std::string own(const char* path) const { return guest.read(store->tree(), path); }

    View guest{7, uuid};
    std::string outside;
    std::vector<std::string> reports;
};

TEST_F(GuestChangesTest, EveryPathIsInItsPart) {
    for (const char* path : {"/x", "../x", "/../../x", "//", "", "/vm/a/x", "..//../k"}) {
        EXPECT_EQ(errorOf({StepKind::inject, path, R"({"y":"1"})"}), "") << path;
        EXPECT_EQ(dumpOutside(), outside) << path;
        EXPECT_EQ(own((std::string(path) + "/y").c_str()), "1") << path;
    }
    EXPECT_EQ(errorOf({StepKind::rm, "/vm", ""}), "");
    EXPECT_EQ(store->tree().list("/").size(), 3U) << store->tree().dump("/"); // n, k, dom-store
}

TEST_F(GuestChangesTest, RmTakesNothingOfOthersWithIt) {
    store->inject("/dom-store/empty", "null");
    store->write(guest.place("x/y"), "1");
    EXPECT_EQ(errorOf({StepKind::rm, "/x/y", ""}), "");
    EXPECT_FALSE(store->tree().exists(guest.place("x")));
    EXPECT_EQ(errorOf({StepKind::inject, "/", "{}"}), "");
    EXPECT_EQ(errorOf({StepKind::rm, "/", ""}), "");
    EXPECT_FALSE(store->tree().exists(guest.place("")));
    EXPECT_TRUE(store->tree().exists("/dom-store/empty"));
    EXPECT_EQ(dumpOutside(), outside);
    store->rm(guest.place("absent")); // what dom0's rm does
    EXPECT_FALSE(store->tree().exists("/dom-store/empty"));
}

TEST_F(GuestChangesTest, BinaryNodesAreNamedAsTheGuestKnowsThem) {
    EXPECT_EQ(own("/blob"), "file:/blob");
    for (const StepKind kind : {StepKind::write, StepKind::inject, StepKind::rm})
        EXPECT_THAT(errorOf({kind, "/blob", "1"}), HasSubstr("/blob: a binary node")) << nameOf(kind);
    EXPECT_THAT(errorOf({StepKind::write, "/blob/x", "1"}), HasSubstr("/blob/x: a binary node"));
}

TEST_F(GuestChangesTest, TheQuotaHoldsForNodes) {
    Limits limits;
    limits.guestNodes = 5; // blob, and what holds it, are two
    use(limits);
    EXPECT_EQ(errorOf({StepKind::write, "/a/b/c", ""}), "");
    const Error refused = failure({{StepKind::write, "/d", ""}});
    EXPECT_EQ(refused.name(), errors::limitsExceeded);
    EXPECT_STREQ(refused.what(), "guest domain 7: the number of nodes is 6, the limit is 5 (path /d)");
    EXPECT_THAT(errorOf({StepKind::inject, "/a", R"({"b":{"c":"","d":""}})"}), HasSubstr("is 6"));
    EXPECT_EQ(errorOf({StepKind::inject, "/a", R"({"e":{"f":""}})"}), ""); // replaces as much
    EXPECT_EQ(errorOf({{StepKind::remove, "/a", "", 1}, {StepKind::write, "/g/h/i", "", 2}}), "");
    EXPECT_THAT(errorOf({{StepKind::remove, "/g", "", 1},
                         {StepKind::remove, "/g", "", 2},
                         {StepKind::write, "/a/b/c", "", 3},
                         {StepKind::write, "/d", "", 4}}),
                HasSubstr("is 6"));
    EXPECT_EQ(errorOf({StepKind::write, "/g/h/i", "longer"}), "");
    EXPECT_EQ(errorOf({StepKind::rm, "/g", ""}), "");
    store->inject(guest.place("many"), "[1]");
    store->inject(guest.place("more"), R"({"1":1,"2":2,"3":3,"4":4,"5":5})"); // dom0 may
    EXPECT_THAT(errorOf({StepKind::write, "/x", ""}), HasSubstr("the limit is 5"));
    EXPECT_EQ(errorOf({StepKind::write, "/more/1", "2"}), "");
    EXPECT_EQ(errorOf({StepKind::rm, "/more/2", ""}), "");
}

TEST_F(GuestChangesTest, TheQuotaHoldsForBytes) {
    Limits limits;
    limits.guestBytes = 200;
    use(limits);
    const std::string value(120, 'v');
    EXPECT_EQ(errorOf({StepKind::write, "/a", value}), "");
    EXPECT_EQ(errorOf({StepKind::write, "/a", std::string(130, 'w')}), "");
    EXPECT_THAT(errorOf({StepKind::write, "/b", value}), HasSubstr("the size in bytes is"));
    EXPECT_THAT(errorOf({StepKind::inject, "/b", '"' + value + '"'}), HasSubstr("the size in bytes is"));
    EXPECT_THAT(errorOf({StepKind::inject, "/b", "1" + std::string(300, ' ')}),
                HasSubstr("the length of what is given is 301, the limit is 200"));
}

TEST_F(GuestChangesTest, TheQuotaHoldsForDepth) {
    Limits limits;
    limits.guestDepth = 3;
    use(limits);
    EXPECT_EQ(errorOf({StepKind::write, "/a/b/c", ""}), "");
    EXPECT_THAT(errorOf({StepKind::write, "/a/b/c/d", ""}),
                HasSubstr("the number of names in the path is 4, the limit is 3"));
    EXPECT_EQ(errorOf({StepKind::inject, "/a", R"({"b":{"c":1}})"}), "");
    EXPECT_THAT(errorOf({StepKind::inject, "/a", R"({"b":{"c":{"d":1}}})"}),
                HasSubstr("the depth of the JSON text is 4, the limit is 3"));
}

TEST_F(GuestChangesTest, TroubleOfDom0IsNotTold) {
    Limits limits;
    dir.put(std::string("dom-store/") + uuid + ".db", "{");
    start();
    ASSERT_THAT(allProblems(), HasSubstr(uuid));
    EXPECT_THAT(errorOf({StepKind::write, "/x", "1"}), HasSubstr("dom0's log says why"));
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_THAT(reports[0], HasSubstr("could not be loaded"));
    std::filesystem::remove_all(dir.path() + "/dom-store");
    limits.nodes = 3; // the root, n and k
    use(limits);
    EXPECT_THAT(errorOf({StepKind::write, "/x", "1"}), HasSubstr("dom0's log says why"));
    startWith(R"({"dom-store":"a value"})");
    EXPECT_THAT(errorOf({StepKind::write, "/x", "1"}), HasSubstr("not available"));
}

TEST_F(GuestChangesTest, ThePartIsShownAsTheWhole) {
    EXPECT_EQ(guest.shown(guest.place("a/b")), "/a/b");
    for (const std::string& place :
         {std::string("/"), std::string("/dom-store"), std::string("/dom-store/") + uuid,
          std::string("/dom-store/") + uuid + "1/x", std::string("/k")})
        EXPECT_EQ(guest.shown(place), "/") << place;
    EXPECT_EQ(View().shown("/a"), "/a");
    EXPECT_THROW(View(7, "../x"), Error);
    EXPECT_THROW(View(7, ""), Error);
}

} // namespace
} // namespace xb::dbd
