// SPDX-License-Identifier: Apache-2.0
// What is in force while the file, the rules that were added and those of VMs change.
#include "rpc-proxy/rules_in_force.hpp"

#include "rpc-proxy/rules/parser.hpp"
#include "tests/support/private_bus.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

using testing::ElementsAre;

constexpr const char* uuid = "00000000-0000-0000-0000-000000000001";

class RulesInForceTest : public testing::Test {
protected:
    RulesInForceTest() {
        write("allow member A\n\ndeny out-signal dom-type uivm member B if-boolean c true\n");
    }

    void write(std::string_view text) const { writeFileAtomically(file(), text); }
    std::filesystem::path file() const { return directory.path() / "rules"; }
    RulesInForce read() {
        return {file(), [this](RulesInForce::RuleSetPtr set) {
                    last = std::move(set);
                    ++changes;
                }};
    }
    static std::vector<std::string> origins(const rules::RuleSet& set) {
        std::vector<std::string> texts;
        for (std::size_t i = 1; i < set.size(); ++i)
            texts.push_back(set.origin(i).text());
        return texts;
    }
    std::string line(int number) const { return file().string() + ":" + std::to_string(number); }

    test::TemporaryDirectory directory;
    RulesInForce::RuleSetPtr last;
    int changes = 0;
};

TEST_F(RulesInForceTest, RulesOfTheFileComeFirstThenAddedOnesThenThoseOfVms) {
    RulesInForce rules = read();
    rules.setVm(uuid, rules::parseVmRule("deny member A", uuid, 4).rules);
    rules.add("allow member D");
    EXPECT_THAT(rules.list(),
                ElementsAre("allow member A", "deny out-signal dom-type uivm member B if-boolean c true",
                            "allow member D", std::string("deny member A dom-uuid ") + uuid));
    EXPECT_THAT(origins(*rules.get()),
                ElementsAre(line(1), line(3), "added rule 1", std::string("VM ") + uuid + " rule 4"));
    EXPECT_EQ(changes, 2);
    EXPECT_EQ(last, rules.get());
    rules.remove("allow member D");
    rules.setVm(uuid, {});
    EXPECT_THAT(origins(*rules.get()), ElementsAre(line(1), line(3)));
}

TEST_F(RulesInForceTest, AChangedFileIsReadWhenSomebodySaysSo) {
    RulesInForce rules = read();
    write("allow member New\n");
    rules.add("allow member D");
    EXPECT_THAT(origins(*rules.get()), ElementsAre(line(1), line(3), "added rule 1")) << "not yet";
    rules.reload();
    EXPECT_THAT(rules.list(), ElementsAre("allow member New", "allow member D"));
}

TEST_F(RulesInForceTest, ABrokenFileLeavesWhatWas) {
    RulesInForce rules = read();
    const auto before = rules.get();
    write("allow member New\nallow bogus\n");
    EXPECT_THROW(rules.reload(), Error);
    EXPECT_EQ(rules.get(), before);
    EXPECT_EQ(changes, 0);
    rules.add("allow member D");
    EXPECT_THAT(origins(*rules.get()), ElementsAre(line(1), line(3), "added rule 1"));
}

} // namespace
} // namespace xb::proxy
