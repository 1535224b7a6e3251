// SPDX-License-Identifier: Apache-2.0
// Changes of several steps: their order, their preconditions, and that they happen as a whole or not at all.
#include "dbd/preconditions.hpp"
#include "store_fixture.hpp"

#include <gmock/gmock.h>

namespace xb::dbd {
namespace {

using testing::HasSubstr;

class ApplyTest : public StoreTest {
protected:
    void SetUp() override { startWith(R"({"a":{"b":"1","c":{"d":"2"}},"k":"3"})"); }

    std::string errorOf(const std::vector<StepView>& steps) {
        const std::string before = store->tree().dump("/");
        try {
            store->apply(steps);
        } catch (const Error& error) {
            EXPECT_EQ(store->tree().dump("/"), before);
            return error.what();
        }
        return {};
    }
    std::string errorOf(const Precondition& condition) const {
        try {
            require(store->tree(), View(), {&condition, 1});
        } catch (const Error& error) {
            EXPECT_EQ(error.name(), checkFailedError);
            return error.what();
        }
        return {};
    }
};

TEST_F(ApplyTest, StepsAreDoneOneAfterTheOther) {
    const StepView steps[] = {
        {StepKind::remove, "/a", "", 1},           {StepKind::write, "/a/b/c", "below a former value", 2},
        {StepKind::inject, "/j", R"({"x":1})", 3}, {StepKind::write, "/j/y", "added", 4},
        {StepKind::write, "/k", "first", 5},       {StepKind::write, "/k", "last", 6},
        {StepKind::write, "/gone/x", "1", 7},      {StepKind::remove, "/gone/x", "", 8},
    };
    EXPECT_TRUE(store->apply(steps));
    EXPECT_EQ(store->tree().dump("/a"), "{\n  \"b\": {\n    \"c\": \"below a former value\"\n  }\n}\n");
    EXPECT_EQ(store->tree().dump("/j"), "{\n  \"x\": 1,\n  \"y\": \"added\"\n}\n");
    EXPECT_EQ(read("/k"), "last");
    EXPECT_FALSE(store->tree().exists("/gone"));
    const std::string all = store->tree().dump("/");
    start(); // from the journal
    EXPECT_EQ(store->tree().dump("/"), all);
}

TEST_F(ApplyTest, AnErrorNamesItsStepAndNothingHappens) {
    EXPECT_THAT(errorOf({{StepKind::write, "/k", "4", 1}, {StepKind::inject, "/x", "{", 3}}),
                HasSubstr("step 3: inject: the JSON text for /x is refused"));
    const std::string longName(300, 'n');
    EXPECT_THAT(errorOf({{StepKind::remove, "/a", "", 2}, {StepKind::write, "/vm/" + longName, "", 5}}),
                HasSubstr("step 5: "));
    EXPECT_TRUE(store->journal().empty());
}

TEST_F(ApplyTest, TheStepsTogetherMustFit) {
    Limits limits;
    limits.nodes = 8;
    store = std::make_unique<Store>(fs, dir.path(), limits);
    store->load();
    ASSERT_EQ(store->tree().size().nodes, 6U);
    EXPECT_THAT(errorOf({{StepKind::write, "/x", "1", 1},
                         {StepKind::write, "/y", "1", 2},
                         {StepKind::write, "/z", "1", 3}}),
                HasSubstr("step 3: the number of nodes in the tree is 9"));
    EXPECT_EQ(errorOf({{StepKind::write, "/x", "1", 1}, {StepKind::write, "/y", "1", 2}}), "");
}

TEST_F(ApplyTest, AFullJournalRefusesAllSteps) {
    fs.arm(FaultFileSystem::Fault::Fail, 1, ENOSPC);
    EXPECT_THAT(errorOf({{StepKind::write, "/k", "4", 1}, {StepKind::remove, "/a", "", 2}}),
                HasSubstr("nothing was changed"));
}

TEST_F(ApplyTest, PreconditionsNameWhatWasExpectedAndFound) {
    EXPECT_EQ(errorOf({1, "/a/b", "1"}), "");
    EXPECT_EQ(errorOf({1, "/absent", ""}), ""); // as read has it
    EXPECT_EQ(errorOf({1, "/absent", std::nullopt}), "");
    EXPECT_EQ(errorOf({2, "/a/b", "9"}),
              "step 2: /a/b is not as expected: expected \"9\", found \"1\"; nothing was changed");
    EXPECT_THAT(errorOf({2, "/absent", "9"}), HasSubstr("found nothing"));
    EXPECT_THAT(errorOf({3, "/a", std::nullopt}),
                HasSubstr("expected nothing, found a node without a value"));
}

} // namespace
} // namespace xb::dbd
