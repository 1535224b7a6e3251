// SPDX-License-Identifier: Apache-2.0
// Short ways to make rules and to ask them.
#pragma once

#include "rpc-proxy/rules/parser.hpp"
#include "rpc-proxy/rules/rule_set.hpp"

#include <gtest/gtest.h>

namespace xb::proxy::rules {

inline constexpr const char* oneUuid = "00000000-0000-0000-0000-00000000000a";
inline constexpr const char* otherUuid = "00000000-0000-0000-0000-00000000000b";

/// Everything a verdict depends on.
struct Asked {
    Message message;
    Subject subject;
    Properties properties;
};

inline std::shared_ptr<const RuleSet> rulesOf(std::string_view text, const std::string& file = "f") {
    const ParseResult result = parseRules(text, file);
    EXPECT_TRUE(result.ok()) << result.errorText(file);
    return std::make_shared<const RuleSet>(result.rules);
}

inline Verdict ask(const std::shared_ptr<const RuleSet>& rules, const Asked& asked) {
    return PeerRules(rules, asked.subject, asked.properties).evaluate(asked.message);
}

inline bool allows(std::string_view rules, const Asked& asked) {
    return ask(rulesOf(rules), asked).allowed;
}

/// A call with every field, from a domain of which everything is known.
inline Asked fullCall() {
    Asked asked;
    asked.message = {
        Direction::incoming, MessageType::methodCall, "com.example.D", "com.example.I", "Go", {}, "text"};
    asked.subject = {7, oneUuid, false};
    asked.properties = {{"type", "svm"}, {"name", "my VM"}, {"flag", true}};
    return asked;
}

/// `asked`, changed by `change`.
template <class Change>
Asked with(Asked asked, Change change) {
    change(asked);
    return asked;
}

} // namespace xb::proxy::rules
