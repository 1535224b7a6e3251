// SPDX-License-Identifier: Apache-2.0
// What is suspicious in a rule set: rules that never decide, that can never hold, that open more than one
// would think. Quadratic in the number of rules with the same subject: for a command line, not for the way of
// a message.
#pragma once

#include "rpc-proxy/rules/rule_set.hpp"

#include <string>
#include <vector>

namespace xb::proxy::rules {

struct Finding {
    enum class Kind : std::uint8_t {
        duplicate,   ///< a later rule says the same
        shadowed,    ///< a later rule with fewer conditions always overrides it
        unreachable, ///< for messages about which rules are never asked
        neverHolds,  ///< its conditions exclude each other, or no message can meet one of them
        wildcard,    ///< allows calls to every service of dom0
        busMember,   ///< allows a dangerous method of the bus itself
    };
    Kind kind = Kind::duplicate;
    /// Into the set.
    std::size_t rule = 0;
    /// One sentence, without the rule's place.
    std::string text;
};

/// In the order of the rules. `shadowed` is meant for messages and peers of which everything is known: where
/// a field is absent a deny may still decide (query.hpp).
std::vector<Finding> lint(const RuleSet& rules);

/// `ORIGIN: warning: TEXT` for each, one line each.
std::string lintText(const RuleSet& rules, const std::vector<Finding>& findings);

} // namespace xb::proxy::rules
