// SPDX-License-Identifier: Apache-2.0
// --check-rules and --explain.
#include "rpc-proxy/rules_commands.hpp"

#include "tests/support/private_bus.hpp"
#include "toolstack/libs/error.hpp"
#include "toolstack/libs/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace xb::proxy {
namespace {

using testing::HasSubstr;

class RulesCommands : public testing::Test {
protected:
    std::filesystem::path file(std::string_view text) {
        const auto path = directory.path() / "rules";
        writeFileAtomically(path, text);
        return path;
    }
    test::TemporaryDirectory directory;
};

TEST_F(RulesCommands, CheckSaysWhatIsSuspicious) {
    EXPECT_EQ(checkRules(file("allow inc-signal interface a.b\n")), "");
    EXPECT_THAT(checkRules(file("\nallow inc-method-call\n")), HasSubstr(":2: warning: "));
    try {
        checkRules(file("allow bogus\n"));
        ADD_FAILURE();
    } catch (const Error& e) {
        EXPECT_THAT(e.what(), HasSubstr("rules:1:7: "));
    }
}

TEST_F(RulesCommands, ExplainNamesTheRuleThatDecides) {
    const auto rules = file("allow inc-method-call dom-type uivm destination a.b\n"
                            "deny inc-method-call destination a.b member Set\n"
                            "allow inc-signal dom-id 7 if-boolean flag true\n");
    EXPECT_THAT(explainMessage(rules, "inc-method-call destination a.b member Get dom-type uivm"),
                HasSubstr("rules:1"));
    EXPECT_THAT(explainMessage(rules, "inc-method-call destination a.b member Set dom-type uivm"),
                HasSubstr("rules:2"));
    EXPECT_THAT(explainMessage(rules, "inc-method-call destination a.b member Get dom-type ndvm"),
                HasSubstr("no rule matches"));
    EXPECT_THAT(explainMessage(rules, "inc-signal dom-id 7 if-boolean flag true"), HasSubstr("allowed by"));
    EXPECT_THAT(explainMessage(rules, "inc-signal dom-id 8 if-boolean flag true"),
                HasSubstr("no rule matches"));
    EXPECT_THAT(explainMessage(rules, "inc-signal dom-id 7"), HasSubstr("no rule matches"));
    EXPECT_THROW(explainMessage(rules, "bogus"), Error);
}

} // namespace
} // namespace xb::proxy
