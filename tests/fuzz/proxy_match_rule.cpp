// SPDX-License-Identifier: Apache-2.0
// Hostile: the match rules that a guest subscribes with. What was understood is what the bus is told, in the
// only words for it, and never that the guest wants to hear what is for others.
#include "rpc-proxy/relay/match_rule.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "toolstack/libs/error.hpp"

namespace xb::fuzz {

namespace {

void run(std::string_view input) {
    proxy::MatchRule rule;
    try {
        rule = proxy::parseMatchRule(input);
    } catch (const Error& e) {
        const std::string_view name = e.name();
        expect(name == "org.freedesktop.DBus.Error.MatchRuleInvalid" || name == errors::limitsExceeded,
               "it is one of the two errors");
        return;
    }
    expect(input.size() <= proxy::maxMatchRuleBytes, "the limit holds");
    const std::string canonical = rule.text();
    if (canonical.size() > proxy::maxMatchRuleBytes)
        return; // apostrophes take more room now: the bus refuses it
    const proxy::MatchRule again = proxy::parseMatchRule(canonical);
    expect(again.conditions == rule.conditions, "the bus is told what was understood");
    expect(!again.eavesdrop, "the bus is not told to eavesdrop");
    expect(again.text() == canonical, "there is one way to write it");
}

const Target target("proxy_match_rule", run);

} // namespace

} // namespace xb::fuzz
