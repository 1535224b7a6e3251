// SPDX-License-Identifier: Apache-2.0
// Why a message passes or does not: the rule that decides, those that matched and were overruled, and those
// that missed by one condition. Linear in the number of rules: for people.
#pragma once

#include "rpc-proxy/rules/rule_set.hpp"

#include <string>
#include <vector>

namespace xb::proxy::rules {

/// Rules shown of those that matched and lost, and of those that nearly matched: the last ones.
inline constexpr std::size_t maxExplainedRules = 20;

struct Explanation {
    struct Step {
        std::size_t rule = 0;
        /// Which condition failed (nearly), or which matched only since its field is unknown; may be empty.
        std::string text;
    };

    Verdict verdict;
    /// About the deciding rule, as Step::text.
    std::string note;
    /// Matched, but a later rule decides. The last one first, as are the next.
    std::vector<Step> overruled;
    /// Of this direction and type of message, all conditions but one.
    std::vector<Step> nearly;
};

Explanation explain(const RuleSet& rules, const Message& message, const Subject& subject,
                    const Properties& properties);

/// For people, several lines.
std::string explainText(const RuleSet& rules, const Explanation& explanation);

} // namespace xb::proxy::rules
