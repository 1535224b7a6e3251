// SPDX-License-Identifier: Apache-2.0
// rules_bench: what a verdict of rpc-proxy's rules costs, by the number of rules and by what they differ in;
// what compiling them costs and how much memory they keep. The first rule permits the message, so that all
// others must be ruled out.
#include "rpc-proxy/rules/rule_set.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <chrono>
#include <functional>
#include <memory>

namespace {

using namespace xb::proxy::rules;
using Clock = std::chrono::steady_clock;

constexpr int verdicts = 200'000;
constexpr const char* uuid = "00000000-0000-0000-0000-0000000fffff";

/// What rule n of a set looks like beside the one that permits.
struct Kind {
    const char* name;
    std::function<void(Rule&, int)> make;
};

void add(Rule& rule, Field field, std::string text) {
    rule.conditions.push_back({field, std::move(text), true});
}

void addCall(Rule& rule) {
    add(rule, Field::destination, "com.example.Echo");
    add(rule, Field::interface, "com.example.Echo");
}

const Kind kinds[] = {
    {"destination, interface and member",
     [](Rule& rule, int n) {
         add(rule, Field::destination, fmt::format("com.example.service{}", n));
         add(rule, Field::interface, fmt::format("com.example.interface{}", n));
         add(rule, Field::member, fmt::format("Method{}", n));
     }},
    {"only member",
     [](Rule& rule, int n) {
         addCall(rule);
         add(rule, Field::member, fmt::format("Method{}", n));
     }},
    {"only dom-uuid",
     [](Rule& rule, int n) {
         addCall(rule);
         add(rule, Field::domUuid, fmt::format("00000000-0000-0000-0000-{:012x}", n));
     }},
    {"only dom-type",
     [](Rule& rule, int n) {
         addCall(rule);
         add(rule, Field::domType, fmt::format("type{}", n));
     }},
    {"only if-boolean",
     [](Rule& rule, int n) {
         addCall(rule);
         add(rule, Field::ifBoolean, fmt::format("property{}", n));
     }},
    {"worst case: each word of rules has half of a match",
     [](Rule& rule, int n) {
         add(rule, Field::destination, n % 2 == 0 ? "com.example.Echo" : "com.example.Other");
         add(rule, Field::member, n % 2 == 0 ? "Other" : "Echo");
     }},
};

std::vector<Rule> rulesOf(const Kind& kind, int count) {
    std::vector<Rule> rules(1);
    rules.front().action = Action::allow;
    addCall(rules.front());
    while (static_cast<int>(rules.size()) < count) {
        Rule rule;
        rule.action = Action::deny;
        rule.origin = {Origin::Kind::file, "/etc/rpc-proxy.rules", rules.size()};
        kind.make(rule, static_cast<int>(rules.size()));
        rules.push_back(std::move(rule));
    }
    return rules;
}

double nanoseconds(Clock::duration time) {
    return std::chrono::duration<double, std::nano>(time).count();
}

Properties allKnown(const RuleSet& rules) {
    Properties properties;
    for (const std::string& each : rules.neededProperties())
        properties[each] = false;
    properties["type"] = std::string("svm");
    return properties;
}

/// Best of some rounds, in ns per verdict.
double verdictTime(const PeerRules& rules) {
    const Message message{Direction::incoming,
                          MessageType::methodCall,
                          "com.example.Echo",
                          "com.example.Echo",
                          "Echo",
                          std::nullopt,
                          "text"};
    double best = 1e9;
    for (int round = 0; round < 5; ++round) {
        int allowed = 0;
        const auto start = Clock::now();
        for (int i = 0; i < verdicts; ++i)
            allowed += rules.evaluate(message).allowed ? 1 : 0;
        best = std::min(best, nanoseconds(Clock::now() - start) / verdicts);
        if (allowed != verdicts)
            throw std::runtime_error("the message is not allowed");
    }
    return best;
}

void measure(const Kind& kind, int count) {
    const std::vector<Rule> rules = rulesOf(kind, count);
    const std::size_t before = mallinfo2().uordblks;
    auto start = Clock::now();
    const auto set = std::make_shared<const RuleSet>(rules);
    const double compiling = nanoseconds(Clock::now() - start);
    const std::size_t kept = mallinfo2().uordblks - before;
    const Properties properties = allKnown(*set);
    start = Clock::now();
    const PeerRules peer(set, {7, uuid, false}, properties);
    const double resolving = nanoseconds(Clock::now() - start);
    fmt::print("{:>6} {:>10.0f} {:>12.3f} {:>12.1f} {:>10}\n", count, verdictTime(peer), compiling / 1e6,
               resolving / 1e3, kept / 1024);
}

} // namespace

int main() {
    for (const Kind& kind : kinds) {
        fmt::print("rules that differ in: {}\n{:>6} {:>10} {:>12} {:>12} {:>10}\n", kind.name, "rules",
                   "ns/verdict", "compile ms", "per peer us", "KiB kept");
        for (const int count : {10, 100, 1000, 10000})
            measure(kind, count);
    }
}
