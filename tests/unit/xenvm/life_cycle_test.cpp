// SPDX-License-Identifier: Apache-2.0
// The words of the life states and, as a table of its own, every legal step between them.
#include "toolstack/xenvm/life_cycle.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <stdexcept>
#include <string>

namespace xb::xenvm {
namespace {

using enum LifeState;

// Written down a second time, as words, so that a slip in the table of the source shows.
const std::map<std::string, std::set<std::string>> legal{
    {"shutdown", {"creating-domain", "restoring"}},
    {"creating-domain", {"creating-devices", "suspended", "shutdown"}},
    {"creating-devices", {"created", "suspended", "shutdown"}},
    {"created", {"running", "rebooting", "rebooted", "suspended", "shutdown"}},
    {"running", {"paused", "shutdowning", "rebooted", "suspending", "shutdown"}},
    {"paused", {"running", "shutdowning", "rebooted", "suspending", "shutdown"}},
    {"shutdowning", {"shutdown", "rebooting", "rebooted", "running"}},
    {"rebooting", {"rebooted", "creating-domain", "shutdown"}},
    {"rebooted", {"creating-domain", "restoring", "shutdown"}},
    {"suspending", {"suspended", "running", "shutdown"}},
    {"suspended", {"restoring", "creating-domain", "shutdown"}},
    {"restoring", {"creating-domain", "suspended", "shutdown"}},
};

TEST(LifeCycle, hasExactlyTheLegalSteps) {
    ASSERT_EQ(legal.size(), lifeStateCount);
    for (const auto& [from, followers] : legal) {
        for (const auto& [to, unused] : legal)
            EXPECT_EQ(mayFollow(*lifeStateFromString(from), *lifeStateFromString(to)), followers.contains(to))
                << from << " -> " << to;
    }
}

TEST(LifeCycle, wordsGoBothWaysAndOthersAreRefused) {
    for (const auto& [word, unused] : legal)
        EXPECT_EQ(toString(*lifeStateFromString(word)), word);
    EXPECT_FALSE(lifeStateFromString(""));
    EXPECT_FALSE(lifeStateFromString("Running"));
    EXPECT_FALSE(lifeStateFromString("pre-create"));
}

TEST(LifeCycle, startsOnlyWhereThereIsNoDomain) {
    const std::set<LifeState> startable{shutdown, rebooted, suspended};
    for (const auto& [word, unused] : legal) {
        const LifeState state = *lifeStateFromString(word);
        EXPECT_EQ(mayStart(state), startable.contains(state)) << word;
        EXPECT_EQ(hasDomain(state), !startable.contains(state)) << word;
    }
}

TEST(LifeCycle, walksAndRefusesIllegalSteps) {
    LifeCycle life;
    EXPECT_EQ(life.state(), shutdown);
    EXPECT_FALSE(life.enter(shutdown));
    EXPECT_TRUE(life.enter(creatingDomain));
    EXPECT_THROW(life.enter(running), std::logic_error);
    EXPECT_EQ(life.state(), creatingDomain);
    EXPECT_TRUE(life.adopt(running));
    EXPECT_FALSE(life.adopt(running));
    EXPECT_TRUE(life.enter(paused));
}

} // namespace
} // namespace xb::xenvm
